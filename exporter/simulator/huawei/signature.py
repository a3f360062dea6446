"""Verify SDK-HMAC-SHA256 signatures from the bytes on the wire.

Written from Huawei's API Request Signing Guide (algorithm pages 001 and 002).
Nothing is normalised in a client's favour: a blank sent as `+` is a plus sign.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from exporter.simulator.huawei.refusal import unauthorized

_AUTHORIZATION = re.compile(
    r"SDK-HMAC-SHA256\s+Access=(?P<key>[^,]+),\s?"
    r"SignedHeaders=(?P<headers>[^,]+),\s?Signature=(?P<signature>[0-9a-f]{64})"
)
_MAXIMUM_SKEW = 15 * 60
_ALWAYS_SIGNED = ("host", "x-sdk-date")
_SIGNED_IF_SENT = ("x-project-id", "x-security-token")


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """What a signature covers, as it arrived; header names are lower-case."""

    method: str
    raw_path: bytes
    raw_query: bytes
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Authorization header claims."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(header: str) -> Credentials:
    """Take an Authorization header apart. Raises HuaweiRefusal when it is malformed."""
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise unauthorized("authorization", "Authorization format incorrect")
    return Credentials(match["key"], tuple(match["headers"].split(";")), match["signature"])


def verify(request: WireRequest, claim: Credentials, *, secret: str, now: float) -> None:
    """Check headers, clock and signature. Raises HuaweiRefusal with the gateway's words."""
    key = claim.access_key
    missing = [name for name in _ALWAYS_SIGNED if name not in claim.signed_headers]
    missing += [name for name in claim.signed_headers if name not in request.headers]
    missing += [
        name
        for name in _SIGNED_IF_SENT
        if name in request.headers and name not in claim.signed_headers
    ]
    if missing:
        raise unauthorized("unsigned_header", "verify aksk signature fail", failed_key=key)
    if abs(now - _read_date(request.headers["x-sdk-date"], key)) > _MAXIMUM_SKEW:
        raise unauthorized("clock", "signature expired", failed_key=key)
    if not hmac.compare_digest(sign(request, claim.signed_headers, secret), claim.signature):
        raise unauthorized("signature", "verify aksk signature fail", failed_key=key)


def sign(request: WireRequest, signed_headers: tuple[str, ...], secret: str) -> str:
    """Compute the signature this request must carry."""
    canonical = canonical_request(request, signed_headers)
    text = "\n".join(
        (
            "SDK-HMAC-SHA256",
            request.headers["x-sdk-date"],
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical_request(request: WireRequest, signed_headers: tuple[str, ...]) -> str:
    """Build the six parts of the canonical request."""
    headers = "".join(
        f"{name}:{request.headers[name].strip()}\n" for name in sorted(signed_headers)
    )
    return "\n".join(
        (
            request.method.upper(),
            _canonical_path(request.raw_path.decode("latin-1")),
            _canonical_query(request.raw_query.decode("latin-1")),
            headers,
            ";".join(signed_headers),
            _body_hash(request),
        )
    )


def decode_query(raw_query: bytes) -> list[tuple[str, str]]:
    """Decode a query string: only %XX is decoded, a plus sign stays one."""
    pairs = (part.partition("=") for part in raw_query.decode("latin-1").split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _canonical_path(raw_path: str) -> str:
    # The path for signing ends in a slash although the one on the wire does not.
    path = "/".join(_encode(segment) for segment in unquote(raw_path).split("/"))
    return path if path.endswith("/") else f"{path}/"


def _canonical_query(raw_query: str) -> str:
    pairs = sorted(decode_query(raw_query.encode("latin-1")))
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in pairs)


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _body_hash(request: WireRequest) -> str:
    claimed = request.headers.get("x-sdk-content-sha256")
    if claimed == "UNSIGNED-PAYLOAD":
        return claimed
    return hashlib.sha256(request.body).hexdigest()


def _read_date(text: str, key: str) -> float:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise unauthorized("clock", "X-Sdk-Date format incorrect", failed_key=key) from None
