"""Ask about single jobs, several at a time, for as long as there is time.

A round of questions ends when all are asked or its time is over. Then whatever is still under way
is broken off: the listing, which alone tells whether the platform answers at all, must not wait for
it. A question that was broken off is asked anew in a later round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from exporter.model import Job
from exporter.pacing import Clock

_GRAIN = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """How a round of questions went."""

    left: tuple[Job, ...]
    """Jobs that were not asked about, and those whose question was broken off."""
    unanswered: tuple[Job, ...]
    """Those whose question was broken off although it had the whole round."""
    stopped: bool
    """Whether an answer said that to ask on makes no sense."""
    ended: int
    """How many questions came to an end, good or bad, before they were broken off."""
    overtime: bool
    """Whether not even the first of them did so within the regular time."""


class DetailRound:
    """One round of questions, asked by so many workers.

    `ask` returns whether to ask on makes sense; `between` is done after each question. A round
    lasts until `deadline`, in the time of `monotonic`. Where answers take longer than that, so that
    none would ever come, it lasts up to `extra` seconds more: until the first of them. Under a rate
    limit of our own answers come one after the other: what is under way may end, as long as another
    does every `grace` seconds, and `drain` seconds after the deadline at most.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        *,
        ask: Callable[[Job], Awaitable[bool]],
        between: Callable[[], Awaitable[None]],
        deadline: float,
        extra: float,
        grace: float,
        drain: float,
        monotonic: Clock,
    ) -> None:
        self._queue = iter(jobs)
        self._ask = ask
        self._between = between
        self._deadline = deadline
        self._extra = extra
        self._grace = grace
        self._drain = drain
        self._monotonic = monotonic
        self._limit: asyncio.Timeout | None = None
        self._quickest: float | None = None
        """Seconds that the quickest question of this round has taken; None before one has ended."""
        self._ended = 0
        self._stopped = self._overtime = False
        self._broken_off: list[Job] = []
        self._unanswered: list[Job] = []

    async def run(self, workers: int) -> RoundResult:
        """Ask until all is asked or the time is over."""
        limit = asyncio.timeout_at(self._on_the_loop(self._deadline + self._extra))
        try:
            async with limit as self._limit:
                await asyncio.gather(*(self._work() for _ in range(workers)))
        except TimeoutError:
            if not limit.expired():
                raise
        return RoundResult(
            left=(*self._broken_off, *self._queue),
            unanswered=tuple(self._unanswered),
            stopped=self._stopped,
            ended=self._ended,
            overtime=self._overtime,
        )

    async def _work(self) -> None:
        first = True
        while first or self._time_for_another():
            job = next(self._queue, None)
            if job is None:
                return
            await self._ask_one(job, has_whole_round=first)
            if self._stopped:
                return
            await self._between()
            first = False

    async def _ask_one(self, job: Job, *, has_whole_round: bool) -> None:
        begun = self._monotonic()
        try:
            goes_on = await self._ask(job)
        except asyncio.CancelledError:
            self._broken_off.append(job)
            if has_whole_round:
                self._unanswered.append(job)
            raise
        self._stopped = self._stopped or not goes_on
        took = self._monotonic() - begun
        self._quickest = took if self._quickest is None else min(took, self._quickest)
        self._note_end()

    def _note_end(self) -> None:
        self._ended += 1
        if self._limit is None or self._limit.expired():
            return
        now = self._monotonic()
        if self._ended == 1:
            # One has come to its end: the others have no more than the regular time.
            self._overtime = now > self._deadline + _GRAIN
            self._limit.reschedule(self._on_the_loop(self._deadline))
        ends = min(now + self._grace, self._deadline + self._drain)
        if ends > self._deadline and not self._overtime:
            self._limit.reschedule(self._on_the_loop(ends))

    def _time_for_another(self) -> bool:
        # What cannot be answered in time would be asked in vain, and cost a connection.
        ends = self._monotonic() + (self._quickest or 0.0)
        return not self._stopped and ends <= self._deadline + _GRAIN

    def _on_the_loop(self, moment: float) -> float:
        return asyncio.get_running_loop().time() + moment - self._monotonic()
