"""The keys of a simulated Tencent Cloud account, permanent ones and those of a role."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TencentKey:
    """One key; a temporary one has a token and an end.

    `principal` is the ARN of whoever has it; without one it is known by its id.
    """

    secret_id: str
    secret_key: str
    token: str = ""
    expires_at: float | None = None
    denied_operations: frozenset[str] = frozenset()
    principal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CamRole:
    """A role: by which keys and principals it may be assumed, and for how long at most."""

    arn: str
    trusts: frozenset[str] = frozenset()
    external_id: str = ""
    longest_seconds: int = 43200

    def may_be_assumed(self, key: TencentKey, external_id: str) -> bool:
        """Say whether its trust policy allows it."""
        known = (key.principal or key.secret_id) in self.trusts
        return known and self.external_id in ("", external_id)


class TencentAccess:
    """The key ring that the gateway checks against, and that STS and the metadata service fill."""

    def __init__(self, *keys: TencentKey, seed: int = 0) -> None:
        self._seed = seed
        self._issued = 0
        self._keys = {key.secret_id: key for key in keys}

    def find(self, secret_id: str) -> TencentKey | None:
        """Return the key of this id, expired ones included."""
        return self._keys.get(secret_id)

    def put(self, key: TencentKey) -> None:
        """Add a key, or replace the one of the same id."""
        self._keys[key.secret_id] = key

    def issue(self, *, expires_at: float, principal: str = "") -> TencentKey:
        """Make temporary credentials, as STS does for a role."""
        self._issued += 1
        key = TencentKey(
            secret_id="AKID" + self._random_text("id", 60),
            secret_key=self._random_text("secret", 44),
            token=self._random_text("token", 120),
            expires_at=expires_at,
            principal=principal,
        )
        self.put(key)
        return key

    def _random_text(self, purpose: str, length: int) -> str:
        material = f"{self._seed}:{self._issued}:{purpose}".encode()
        return hashlib.sha512(material).hexdigest()[:length]
