"""The issuer of a cluster's tokens: what the kubelet puts into a pod, and what STS makes of it.

Real tokens are signed with RS256; these with HS256, which needs no more than the standard library.
Everything else STS checks as it does for the real ones: signature, issuer, audience, subject, end.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from exporter.simulator.alibaba.refusal import Refusal

AUDIENCE = "sts.aliyuncs.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcIssuer:
    """One cluster, and the identity provider that RAM knows it as."""

    provider_arn: str = "acs:ram::1000000000000001:oidc-provider/ack-rrsa-c1"
    issuer: str = "https://oidc-ack-cn-hangzhou.example.com/c1"
    key: bytes = b"the key of a simulated cluster"

    def token(
        self, subject: str, *, now: float, audience: str = AUDIENCE, lifetime: float = 3600.0
    ) -> str:
        """Return a token for a service account, `system:serviceaccount:<namespace>:<name>`."""
        claims = {
            "iss": self.issuer,
            "aud": [audience],
            "sub": subject,
            "iat": int(now),
            "exp": int(now + lifetime),
        }
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        text = f"{head}.{_encode(json.dumps(claims).encode())}"
        return f"{text}.{_encode(self._sign(text))}"

    def subject(self, token: str, *, now: float, audience: str = AUDIENCE) -> str:
        """Return whose token it is, or raise the Refusal that STS would answer."""
        text, _, signature = token.rpartition(".")
        try:
            claims = json.loads(_decode(text.partition(".")[2]))
            genuine = hmac.compare_digest(_decode(signature), self._sign(text))
        except (ValueError, TypeError):
            raise _refused("Invalid", "This JsonWebToken is invalid.") from None
        if claims.get("iss") != self.issuer:
            message = "The issuer in the OIDC Token doesn't match the OIDC Provider registered."
            raise _refused("IssuerNotMatch", message)
        if not genuine:
            raise _refused("Invalid", "This JsonWebToken is invalid.")
        if audience not in claims["aud"]:
            raise _refused("AudienceNotMatch", "Invalid audience.")
        if claims["exp"] <= now:
            raise _refused("Expired", "This JsonWebToken is expired.")
        return str(claims["sub"])

    def _sign(self, text: str) -> bytes:
        return hmac.new(self.key, text.encode(), hashlib.sha256).digest()


def _refused(kind: str, message: str) -> Refusal:
    return Refusal(400, f"AuthenticationFail.OIDCToken.{kind}", message)


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
