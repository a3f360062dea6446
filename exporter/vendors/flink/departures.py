"""Ask who survives a Flink cluster how its jobs ended, a few times with pauses.

The archive of a job comes after its JobManager has gone, so no answer is none for good before some
time has passed. Then nobody knows how such a job ended, and it leaves without a state.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from exporter.errors import FetchError
from exporter.model import Job, State
from exporter.pacing import Clock
from exporter.vendors.flink.witness import Witness

_AT_ONCE = 8
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 60.0


@dataclass(slots=True)
class _Departure:
    """The jobs of one cluster that left, of which nobody has told the end yet."""

    jobs: list[Job]
    until: float
    next_at: float
    pause: float = _FIRST_PAUSE
    failure: FetchError | None = None


class Departures:
    """Clusters that left, and what is still to be asked about them."""

    def __init__(
        self,
        witness: Witness,
        *,
        patience: float,
        monotonic: Clock,
    ) -> None:
        """Take for how many seconds to ask about the jobs of a cluster."""
        self._witness = witness
        self._patience = patience
        self._told: list[Job] = []
        self._monotonic = monotonic
        self._waiting: dict[str, _Departure] = {}
        self._asking: asyncio.Task[None] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the clusters whose jobs may still be told of: they stay as they were."""
        return tuple(self._waiting)

    def failures(self) -> tuple[FetchError, ...]:
        """Return why the witness could not be asked, once."""
        found = []
        for departure in self._waiting.values():
            if departure.failure is not None:
                found.append(departure.failure)
                departure.failure = None
        return tuple(found)

    def add(self, name: str, jobs: Iterable[Job]) -> None:
        """Begin to ask about the jobs of a cluster that left."""
        now = self._monotonic()
        # Why a job failed is often told by nobody else: its JobManager has gone with it.
        lost = [job for job in jobs if not job.ended or job.state is State.FAILED]
        if lost:
            self._waiting[name] = _Departure(lost, until=now + self._patience, next_at=now)

    def forget(self, name: str) -> None:
        """Ask no more about a cluster: it is there again."""
        self._waiting.pop(name, None)

    def knows(self, name: str) -> bool:
        """Say whether the jobs of a cluster may still be told of."""
        return name in self._waiting

    async def go_on(self, *, wait: bool = False) -> None:
        """Ask about those whose time has come; wait for the answers, or for nothing."""
        now = self._monotonic()
        for name in [name for name, each in self._waiting.items() if now > each.until]:
            del self._waiting[name]
        due = [name for name, each in self._waiting.items() if each.next_at <= now]
        if due and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(due), name="ask about ended jobs")
        if self._asking is not None and wait:
            await asyncio.wait([self._asking])

    def told(self) -> tuple[Job, ...]:
        """Return the jobs whose end was told since the last time."""
        told, self._told = self._told, []
        # Not sooner: meanwhile its jobs would be in no listing at all.
        self._waiting = {name: each for name, each in self._waiting.items() if each.jobs}
        return tuple(told)

    async def aclose(self) -> None:
        """Break off the questions under way, and close the witness."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
        await self._witness.aclose()

    async def _ask(self, names: Iterable[str]) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(departure: _Departure, job: Job) -> None:
            async with slots:
                try:
                    ended = await self._witness.tell_end(job)
                except FetchError as exc:
                    departure.failure = exc.bare()
                    return
            if ended is not None:
                departure.jobs.remove(job)
                self._told.append(ended)

        for name in names:
            departure = self._waiting.get(name)
            if departure is None:
                continue
            await asyncio.gather(*(ask(departure, job) for job in tuple(departure.jobs)))
            departure.next_at = self._monotonic() + departure.pause
            departure.pause = min(2 * departure.pause, _LONGEST_PAUSE)
