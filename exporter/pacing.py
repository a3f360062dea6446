"""Decide when the next request may go out; clock, sleep and random numbers are injected."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isnan
from random import Random
from typing import Protocol

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


_GRAIN = 1e-4
LONGEST_WAIT = 3600.0
"""Seconds that others can make us wait: who asks for more, be it for eleven thousand days, is asked
again after an hour."""


class Pace(Protocol):
    """Whatever says when the next request may go out."""

    async def acquire(self) -> None:
        """Wait until one more request may go out."""

    def hold(self, seconds: float) -> None:
        """Let no request out for so many seconds from now."""


class TokenBucket:
    """Let through `rate` requests a second on average, and short bursts of `burst`.

    Waiters are served in the order they came. `hold` keeps everyone back for a while, which is
    how a platform's Retry-After reaches all requests of a source and not only the refused one.
    """

    def __init__(self, rate: float, *, burst: float, clock: Clock, sleep: Sleep) -> None:
        self._rate = rate
        self._burst = max(1.0, burst)
        self._clock = clock
        self._sleep = sleep
        self._tokens = self._burst
        self._updated = clock()
        self._held_until = 0.0
        self._turn = asyncio.Lock()

    async def acquire(self) -> None:
        """Wait until one more request may go out."""
        async with self._turn:
            while (delay := self._delay()) > 0:
                await self._sleep(delay)
            self._tokens -= 1

    def hold(self, seconds: float) -> None:
        """Let no request out for so many seconds from now."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    @property
    def held_for(self) -> float:
        """Return how many seconds requests are still held back."""
        return max(0.0, self._held_until - self._clock())

    def _delay(self) -> float:
        now = self._clock()
        # A clock that jumps back must not take tokens away or stop the flow.
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._updated) * self._rate)
        self._updated = now
        if self._held_until > now:
            return self._held_until - now
        # A hair below one token counts as one: a clock far from its zero has a coarse grain, and
        # the rest to wait for could be less than its next tick for ever.
        return 0.0 if self._tokens > 1 - _GRAIN else (1 - self._tokens) / self._rate


class Backoff:
    """Grow the pause after each failure: exponential with full jitter.

    Full jitter (a uniform draw between zero and the bound) spreads the retries of many clients
    better than a fixed pause; half of `base` is kept as the least pause so that none is zero.
    """

    def __init__(self, *, base: float, limit: float, random: Random) -> None:
        self._base = base
        self._limit = limit
        self._random = random
        self._failures = 0

    def next(self) -> float:
        """Return the pause in seconds before the next try, and count a failure."""
        # The exponent is bounded: 2.0 ** 1100 would overflow after a week of failures.
        bound = min(self._limit, self._base * 2.0 ** min(self._failures, 40))
        self._failures += 1
        return max(self._base / 2, self._random.uniform(0, bound))

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self._failures = 0


def bounded_wait(seconds: float | None) -> float:
    """Return for how long to wait when others ask for so many seconds, or for none they can name.

    Whatever they say, it is something between nothing and an hour.
    """
    if seconds is None or isnan(seconds):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Read a Retry-After header, in seconds or as an HTTP date, as seconds from `now`.

    Returns None when there is none or it makes no sense. How much of it to believe is for whoever
    waits to say: see `bounded_wait`.
    """
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.fromtimestamp(now, UTC)).total_seconds()
    except (ValueError, OverflowError, OSError):
        return None
    return max(0.0, seconds)
