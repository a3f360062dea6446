"""The tokens one simulated Huawei account has issued, shared by IAM and the services."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha512

from exporter.simulator.huawei.refusal import unauthorized

_LENGTH = 2048
"""Real tokens are several kilobytes long: buffers and log lines notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, valid for one project (none when `project_id` is empty) until `expires_at`."""

    text: str
    project_id: str
    issued_at: float
    expires_at: float
    revoked: bool = False


class HuaweiTokens:
    """The registry of tokens; `lifetime` seconds each (24 hours at the real IAM)."""

    def __init__(self, *, lifetime: float = 86400.0) -> None:
        self.lifetime = lifetime
        self._issued: dict[str, Token] = {}

    def issue(self, project_id: str, now: float) -> Token:
        """Issue a further token; the earlier ones stay valid."""
        seed = f"{len(self._issued)}:{project_id}:{now}".encode()
        text = "MII" + sha512(seed).hexdigest() * (_LENGTH // 128)
        token = Token(
            text=text, project_id=project_id, issued_at=now, expires_at=now + self.lifetime
        )
        self._issued[text] = token
        return token

    def revoke_all(self) -> None:
        """Revoke every token, as a changed password or permission does."""
        self._issued = {text: replace(token, revoked=True) for text, token in self._issued.items()}

    def check(self, text: str, now: float) -> Token:
        """Return the token. Raises HuaweiRefusal when it is unknown, revoked or expired."""
        token = self._issued.get(text)
        if token is None or token.revoked:
            raise unauthorized("token", "decrypt token fail")
        if now >= token.expires_at:
            expired = iso_time(token.expires_at)
            raise unauthorized("token_expired", f"token expires, expires_at: {expired}")
        return token


def iso_time(moment: float) -> str:
    """Write a time as IAM does: UTC with microseconds and a Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
