"""Check signatures of the older kind, of RPC products: HMAC-SHA1 over all parameters.

Written from the vendor's page "Signature method of RPC-style APIs", apart from any client.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.refusal import Refusal, missing_parameter
from exporter.simulator.alibaba.signature import ALLOWED_SKEW_SECONDS, WireRequest, check_token

_DATE = "%Y-%m-%dT%H:%M:%SZ"
_REQUIRED = ("AccessKeyId", "Signature", "SignatureNonce", "Timestamp")


class RpcSignatureGate:
    """Let signed requests through, once each; refuse all others with the gateway's own codes."""

    def __init__(self, *, access: Access, clock: Callable[[], float]) -> None:
        self._access = access
        self._clock = clock
        self._nonces: set[str] = set()

    def check(self, wire: WireRequest, given: Mapping[str, str]) -> AccessKey:
        """Return the caller's key, or raise the Refusal the gateway would answer."""
        now = self._clock()
        for name in _REQUIRED:
            if not given.get(name):
                raise missing_parameter(name)
        try:
            sent = datetime.strptime(given["Timestamp"], _DATE).replace(tzinfo=UTC).timestamp()
        except ValueError:
            message = "Specified time stamp or date value is not well formatted."
            raise Refusal(400, "InvalidTimeStamp.Format", message) from None
        if abs(now - sent) > ALLOWED_SKEW_SECONDS:
            message = "Specified time stamp or date value is expired."
            raise Refusal(400, "InvalidTimeStamp.Expired", message)
        key = self._access.find(given["AccessKeyId"])
        if key is None:
            message = "Specified access key is not found."
            raise Refusal(404, "InvalidAccessKeyId.NotFound", message)
        check_token(key, given.get("SecurityToken"), now)
        if not hmac.compare_digest(_signature(wire.method, given, key.secret), given["Signature"]):
            message = "Specified signature is not matched with our calculation."
            raise Refusal(400, "SignatureDoesNotMatch", message)
        if given["SignatureNonce"] in self._nonces:
            raise Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(given["SignatureNonce"])
        return key


def _signature(method: str, given: Mapping[str, str], secret: str) -> str:
    pairs = sorted((name, value) for name, value in given.items() if name != "Signature")
    query = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in pairs)
    text = f"{method}&{_encode('/')}&{_encode(query)}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return b64encode(digest).decode()


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
