"""Verify AWS4-HMAC-SHA256 signatures from the bytes on the wire.

Written from "Create a signed AWS API request" of the IAM User Guide. Nothing is normalised in a
client's favour: what is signed has to be what came.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from exporter.simulator.aws.refusal import AwsRefusal

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/"
    r"(?P<service>[^/]+)/aws4_request, SignedHeaders=(?P<headers>[^,]+), "
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_SKEW = 5 * 60
_ALWAYS_SIGNED = ("host", "x-amz-date")


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """What a signature covers, as it arrived; header names are lower-case."""

    method: str
    raw_path: bytes
    raw_query: bytes
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an Authorization header claims."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(headers: Mapping[str, str]) -> Claim:
    """Take the Authorization header apart. Raises AwsRefusal when there is none, or no good one."""
    header = headers.get("authorization")
    if header is None:
        code = "MissingAuthenticationTokenException"
        raise AwsRefusal("unauthenticated", code, "Missing Authentication Token", status=403)
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        code = "IncompleteSignatureException"
        raise AwsRefusal("authorization", code, "Authorization header cannot be read")
    return Claim(
        access_key=match["key"],
        date=match["date"],
        region=match["region"],
        service=match["service"],
        signed_headers=tuple(match["headers"].split(";")),
        signature=match["signature"],
    )


def verify(request: WireRequest, claim: Claim, *, secret: str, now: float) -> None:
    """Check headers, clock and signature. Raises AwsRefusal in the gateway's words."""
    needed = [*_ALWAYS_SIGNED, *(name for name in request.headers if name.startswith("x-amz-"))]
    if any(name not in claim.signed_headers for name in needed) or any(
        name not in request.headers for name in claim.signed_headers
    ):
        raise _mismatch()
    stamp = request.headers["x-amz-date"]
    moment = _read_date(stamp)
    if moment < now - _SKEW:
        raise _skewed(f"Signature expired: {stamp} is now earlier than the oldest allowed")
    if moment > now + _SKEW:
        raise _skewed(f"Signature not yet current: {stamp} is still later than the newest allowed")
    if not stamp.startswith(claim.date):
        raise _mismatch()
    if not hmac.compare_digest(sign(request, claim, secret), claim.signature):
        raise _mismatch()


def sign(request: WireRequest, claim: Claim, secret: str) -> str:
    """Compute the signature this request must carry."""
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(request.raw_path.decode("latin-1")),
            _canonical_query(request.raw_query.decode("latin-1")),
            "".join(
                f"{name}:{re.sub(' +', ' ', request.headers[name].strip())}\n"
                for name in sorted(claim.signed_headers)
            ),
            ";".join(claim.signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            request.headers["x-amz-date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    key = b"AWS4" + secret.encode()
    for part in (claim.date, claim.region, claim.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _canonical_path(raw_path: str) -> str:
    return quote(raw_path or "/", safe="/-_.~")


def _canonical_query(raw_query: str) -> str:
    pairs = (part.partition("=") for part in raw_query.split("&") if part)
    encoded = [(_again(name), _again(value)) for name, _, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _again(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _read_date(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise _mismatch() from None


def _skewed(message: str) -> AwsRefusal:
    return AwsRefusal("clock", "InvalidSignatureException", message)


def _mismatch() -> AwsRefusal:
    message = (
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method."
    )
    return AwsRefusal("signature", "InvalidSignatureException", message)
