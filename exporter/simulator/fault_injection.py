"""What goes wrong in one simulated cloud: outages, throttling, latency, and a log of requests."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of faults: `begins` seconds after the start, again every `every` seconds."""

    begins: float
    lasts: float
    every: float | None = None

    def covers(self, elapsed: float) -> bool:
        """Tell whether the window is open `elapsed` seconds after the start."""
        if elapsed < self.begins:
            return False
        since = elapsed - self.begins
        return (since % self.every if self.every else since) < self.lasts


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """An answer given instead of the simulated one."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Trouble(StrEnum):
    """What keeps a request from being looked at at all."""

    OUTAGE = "outage"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request seen: the vendor's operation, when, and why it was refused (empty: was not)."""

    operation: str
    at: float
    refusal: str = ""


class FaultInjection:
    """The switchboard of one simulated cloud, and the log of what was asked of it.

    Tests flip `outage`, `throttling`, `throttle_every` (every n-th request; 0 = none) and
    `latency` (seconds), or put an answer for one operation into `overrides`. `outages` and `storms`
    (throttling) are foreseen: windows counted from `started_at` on.
    """

    def __init__(
        self,
        *,
        started_at: float = 0.0,
        outages: tuple[Window, ...] = (),
        storms: tuple[Window, ...] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.outage = False
        self.throttling = False
        self.throttle_every = 0
        self.latency = 0.0
        self.retry_after: int | None = None
        self.overrides: dict[str, Canned] = {}
        self.requests: deque[RequestRecord] = deque(maxlen=_REMEMBERED)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._arrivals = 0
        self._started_at = started_at
        self._outages = outages
        self._storms = storms
        self._sleep = sleep

    async def arrive(self, now: float) -> Trouble | None:
        """Let a request arrive: wait out the latency and say which trouble it runs into.

        Call it once per request, before anything else; the vendor's own words for the trouble
        are the business of each simulator, and so is calling `record`.
        """
        self._arrivals += 1
        turn = self._arrivals
        if self.latency > 0:
            await self._sleep(self.latency)
        elapsed = now - self._started_at
        if self.outage or any(window.covers(elapsed) for window in self._outages):
            return Trouble.OUTAGE
        if self.throttling or (self.throttle_every and turn % self.throttle_every == 0):
            return Trouble.THROTTLED
        if any(window.covers(elapsed) for window in self._storms):
            return Trouble.THROTTLED
        return None

    def record(self, operation: str, now: float, refusal: str = "") -> None:
        """Note a request and the reason it was refused for; an empty reason means accepted."""
        self.requests.append(RequestRecord(operation=operation, at=now, refusal=refusal))
        self._counts[operation, refusal] += 1

    def count(self, operation: str | None = None) -> int:
        """Count the requests for an operation, or all of them, refused ones included."""
        return sum(
            number for (name, _), number in self._counts.items() if operation in (None, name)
        )

    def accepted(self, operation: str) -> int:
        """Count the requests for an operation that were answered as asked."""
        return self._counts[operation, ""]

    def refused(self, refusal: str, operation: str | None = None) -> int:
        """Count the requests refused for one reason, for one operation or for all."""
        return sum(
            number
            for (name, reason), number in self._counts.items()
            if reason == refusal and operation in (None, name)
        )

    def consecutive(self, refusal: str) -> int:
        """Count how many of the latest requests in a row were refused for this reason."""
        streak = 0
        for request in reversed(self.requests):
            if request.refusal != refusal:
                break
            streak += 1
        return streak

    def forget(self) -> None:
        """Empty the log, so that a test counts only what comes next."""
        self.requests.clear()
        self._counts.clear()
