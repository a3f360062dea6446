"""An identity provider, as IAM, STS and the agent of pods know it: who issues tokens, and for whom.

Tokens are JSON Web Tokens (RFC 7519). Real ones are signed with RS256; these with HS256 (RFC 7515),
since the standard library has no RSA: whoever only carries them sees no difference.
"""

import binascii
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from exporter.simulator.huawei.refusal import HuaweiRefusal, service_refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """Whoever issues tokens for one audience, known in STS by its URN and in IAM by its id."""

    issuer: str
    audience: str
    key: bytes
    idp_id: str = ""
    urn: str = ""

    def issue(self, subject: str, *, now: float, lifetime: float = 3600.0) -> str:
        """Issue a token for somebody."""
        claims = {
            "iss": self.issuer,
            "aud": [self.audience],
            "sub": subject,
            "iat": int(now),
            "exp": int(now + lifetime),
        }
        signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def check(self, token: object, *, now: float, status: int = 401) -> str:
        """Return whom a token is for. Raises HuaweiRefusal unless it is one of ours, and valid."""
        signed, _, signature = str(token).rpartition(".")
        if not hmac.compare_digest(self._signature(signed).encode(), signature.encode()):
            raise _refuse("id_token", "The ID token is invalid.", status)
        claims = _decode(signed.partition(".")[2])
        if claims.get("iss") != self.issuer or self.audience not in claims.get("aud", ()):
            raise _refuse("id_token_audience", "The ID token is for somebody else.", status)
        if not claims["iat"] <= now < claims["exp"]:
            raise _refuse("id_token_expired", "The ID token has expired.", status)
        return str(claims["sub"])

    def _signature(self, signed: str) -> str:
        return _base64(
            hmac.new(self.key, signed.encode("utf-8", "replace"), hashlib.sha256).digest()
        )


def _refuse(reason: str, text: str, status: int) -> HuaweiRefusal:
    return service_refusal(reason, "IAM.0101", text, status=status)


def _encode(document: dict[str, Any]) -> str:
    return _base64(json.dumps(document).encode())


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _decode(text: str) -> dict[str, Any]:
    try:
        claims = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        raise _refuse("id_token", "The ID token is invalid.", 401) from None
    return claims if isinstance(claims, dict) else {}
