"""Read what Flink counts and measures of a job, if it is fresh: restarts, delay, throughput.

What is not as fresh as it claims is withdrawn: what was told before holds no longer either, and
where a cluster gathers nothing any more, that of its other jobs neither. Who judges that is
`exporter.vendors.flink.gatherings` and `exporter.vendors.flink.freshness`.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import FetchError
from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.pacing import Clock, Sleep
from exporter.vendors.flink.delay import parse_vertices
from exporter.vendors.flink.freshness import Looks, parse_attempts, parse_begun, parse_entered
from exporter.vendors.flink.gatherings import (
    GATHERED_EVERY,
    GATHERED_WITHIN,
    UPTIME,
    Gatherings,
    latest,
    parse_moment,
)
from exporter.vendors.flink.health import RESTART_METRICS, parse_restarts
from exporter.vendors.flink.managers import Managers
from exporter.vendors.flink.measures import DELAY, MeasureReader, Measures, Wanted
from exporter.vendors.flink.throughput import figure_names

METRICS = "/jobs/:jobid/metrics"
VERTEX = "/jobs/:jobid/vertices/:vertexid"


@dataclass(slots=True)
class Figures:
    """What was found: facts of a job, facts that no longer hold, and what could not be had."""

    facts: dict[str, Any] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    failures: list[FetchError] = field(default_factory=list)
    in_doubt: bool = False
    """Whether a look at the next poll would tell what this one could not."""
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Facts of other jobs that no longer hold, by the ids of the jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Of when the figures are, if that is told, and whether they stand still."""

    moment: float | None
    old: bool


class FigureReader:
    """Reads the restarts, the input delay and the throughput of the jobs of one cluster.

    With `sleep` it waits, before it reads, until what an earlier question made Flink gather is
    there; without, the figures are those that the question before has brought.
    """

    def __init__(
        self, managers: Managers, clock: Clock, *, sleep: Sleep | None, wanted: Wanted
    ) -> None:
        self._managers = managers
        self._clock = clock
        self._sleep = sleep
        self._wanted = wanted
        self._measures = MeasureReader(managers, clock, wanted)
        self._looks = Looks()
        self._gatherings = Gatherings()
        self._gathering_since = 0.0

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Forget every job but these."""
        self._measures.keep_only(job_ids)
        self._looks.keep_only(job_ids)

    def note_question(self) -> None:
        """Take in that a question is sent which makes Flink gather metrics, if it is time to."""
        if abs(self._clock() - self._gathering_since) >= GATHERED_EVERY:
            self._gathering_since = self._clock()

    async def read(self, job: Job, graph: Record, flaws: Flaws) -> Figures:
        """Read the figures of a job that has not ended, whose object was just read."""
        await self._let_gather()
        found = Figures()
        look = asyncio.get_running_loop().create_future()
        # Side by side, since a question may take as long as the time-out; of when the figures are
        # is only needed once they have come.
        async with asyncio.TaskGroup() as beside:
            if job.state is State.RUNNING and self._wanted.anything:
                beside.create_task(self._note_measures(job, graph, found, flaws, look))
            await self._look(job, graph.reread(), found, flaws, look)
        return found

    async def _look(
        self, job: Job, graph: Record, found: Figures, flaws: Flaws, look: "asyncio.Future[_Look]"
    ) -> None:
        """Read the restarts, and tell `look` of when all figures are."""
        running = parse_entered(graph).running if job.state is State.RUNNING else None
        now = self._time_there(job, graph)
        moment, old = None, False
        try:
            query = {"get": ",".join((*RESTART_METRICS, UPTIME))}
            document = await self._managers.ask(METRICS, ("jobs", job.job_id, "metrics"), query)
            moment = parse_moment(document, running, now, Flaws())
            if moment is not None:
                if self._gatherings.note(moment, now):
                    self._note_stand_still(job, found)
                old = self._gatherings.is_old(moment, now)
        except FetchError as exc:
            found.failures.append(exc)
            return
        finally:
            if old:
                self._looks.stand_still(job.job_id)
            if not look.done():
                # Whoever was broken off while waiting for it has cancelled it.
                look.set_result(_Look(moment=moment, old=old))
        await self._note_restarts(parse_restarts(document, flaws), job, graph, found, old=old)

    def _note_stand_still(self, job: Job, found: Figures) -> None:
        """Take in that nothing is gathered any more, of no job of the cluster."""
        names = self._names()
        found.others = {each: names for each in self._looks.job_ids() if each != job.job_id}

    async def _let_gather(self) -> None:
        left = self._gathering_since + GATHERED_WITHIN - self._clock()
        if self._sleep is not None and 0 < left <= GATHERED_WITHIN:
            await self._sleep(left)

    def _time_there(self, job: Job, graph: Record) -> float:
        """Return what the clock of the JobManager says by now."""
        told = graph.time_milliseconds("now")
        if told is None:
            return self._clock()
        return told + max(0.0, self._clock() - job.observed_timestamp)

    async def _note_restarts(
        self, number: int | None, job: Job, graph: Record, found: Figures, *, old: bool
    ) -> None:
        entered, now = parse_entered(graph), self._time_there(job, graph.reread())
        behind = old
        if number is not None and not old:
            number = self._looks.restarts(job.job_id, number, entered, now)
            behind = number is None
        if behind:
            number, heard = await self._certain_restarts(job, graph, found)
            if number is None and not heard:
                # A question that fails takes nothing away from what is known.
                return
            if number is None:
                found.withdrawn.append("restart_times")
            elif heard and not old:
                self._looks.confirm_restarts(job.job_id, number, entered, now)
        found.facts["restart_times"] = number

    async def _certain_restarts(
        self, job: Job, graph: Record, found: Figures
    ) -> tuple[int | None, bool]:
        """Return how often a job restarted at least, by what does not stand still with metrics.

        And whether all that was asked for it was answered.
        """
        least, certain = self._looks.least_restarts(job.job_id, parse_entered(graph))
        vertices = graph.records("vertices")
        vertex = vertices[0].text("id") if vertices else ""
        if certain or not vertex.isalnum():
            return least, True
        try:
            path = ("jobs", job.job_id, "vertices", vertex)
            attempts = parse_attempts(await self._managers.ask(VERTEX, path), Flaws())
        except FetchError as exc:
            found.failures.append(exc)
            return least, False
        return max(attempts, least or 0), True

    async def _note_measures(
        self,
        job: Job,
        graph: Record,
        found: Figures,
        flaws: Flaws,
        look: "asyncio.Future[_Look]",
    ) -> None:
        if not _any_runs(job):
            # What nobody measures now is not known, whatever was measured last.
            found.withdrawn.extend(self._names())
            return

        async def moment_of_figures() -> float:
            # Where nothing tells, they are as old as the question that they were gathered for.
            moment = (await look).moment
            return job.observed_timestamp if moment is None else moment

        async def latest_moment() -> float:
            moment = await moment_of_figures()
            dated = (await look).moment is not None
            now = self._time_there(job, graph.reread()) if dated else self._clock()
            return latest(moment, now)

        begun = parse_begun(graph.reread())
        measures = await self._measures.read(
            job.job_id,
            parse_vertices(graph),
            runs_for=None if begun is None else self._time_there(job, graph) - begun,
            flaws=flaws,
            moment=latest_moment,
        )
        found.failures.extend(measures.failures)
        doubted = self._doubts(job, measures, await look, await moment_of_figures())
        found.in_doubt = self._looks.needs_another(job.job_id)
        for name, value in measures.facts.items():
            found.facts[name] = None if name in doubted else value
            if found.facts[name] is None:
                found.withdrawn.append(name)

    def _doubts(self, job: Job, measures: Measures, look: _Look, moment: float) -> Collection[str]:
        """Return what the TaskManagers may not have told when the JobManager gathered its own.

        That is all, or the delay alone where nothing but its growth speaks against it.
        """
        if look.old:
            return measures.facts
        dated = look.moment is not None
        moves = self._looks.moves(job.job_id, moment, measures.pulse, dated=dated)
        believed = DELAY not in measures.facts or self._looks.believes(
            job.job_id,
            moment,
            measures.facts[DELAY],
            gathered_before=self._gatherings.before(moment) if dated else None,
        )
        if not moves:
            return measures.facts
        return () if believed else (DELAY,)

    def _names(self) -> tuple[str, ...]:
        wanted = self._wanted
        delay = (DELAY,) if wanted.input_delay else ()
        return (*delay, *figure_names(throughput=wanted.throughput, busy=wanted.busy))


def _any_runs(job: Job) -> bool:
    """Say whether any task runs, as far as that is told."""
    counts = dict(job.tasks)
    return not sum(counts.values()) or counts.get("running", 1) > 0
