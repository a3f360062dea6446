"""Keep a wrong key from being locked out: after a few rejected signatures, stop asking.

Huawei Cloud locks an access key for five minutes after more than five consecutive failed
authentications, and rejects every user of that key meanwhile (API gateway FAQ, error APIG.0301).
So at most three rejected requests in a row leave this program; then it waits longer than the lock
lasts, and tries with one request at a time. IAM locks users too, for fifteen minutes after five
wrong passwords within fifteen (IAM user guide, login authentication policy): two of them are sent,
and then one in longer than these are remembered.
"""

import asyncio
import hashlib
import time
from types import TracebackType
from typing import Protocol

from exporter.auth.credentials import CredentialProvider
from exporter.errors import CredentialError
from exporter.pacing import Clock

_MOST_PASSWORDS = 2
_PASSWORD_PAUSE = 960.0
_MOST_GUARDS = 1000
"""Keys and passwords that are remembered: temporary ones are others every hour."""


class Guarding(Protocol):
    """Anything that knows which guard a request has to pass."""

    async def chosen(self) -> "RejectionGuard":
        """Return the guard of a request that is to be sent now.

        Raises what handing out credentials raises.
        """


class RejectionGuard:
    """Let requests with one key pass only while no rejection could be one too many.

    Rejections in a row and requests in flight together never exceed `limit`: each one in flight
    may yet turn out to be rejected. A healthy key is therefore used `limit` requests at a time.
    """

    def __init__(
        self, limit: int = 3, pause: float = 330.0, *, clock: Clock = time.monotonic
    ) -> None:
        self._limit = limit
        self._pause = pause
        self._clock = clock
        self._changed = asyncio.Event()
        self._in_flight = 0
        self._rejected = 0
        self._forgiven = 0
        self._probing = False
        self._paused_until: float | None = None
        self._secrets: set[str] = set()

    def renew(self, secret: str) -> None:
        """Take note of the key's secret: a new one may be tried at once, one request at a time.

        One that was tried before is none, or two sources with one key and different secrets would
        never rest.
        """
        if self._secrets and secret not in self._secrets and self._paused_until is not None:
            self._paused_until = None
            self._changed.set()
            self._changed.clear()
        self._secrets.add(secret)

    async def chosen(self) -> "RejectionGuard":
        """Return this one."""
        return self

    @property
    def is_needed(self) -> bool:
        """Say whether requests are under way, or kept back."""
        if self._in_flight:
            return True
        return self._paused_until is not None and self._paused_until > self._clock()

    def attempt(self) -> "Attempt":
        """Guard one request: `async with guard.attempt() as attempt`.

        Entering waits until the request may be sent. Raises CredentialError while paused.
        """
        return Attempt(self)

    async def _enter(self) -> int:
        self._check_pause()
        while not self._may_send():
            await self._changed.wait()
            self._check_pause()
        self._in_flight += 1
        return self._rejected

    def _may_send(self) -> bool:
        if self._probing:
            return self._in_flight == 0
        return self._rejected - self._forgiven + self._in_flight < self._limit

    def _check_pause(self) -> None:
        if self._paused_until is None:
            return
        remaining = self._paused_until - self._clock()
        if remaining > 0:
            raise CredentialError(
                "the platform keeps rejecting these credentials: "
                f"their use is paused for another {remaining:.0f} s so that they are not locked"
            )
        self._paused_until = None

    def _leave(self, accepted: bool | None, rejected_before: int) -> None:
        self._in_flight -= 1
        if accepted:
            # Answers overtake each other: this success proves nothing about rejections that were
            # not yet known when its request was sent, they may have reached the platform later.
            self._forgiven = max(self._forgiven, rejected_before)
            self._probing = False
        elif accepted is not None:
            self._rejected += 1
            if self._probing or self._rejected - self._forgiven >= self._limit:
                self._probing = True
                self._forgiven = self._rejected
                self._paused_until = self._clock() + self._pause
        # Wakes all who wait; each looks again whether it may go.
        self._changed.set()
        self._changed.clear()


class Attempt:
    """One guarded request; ends as accepted, as rejected, or as neither (no verdict was heard)."""

    def __init__(self, guard: RejectionGuard) -> None:
        self._guard = guard
        self._accepted: bool | None = None
        self._rejected_before = 0

    def accepted(self) -> None:
        """Note that the platform took the credentials."""
        self._accepted = True

    def rejected(self) -> None:
        """Note that the platform refused the credentials."""
        self._accepted = False

    async def __aenter__(self) -> "Attempt":
        self._rejected_before = await self._guard._enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Nothing is awaited here, so that a cancelled request cannot be left counted as in flight.
        self._guard._leave(self._accepted, self._rejected_before)


class GuardBook:
    """Hand out one guard per key, so that all sources that share a key share its guard."""

    def __init__(
        self, limit: int = 3, pause: float = 330.0, *, clock: Clock = time.monotonic
    ) -> None:
        self._limit = limit
        self._pause = pause
        self._clock = clock
        self._guards: dict[str, RejectionGuard] = {}

    def of(self, key: str, secret: str = "") -> RejectionGuard:
        """Return the guard of a key or user; only hashes of the name and the secret are kept."""
        guard = self._guard(key, self._limit, self._pause)
        guard.renew(_digest(secret))
        return guard

    def of_keys(self, provider: CredentialProvider) -> Guarding:
        """Return what chooses by the key that is handed out, wherever it was found.

        Who finds in the environment what others name in `auth` uses one key with them.
        """
        return _GuardOfKeys(self, provider)

    def of_password(self, user: str, password: str) -> RejectionGuard:
        """Return the guard of a user's password; another password is another chance."""
        return self._guard(f"{user}\n{password}", _MOST_PASSWORDS, _PASSWORD_PAUSE)

    def _guard(self, name: str, limit: int, pause: float) -> RejectionGuard:
        digest = _digest(name)
        guard = self._guards.pop(digest, None) or RejectionGuard(limit, pause, clock=self._clock)
        # Who is asked for last is forgotten last.
        self._guards[digest] = guard
        if len(self._guards) > _MOST_GUARDS:
            self._forget_one()
        return guard

    def _forget_one(self) -> None:
        idle = (name for name, guard in self._guards.items() if not guard.is_needed)
        if (name := next(idle, None)) is not None:
            del self._guards[name]


class _GuardOfKeys:
    def __init__(self, book: GuardBook, provider: CredentialProvider) -> None:
        self._book = book
        self._provider = provider

    async def chosen(self) -> RejectionGuard:
        found = await self._provider.credentials()
        return self._book.of(found.access_key, found.secret_key)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
