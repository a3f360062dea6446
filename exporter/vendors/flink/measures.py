"""Ask a Flink cluster how far a job lags and what goes through it, in as few calls as that takes.

One call for each source and each sink once the names of its metrics are known; one for each vertex
behind the sources when those know of no event time; one more where only some subtasks of a vertex
do; and one for every other vertex where it is wanted how busy they are.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from exporter.errors import FetchError
from exporter.fields import Flaws
from exporter.pacing import Clock
from exporter.vendors.flink.delay import (
    Vertex,
    delay_names,
    parse_subtask_delay,
    parse_vertex_delay,
    select,
    subtask_names,
    worst,
)
from exporter.vendors.flink.managers import Managers
from exporter.vendors.flink.throughput import (
    SETTLED_AFTER,
    VertexFlow,
    busy_figures,
    flow_names,
    parse_vertex_flow,
    read_figures,
    written_figures,
)
from exporter.vendors.flink.vertex_reader import Documents, VertexReader

DELAY = "input_delay_seconds"
_MOST_SINKS = 4
"""Sinks beside the sources that are asked; of a job with more nobody is told what it writes."""

_MOST_ASKED = 100
"""Vertices of one job that are asked for one of its figures.

Each takes a call or two: of a job with more sources than that nobody is told what it reads, lest it
takes the calls of all other jobs of its source for itself.
"""

Moment = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is read of the vertices of a job."""

    input_delay: bool = True
    throughput: bool = True
    busy: bool = False

    @property
    def anything(self) -> bool:
        """Say whether vertices are asked at all."""
        return self.input_delay or self.throughput or self.busy


@dataclass(slots=True)
class Measures:
    """What was found: facts of a job, of which those that are None are not known any more."""

    facts: dict[str, float | None] = field(default_factory=dict)
    pulse: tuple[float, ...] = ()
    failures: list[FetchError] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A job whose vertices are read, and of when its figures are."""

    job_id: str
    vertices: Mapping[str, Vertex]
    settled: bool
    flaws: Flaws
    moment: Moment


class MeasureReader:
    """Read the input delay and the throughput of jobs."""

    def __init__(self, managers: Managers, clock: Clock, wanted: Wanted) -> None:
        self._wanted = wanted
        self._reader = VertexReader(managers, clock, self._choose)

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Forget every job but these."""
        self._reader.keep_only(job_ids)

    async def read(
        self,
        job_id: str,
        vertices: Mapping[str, Vertex],
        *,
        runs_for: float | None,
        flaws: Flaws,
        moment: Moment,
    ) -> Measures:
        """Return what the vertices of a job tell.

        `runs_for` is for how many seconds it has run, as far as that is known; `moment` says of
        when the figures are: watermarks lag behind that, and not behind now.
        """
        job = _Job(
            job_id=job_id,
            vertices=vertices,
            settled=runs_for is not None and runs_for >= SETTLED_AFTER,
            flaws=flaws,
            moment=moment,
        )
        sources, sinks = self._sources(vertices), self._sinks(vertices)
        every = self._wanted.busy and len(vertices) <= _MOST_ASKED
        chosen = [*vertices.values()] if every else [*sources, *sinks]
        answers = await self._read_all(job, chosen)
        measures = Measures(failures=_failures(answers.values()))
        flows = {
            vertex_id: parse_vertex_flow(answer, vertices[vertex_id], flaws)
            for vertex_id, answer in answers.items()
            if not isinstance(answer, FetchError)
        }
        self._note_flow(measures, job, flows, runs_for)
        if self._wanted.input_delay and all(each.vertex_id in flows for each in sources):
            try:
                measures.facts[DELAY] = await self._delay(job, sources, answers)
            except FetchError as exc:
                # The vertices that answered may be those that do not lag.
                measures.failures.append(exc)
        return measures

    def _choose(self, names: Collection[str], vertex: Vertex) -> tuple[str, ...]:
        delay = delay_names(names) if self._wanted.input_delay else ()
        return (*delay, *flow_names(names, vertex, busy=self._wanted.busy))

    def _sources(self, vertices: Mapping[str, Vertex]) -> list[Vertex]:
        """Return the sources to ask: all, or none."""
        sources = [vertex for vertex in vertices.values() if vertex.is_source]
        return sources if len(sources) <= _MOST_ASKED else []

    def _sinks(self, vertices: Mapping[str, Vertex]) -> list[Vertex]:
        """Return the sinks to ask beside the sources."""
        sinks = [each for each in vertices.values() if each.is_sink and not each.is_source]
        return sinks if self._wanted.throughput and len(sinks) <= _MOST_SINKS else []

    async def _read_all(
        self, job: _Job, vertices: Iterable[Vertex]
    ) -> dict[str, Documents | FetchError]:
        return await self._reader.read_all(
            job.job_id, vertices, settled=job.settled, flaws=job.flaws
        )

    def _note_flow(
        self,
        measures: Measures,
        job: _Job,
        flows: Mapping[str, VertexFlow],
        runs_for: float | None,
    ) -> None:
        sources = self._sources(job.vertices)
        sinks = [vertex for vertex in job.vertices.values() if vertex.is_sink]
        of_sources, of_sinks = _of(flows, sources), _of(flows, sinks)
        if of_sources is not None:
            measures.pulse = tuple(figure for each in of_sources for figure in each.pulse)
        for vertex in sources:
            if vertex.vertex_id in flows and flows[vertex.vertex_id].read == 0:
                # More metrics are registered with the first record.
                self._reader.forget(job.job_id, vertex)
        if self._wanted.throughput:
            if of_sources is not None:
                measures.facts |= read_figures(of_sources, runs_for)
            if of_sinks is not None:
                measures.facts |= written_figures(of_sinks, runs_for)
            elif len(sinks) > _MOST_SINKS:
                measures.facts |= written_figures((), runs_for)
        if self._wanted.busy and len(flows) == len(job.vertices):
            measures.facts |= busy_figures(flows.values(), runs_for)

    async def _delay(
        self, job: _Job, sources: list[Vertex], answers: dict[str, Documents | FetchError]
    ) -> float | None:
        """Return the greatest delay of the sources in seconds; None when none is known."""
        delays = [await self._vertex_delay(job, each, answers[each.vertex_id]) for each in sources]
        readers = {
            reader: job.vertices[reader]
            for source, delay in zip(sources, delays, strict=True)
            if delay is None
            for reader in source.readers
            if reader in job.vertices
        }
        missing = [vertex for name, vertex in readers.items() if name not in answers]
        if len(missing) > _MOST_ASKED:
            return None
        known = answers | await self._read_all(job, missing)
        for name, vertex in readers.items():
            delays.append(await self._vertex_delay(job, vertex, known[name]))
        return worst(delays)

    async def _vertex_delay(
        self, job: _Job, vertex: Vertex, answer: Documents | FetchError
    ) -> float | None:
        if isinstance(answer, FetchError):
            raise answer
        now = await job.moment()
        delay = parse_vertex_delay(answer, now, job.flaws)
        selections = select(subtask_names(delay.partial, vertex.parallelism))
        if len(selections) != 1:
            # None to ask for; or so many that the vertex behind, which leaves out idle inputs by
            # itself, is the cheaper one to ask.
            return None if delay.partial else delay.seconds
        single = await self._reader.ask_subtasks(job.job_id, vertex, selections[0])
        return worst([delay.seconds, parse_subtask_delay(single, now, job.flaws)])


def _failures(answers: Iterable[Documents | FetchError]) -> list[FetchError]:
    return [answer for answer in answers if isinstance(answer, FetchError)]


def _of(flows: Mapping[str, VertexFlow], vertices: list[Vertex]) -> list[VertexFlow] | None:
    """Return what these vertices tell; None unless all do."""
    if any(vertex.vertex_id not in flows for vertex in vertices):
        return None
    return [flows[vertex.vertex_id] for vertex in vertices]
