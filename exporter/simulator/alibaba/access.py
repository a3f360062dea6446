"""The access keys of a simulated Alibaba Cloud account, permanent ones and those of a RAM role."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """One access key; a temporary one has a security token and an end."""

    key_id: str
    secret: str
    security_token: str | None = None
    expires_at: float | None = None
    active: bool = True
    denied_operations: frozenset[str] = frozenset()
    principal: str = ""
    """The ARN of the user or role that it is a key of; empty where nobody asks."""


class Access:
    """The key ring that the gateway checks against and the metadata service adds to."""

    def __init__(self, *keys: AccessKey, seed: int = 0) -> None:
        self._seed = seed
        self._issued = 0
        self._keys = {key.key_id: key for key in keys}

    def find(self, key_id: str) -> AccessKey | None:
        """Return the key of this id, expired ones included."""
        return self._keys.get(key_id)

    def put(self, key: AccessKey) -> None:
        """Add a key, or replace the one of the same id: rotation, revocation, a changed policy."""
        self._keys[key.key_id] = key

    def remove(self, key_id: str) -> None:
        """Delete a key, as its owner would in the RAM console."""
        self._keys.pop(key_id, None)

    def issue(
        self, *, expires_at: float, denied_operations: Iterable[str] = (), principal: str = ""
    ) -> AccessKey:
        """Make temporary credentials, as STS does for an instance role."""
        self._issued += 1
        key = AccessKey(
            key_id="STS.NU" + self._random_text("id", 20),
            secret=self._random_text("secret", 44),
            security_token="CAIS" + self._random_text("token", 60),
            expires_at=expires_at,
            denied_operations=frozenset(denied_operations),
            principal=principal,
        )
        self.put(key)
        return key

    def _random_text(self, purpose: str, length: int) -> str:
        material = f"{self._seed}:{self._issued}:{purpose}".encode()
        return hashlib.sha512(material).hexdigest()[:length]
