"""Check Alibaba Cloud V3 signatures (ACS3-HMAC-SHA256) as a gateway must: over the raw request.

Written from the vendor's page "V3 request syntax and signature method", apart from any client.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote_plus

from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.refusal import Refusal, missing_parameter

ALGORITHM = "ACS3-HMAC-SHA256"
ALLOWED_SKEW_SECONDS = 15 * 60
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<key>[^,\s]+),\s*SignedHeaders=(?P<names>[^,\s]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_REQUIRED = (
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request as it came over the wire: nothing decoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


def canonical_query(query: str) -> str:
    """Sort the parameters and write their values in RFC 3986 form.

    The vendor's Python SDK signs a blank as `%20` but sends `+`, so `+` has to be read as a blank.
    """
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    encoded = [(_encode(name), _encode(value)) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def string_to_sign(request: WireRequest, signed_headers: str) -> str:
    """Return the text whose HMAC is the signature."""
    lines = [f"{name}:{request.headers[name].strip()}\n" for name in signed_headers.split(";")]
    canonical_request = "\n".join(
        (
            request.method,
            request.path or "/",
            canonical_query(request.query),
            "".join(lines),
            signed_headers,
            _sha256(request.body),
        )
    )
    return f"{ALGORITHM}\n{_sha256(canonical_request.encode())}"


class SignatureGate:
    """Let signed requests through, once each; refuse all others with the gateway's own codes."""

    def __init__(self, *, access: Access, clock: Callable[[], float]) -> None:
        self._access = access
        self._clock = clock
        self._nonces: dict[str, float] = {}

    def check(self, request: WireRequest) -> AccessKey:
        """Return the caller's key, or raise the Refusal the gateway would answer."""
        now = self._clock()
        for name in _REQUIRED:
            if not request.headers.get(name):
                raise missing_parameter(name)
        _check_date(request.headers["x-acs-date"], now)
        key_id, signed_headers, signature = _read_authorization(request.headers)
        key = self._find(key_id)
        check_token(key, request.headers.get("x-acs-security-token"), now)
        _check_coverage(request.headers, signed_headers)
        _check_body(request)
        _check_signature(request, key, signed_headers, signature)
        self._use_nonce(request.headers["x-acs-signature-nonce"], now)
        return key

    def _find(self, key_id: str) -> AccessKey:
        key = self._access.find(key_id)
        if key is None:
            message = "Specified access key is not found."
            raise Refusal(404, "InvalidAccessKeyId.NotFound", message)
        if not key.active:
            raise Refusal(403, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
        return key

    def _use_nonce(self, nonce: str, now: float) -> None:
        # A nonce can be forgotten once no date that still passes can come with it.
        horizon = now - 2 * ALLOWED_SKEW_SECONDS
        while self._nonces:
            oldest = next(iter(self._nonces))
            if self._nonces[oldest] >= horizon:
                break
            del self._nonces[oldest]
        if nonce in self._nonces:
            raise Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces[nonce] = now


def _check_date(text: str, now: float) -> None:
    try:
        sent = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        message = "Specified time stamp or date value is not well formatted."
        raise Refusal(400, "InvalidTimeStamp.Format", message) from None
    if abs(now - sent) > ALLOWED_SKEW_SECONDS:
        message = "Specified time stamp or date value is expired."
        raise Refusal(400, "InvalidTimeStamp.Expired", message)


def _read_authorization(headers: Mapping[str, str]) -> tuple[str, str, str]:
    text = headers.get("authorization")
    if not text:
        raise missing_parameter("Authorization")
    parts = _AUTHORIZATION.fullmatch(text)
    if parts is None:
        raise _incomplete("the Authorization header is malformed")
    return parts["key"], parts["names"], parts["signature"]


def check_token(key: AccessKey, token: str | None, now: float) -> None:
    """Raise a Refusal unless a key comes with the token that belongs to it, in time."""
    if key.security_token is None:
        if token is not None:
            message = "Specified SecurityToken is malformed."
            raise Refusal(400, "InvalidSecurityToken.Malformed", message)
        return
    if token is None:
        raise Refusal(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
    if not hmac.compare_digest(token.encode(), key.security_token.encode()):
        message = "Specified SecurityToken mismatch with the AccessKey."
        raise Refusal(400, "InvalidSecurityToken.MismatchWithAccessKey", message)
    if key.expires_at is not None and now >= key.expires_at:
        raise Refusal(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


def _check_coverage(headers: Mapping[str, str], signed_headers: str) -> None:
    names = signed_headers.split(";")
    if names != sorted(set(names)):
        raise _incomplete("SignedHeaders has to be sorted, in lower case, each name once")
    absent = [name for name in names if name not in headers]
    if absent:
        raise _incomplete(f"signed header {absent[0]} was not sent")
    must = [name for name in headers if name in ("host", "content-type") or _is_vendors(name)]
    unsigned = [name for name in must if name not in names]
    if unsigned:
        raise _incomplete(f"header {unsigned[0]} has to be signed")


def _check_body(request: WireRequest) -> None:
    if request.headers["x-acs-content-sha256"] != _sha256(request.body):
        message = "The specified x-acs-content-sha256 does not match the request body."
        raise Refusal(400, "InvalidParameter.ContentSha256", message)


def _check_signature(
    request: WireRequest, key: AccessKey, signed_headers: str, signature: str
) -> None:
    text = string_to_sign(request, signed_headers)
    expected = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise Refusal(
            400,
            "SignatureDoesNotMatch",
            "Specified signature is not matched with our calculation."
            f" server string to sign is:{text}",
        )


def _incomplete(reason: str) -> Refusal:
    message = f"The request signature does not conform to Aliyun standards: {reason}."
    return Refusal(400, "IncompleteSignature", message)


def _is_vendors(name: str) -> bool:
    return name.startswith("x-acs-")


def _encode(text: str) -> str:
    return quote(unquote_plus(text), safe="-_.~")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
