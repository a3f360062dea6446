"""Ask one of many Flink clusters for its jobs, as often as it deserves.

A cluster that does not answer is asked at each of a few polls, then less and less often. What it
told last is remembered: who is asked about the end of its jobs needs to know them.
"""

import asyncio
from collections.abc import Callable
from random import Random

from exporter.discovery.clusters import Cluster
from exporter.errors import FetchError, Reason
from exporter.model import Job, JobKey, State
from exporter.pacing import Clock
from exporter.process.condition_log import trail
from exporter.source import Inventory
from exporter.upstream.addresses import REFUSED
from exporter.upstream.lanes import Lane
from exporter.upstream.stall import StallLimit
from exporter.vendors.flink.cluster import OVERVIEW, FlinkCluster

_PATIENT_FAILURES = 3
"""Failures in a row before a cluster is asked less often than others."""
_LEAST_OF_PAUSE = 0.8


class BackOff:
    """How long to let a cluster be that has failed so many times: twice as long each time."""

    def __init__(self, *, interval: float, limit: float, random: Random) -> None:
        """Take the seconds between two polls, and the longest pause."""
        self._interval = interval
        self._limit = max(interval, limit)
        self._random = random

    def pause(self, failures: int) -> float:
        """Return the seconds until it is asked again; 0 for at the next poll."""
        if failures < _PATIENT_FAILURES:
            return 0.0
        doubled = self._interval * 2.0 ** min(failures - _PATIENT_FAILURES + 1, 40)
        # Those that fell silent together are not asked together for ever after.
        return min(doubled, self._limit) * self._random.uniform(_LEAST_OF_PAUSE, 1.0)


class Member:
    """One cluster of many."""

    def __init__(
        self,
        cluster: Cluster,
        flink: FlinkCluster,
        *,
        lane: Lane,
        stall: StallLimit,
        back_off: BackOff,
        monotonic: Clock,
    ) -> None:
        self.cluster = cluster
        self.flink = flink
        self.since = monotonic()
        """When it was found."""
        self.jobs: tuple[Job, ...] = ()
        """What it listed last."""
        self.failure: FetchError | None = None
        """Why it did not answer the last question; None when it did, or was never asked."""
        self.reached_once = False
        self._lane = lane
        self._stall = stall
        self._back_off = back_off
        self._monotonic = monotonic
        self._failures = 0
        self._vindicated = False
        self._due_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._news: Inventory | None = None
        self._settled: Callable[[], None] = lambda: None

    @property
    def trusted(self) -> bool:
        """Say whether there is reason to think that it answers soon."""
        return self.failure is None or self._vindicated

    @property
    def reached(self) -> bool:
        """Say whether it has answered the last question that came to an end."""
        return self.reached_once and self.failure is None

    @property
    def refused(self) -> bool:
        """Say whether it is not asked because its name leads to an address that is refused."""
        return self.failure is not None and self.failure.code == REFUSED

    @property
    def asking(self) -> bool:
        """Say whether an answer is still waited for."""
        return self._task is not None and not self._task.done()

    @property
    def due(self) -> bool:
        """Say whether it is to be asked now."""
        return (
            bool(self.cluster.addresses) and not self.asking and self._due_at <= self._monotonic()
        )

    def unasked(self, now: float) -> Job | None:
        """Return the one job of the cluster in the words of who found it; None once it was asked.

        It has the id of this life of the cluster, since its own is not known, and no name but that.
        """
        if self.reached_once or not (self.cluster.native_status and self.cluster.incarnation):
            return None
        return Job(
            project=self.cluster.name,
            job_id=self.cluster.incarnation,
            job_name=self.cluster.name,
            # Whatever the cluster does, its job has not been seen to run.
            state=State.STARTING,
            native_status=self.cluster.native_status,
            observed_timestamp=now,
        )

    @property
    def replaced(self) -> frozenset[JobKey]:
        """Return the key of what stood for its job before that was listed."""
        if not (self.jobs and self.cluster.native_status and self.cluster.incarnation):
            return frozenset()
        return frozenset({JobKey(project=self.cluster.name, job_id=self.cluster.incarnation)})

    def take_over(self, before: "Member") -> None:
        """Take over what is known of the same cluster, which answers elsewhere now."""
        self.jobs = before.jobs
        self.reached_once = before.reached_once
        self.since = before.since
        self._news = before._news

    def ask_soon(self) -> None:
        """Ask it at the next poll like those that answer: what it has done was not its fault."""
        self._due_at = float("-inf")
        self._vindicated = True

    def ask(self, settled: Callable[[], None], *, patient: bool = False) -> None:
        """Begin to ask; `settled` is called once: when it is done, or the answer is overdue.

        For whoever is patient it is never overdue.
        """
        self._settled = settled
        self._lane.in_doubt = not self.trusted
        self._vindicated = False
        if not patient:
            self._lane.overdue = self._settle
        self._task = asyncio.create_task(self._ask(), name=f"list {self.cluster.name}")
        self._task.add_done_callback(self._ended)

    def take_news(self) -> Inventory | None:
        """Return what it has listed since the last time, once."""
        news, self._news = self._news, None
        return news

    async def aclose(self) -> None:
        """Break off the question under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def failure_of_question(self) -> FetchError | None:
        """Return why no question about a job makes sense now; None when one does."""
        if self.failure is not None or not self.reached_once:
            return self.why_unreached()
        return None

    def why_unreached(self) -> FetchError:
        """Return why there is no answer."""
        if self.failure is not None:
            return self.failure
        detail = "no answer yet" if self.cluster.addresses else "it has no address yet"
        return FetchError(Reason.CONNECTION, OVERVIEW, detail=detail, local=True)

    async def _ask(self) -> None:
        try:
            with self._stall.listing():
                inventory = await self.flink.fetch_inventory()
        except FetchError as exc:
            self._failed(exc)
        else:
            self._news = inventory
            self.jobs = inventory.jobs
            self.failure = None
            self.reached_once = True
            self._failures = 0
            self._due_at = float("-inf")

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (exc := task.exception()) is not None:
            # A fault of ours in reading the answer of one cluster must not hurt the others.
            self._failed(FetchError(Reason.INVALID_RESPONSE, OVERVIEW, detail=trail(exc)))
        self._settle()

    def _failed(self, exc: FetchError) -> None:
        self.failure = exc.bare()
        self.failure.local = True
        self._failures += 1
        self._due_at = self._monotonic() + self._back_off.pause(self._failures)

    def _settle(self) -> None:
        settled, self._settled = self._settled, lambda: None
        self._lane.overdue = lambda: None
        settled()
