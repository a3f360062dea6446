"""Check Tencent Cloud's TC3 signatures as a gateway must: over the raw request.

Written from the vendor's page "Signature v3", apart from any client. What is checked is POST with a
body; the form with a query is not simulated.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.simulator.tencent.access import TencentAccess, TencentKey
from exporter.simulator.tencent.refusal import Refusal, missing

ALLOWED_SKEW_SECONDS = 300
_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^,/\s]+)/(?P<date>\d{4}-\d\d-\d\d)/(?P<service>[a-z]+)"
    r"/tc3_request, SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request as it came over the wire; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class SignatureGate:
    """Let signed requests for one service through; refuse others with the gateway's own codes."""

    def __init__(self, *, access: TencentAccess, service: str, clock: Callable[[], float]) -> None:
        self._access = access
        self._service = service
        self._clock = clock

    def check(self, request: WireRequest) -> TencentKey:
        """Return the caller's key, or raise the Refusal that the gateway would answer."""
        now = self._clock()
        match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if match is None:
            raise Refusal(
                "AuthFailure.InvalidAuthorization",
                "The request header `Authorization` does not conform to the standard.",
            )
        stamp = request.headers.get("x-tc-timestamp", "")
        if not stamp.isdigit():
            raise missing("Timestamp")
        if abs(now - int(stamp)) > ALLOWED_SKEW_SECONDS:
            raise Refusal("AuthFailure.SignatureExpire", "The timestamp is too far from now.")
        key = self._access.find(match["id"])
        if key is None:
            raise Refusal("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
        if request.headers.get("x-tc-token", "") != key.token or not _lives(key, now):
            raise Refusal("AuthFailure.TokenFailure", "The token is not valid or has expired.")
        date = f"{datetime.fromtimestamp(int(stamp), UTC):%Y-%m-%d}"
        if (match["date"], match["service"]) != (date, self._service):
            raise _mismatch(match["id"])
        if not {"content-type", "host"} <= set(match["names"].split(";")):
            raise _mismatch(match["id"])
        expected = _signature(request, key.secret_key, match, stamp)
        if not hmac.compare_digest(expected, match["signature"]):
            raise _mismatch(match["id"])
        return key


def _lives(key: TencentKey, now: float) -> bool:
    return key.expires_at is None or now < key.expires_at


def _mismatch(secret_id: str) -> Refusal:
    # The real one quotes the id, too.
    return Refusal(
        "AuthFailure.SignatureFailure",
        f"The provided credentials of {secret_id} could not be validated.",
    )


def _signature(request: WireRequest, secret: str, match: re.Match[str], stamp: str) -> str:
    names = match["names"].split(";")
    signed = "".join(f"{name}:{request.headers.get(name, '').strip().lower()}\n" for name in names)
    canonical = "\n".join(
        (
            request.method,
            request.path,
            request.query,
            signed,
            match["names"],
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    scope = f"{match['date']}/{match['service']}/tc3_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"

    def keyed(key: bytes, message: str) -> bytes:
        return hmac.new(key, message.encode(), hashlib.sha256).digest()

    key = keyed(keyed(f"TC3{secret}".encode(), match["date"]), match["service"])
    return keyed(keyed(key, "tc3_request"), text).hex()
