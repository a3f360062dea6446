"""Keep a value that expires (temporary keys, a login token) fresh with as few calls as possible."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar, cast

from exporter.errors import ExporterError
from exporter.pacing import Clock

T = TypeVar("T")

# Metadata services hand out the same keys until shortly before they expire, and a failed renewal
# may fail for a while: in both cases a still valid value is not renewed at every single request.
_RETRY_SECONDS = 60.0
# Nothing that is handed out to us lives longer. An expiry in the year 9999, or one told to a clock
# that is years behind, must not keep a key for ever that has long been replaced.
_LONGEST_LIFE = 24 * 3600.0


def parse_expiry(text: object) -> float:
    """Read an ISO 8601 time, UTC unless it says otherwise, as epoch seconds.

    Raises ValueError when it is not one.
    """
    if not isinstance(text, str):
        raise ValueError("not a time")
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class Renewed(Generic[T]):
    """A value renewed ahead of its expiry, by one call however many wait for it.

    `expires_at` returns epoch seconds, or None for a value that is good for one use. When it says
    that a value had expired before it came, one of the two clocks is wrong: such a value is used
    for a minute, so that the wrong clock does not make a login of every request.

    While a renewal runs or fails, a value that is still valid stays in use. Those who waited for a
    renewal share its failure: fifty requests waiting for a login that times out must not become
    fifty logins, one after the other.
    """

    def __init__(
        self,
        renew: Callable[[], Awaitable[T]],
        expires_at: Callable[[T], float | None],
        *,
        margin: float,
        clock: Clock,
    ) -> None:
        self._renew = renew
        self._expires_at = expires_at
        self._margin = margin
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._renew_at = 0.0
        self._held_at: float | None = None
        """When a value came that had expired; None for any other."""
        self._turn = 0
        self._failure: ExporterError | None = None

    async def get(self, refused: T | None = None) -> T:
        """Return a valid value, never the one the platform `refused`.

        Raises the ExporterError of the renewal when there is no valid value left.
        """
        value = self._valid(refused)
        if value is not None and (self._clock() < self._renew_at or self._lock.locked()):
            return value
        turn = self._turn
        async with self._lock:
            if turn == self._turn:
                await self._take_turn()
            if self._failure is None:
                # Good for whoever waited, even if it is so short-lived that it expired meanwhile.
                return cast(T, self._value)
            value = self._valid(refused)
            if value is None:
                raise self._failure.with_traceback(None)
            return value

    async def _take_turn(self) -> None:
        try:
            self._value = await self._renew()
        except ExporterError as exc:
            self._failure = exc
            self._renew_at = self._clock() + _RETRY_SECONDS
        else:
            self._failure = None
            now, expires_at = self._clock(), self._expires_at(self._value)
            self._held_at = now if expires_at is not None and expires_at <= now else None
            ahead = min(expires_at or 0.0, now + _LONGEST_LIFE) - self._margin
            self._renew_at = max(ahead, now + _RETRY_SECONDS)
        self._turn += 1

    def _valid(self, refused: T | None) -> T | None:
        value, now = self._value, self._clock()
        if value is None or value is refused:
            return None
        if self._held_at is not None and 0 <= now - self._held_at < _RETRY_SECONDS:
            return value
        expires_at = self._expires_at(value)
        return value if expires_at is not None and now < expires_at else None
