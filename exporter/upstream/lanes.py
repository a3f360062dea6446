"""Ask many places side by side, so that those which are silent hold nobody else up.

All share one rate and one concurrency. A request that has had no answer for much longer than others
take goes on, but gives its turn to somebody else; whoever is known to be silent is asked in turns
that the others do not use. A place that asks for a pause gets it, and the others go on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from exporter.pacing import Clock, Pace, Sleep

_TIMES_THE_USUAL = 5.0
_LEAST_PATIENCE = 0.25
"""Seconds that any answer may take."""
_FIRST_PATIENCE = 0.5
"""Before anybody has answered."""
_WEIGHT = 1 / 16
"""Of the last answer in what is usual."""


class Lanes:
    """What the places have in common."""

    def __init__(
        self,
        *,
        pace: Pace,
        slots: asyncio.Semaphore,
        doubtful: asyncio.Semaphore,
        longest: float,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        """Take the turns of all, those for places in doubt, and the longest patience in seconds."""
        self.pace = pace
        self.slots = slots
        self.doubtful = doubtful
        self.clock = clock
        self.sleep = sleep
        self._longest = longest
        self._usual: float | None = None

    @property
    def patience(self) -> float:
        """Return the seconds after which a request is overdue."""
        if self._usual is None:
            return min(_FIRST_PATIENCE, self._longest)
        return min(max(_TIMES_THE_USUAL * self._usual, _LEAST_PATIENCE), self._longest)

    def answered(self, seconds: float) -> None:
        """Hear how long an answer took."""
        usual = seconds if self._usual is None else self._usual
        self._usual = usual + (seconds - usual) * _WEIGHT


@dataclass(slots=True)
class _Turn:
    """The turn of one request, which it may have given to somebody else."""

    slots: asyncio.Semaphore
    given: bool = False
    sent_at: float | None = None
    timer: asyncio.TimerHandle | None = None

    def give(self) -> None:
        if not self.given:
            self.given = True
            self.slots.release()


class Lane:
    """The way of the requests to one place: the turns and the pace of a client."""

    def __init__(self, lanes: Lanes) -> None:
        self.in_doubt = False
        """Whether the place is known to be silent."""
        self.overdue: Callable[[], None] = lambda: None
        """Called when an answer is late, or was no good one."""
        self._lanes = lanes
        self._held_until = 0.0
        self._turns: dict[asyncio.Task[object] | None, _Turn] = {}

    async def __aenter__(self) -> None:
        slots = self._lanes.doubtful if self.in_doubt else self._lanes.slots
        await slots.acquire()
        self._turns[asyncio.current_task()] = _Turn(slots)

    async def __aexit__(self, kind: object, exception: object, traceback: object) -> None:
        turn = self._turns.pop(asyncio.current_task())
        turn.give()
        if turn.timer is not None:
            turn.timer.cancel()
        if exception is not None:
            # It may be tried again, with pauses: for that nobody waits.
            self.overdue()
        elif turn.sent_at is not None:
            self._lanes.answered(asyncio.get_running_loop().time() - turn.sent_at)

    async def acquire(self) -> None:
        """Wait until one more request may go out; from then on its answer is waited for."""
        while (delay := self._held_until - self._lanes.clock()) > 0:
            await self._lanes.sleep(delay)
        await self._lanes.pace.acquire()
        turn = self._turns.get(asyncio.current_task())
        if turn is not None:
            loop = asyncio.get_running_loop()
            turn.sent_at = loop.time()
            turn.timer = loop.call_later(self._lanes.patience, self._late, turn)

    def hold(self, seconds: float) -> None:
        """Let no request to this place out for so many seconds from now."""
        self._held_until = max(self._held_until, self._lanes.clock() + seconds)

    def _late(self, turn: _Turn) -> None:
        turn.give()
        self.overdue()
