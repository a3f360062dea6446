"""Ask a Flink cluster how far a job lags, with as few calls as that takes.

One call for each source once the names of its metrics are known; one for each vertex behind the
sources when those know of no event time; one more where only some subtasks of a vertex do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

from exporter.fields import Flaws
from exporter.vendors.flink.delay import (
    Vertex,
    parse_metric_names,
    parse_subtask_delay,
    parse_vertex_delay,
    select,
    subtask_names,
    worst,
)
from exporter.vendors.flink.managers import JobManagers

VERTEX_METRICS = "/jobs/:jobid/vertices/:vertexid/metrics"
SUBTASK_METRICS = "/jobs/:jobid/vertices/:vertexid/subtasks/metrics"


class DelayReader:
    """Read the input delay of jobs, remembering what their metrics are called."""

    def __init__(self, managers: JobManagers) -> None:
        self._managers = managers
        self._names: dict[str, dict[str, tuple[str, ...]]] = {}

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Forget every job but these."""
        self._names = {jid: names for jid, names in self._names.items() if jid in job_ids}

    async def read(
        self,
        job_id: str,
        vertices: dict[str, Vertex],
        *,
        settled: bool,
        flaws: Flaws,
        moment: Callable[[], Awaitable[float]],
    ) -> float | None:
        """Return the greatest delay of a job's sources in seconds; None when none is known.

        `moment` says of when the figures are: they lag behind that, and not behind now. `settled`
        says that all operators have registered their metrics, so that the names found may be kept.
        Raises FetchError: the sources that answered may be those that do not lag.
        """

        async def read_all(chosen: Iterable[Vertex]) -> list[float | None]:
            readings = (self._read_vertex(job_id, one, settled, flaws, moment) for one in chosen)
            return await _gather(readings)

        sources = [vertex for vertex in vertices.values() if vertex.is_source]
        delays = await read_all(sources)
        readers = {
            reader: vertices[reader]
            for source, delay in zip(sources, delays, strict=True)
            if delay is None
            for reader in source.readers
            if reader in vertices
        }
        return worst([*delays, *await read_all(readers.values())])

    async def _read_vertex(
        self,
        job_id: str,
        vertex: Vertex,
        settled: bool,
        flaws: Flaws,
        moment: Callable[[], Awaitable[float]],
    ) -> float | None:
        path = ("jobs", job_id, "vertices", vertex.vertex_id)
        names = await self._metric_names(job_id, vertex.vertex_id, settled, flaws)
        documents = [
            await self._managers.ask(
                SUBTASK_METRICS, (*path, "subtasks", "metrics"), {"get": chosen, "agg": "min,max"}
            )
            for chosen in select(names)
        ]
        now = await moment()
        delay = parse_vertex_delay(documents, now, flaws)
        selections = select(subtask_names(delay.partial, vertex.parallelism))
        if len(selections) != 1:
            # None to ask for; or so many that the vertex behind, which leaves out idle inputs by
            # itself, is the cheaper one to ask.
            return None if delay.partial else delay.seconds
        single = await self._managers.ask(
            VERTEX_METRICS, (*path, "metrics"), {"get": selections[0]}
        )
        return worst([delay.seconds, parse_subtask_delay(single, now, flaws)])

    async def _metric_names(
        self, job_id: str, vertex_id: str, settled: bool, flaws: Flaws
    ) -> tuple[str, ...]:
        known = self._names.get(job_id, {}).get(vertex_id)
        if known is not None:
            return known
        path = ("jobs", job_id, "vertices", vertex_id, "subtasks", "metrics")
        names = parse_metric_names(await self._managers.ask(SUBTASK_METRICS, path), flaws)
        if settled and names:
            self._names.setdefault(job_id, {})[vertex_id] = names
        return names


async def _gather(readings: Iterable[Awaitable[float | None]]) -> list[float | None]:
    # All are waited for, so that none is left running when one fails.
    results = await asyncio.gather(*readings, return_exceptions=True)
    delays: list[float | None] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        delays.append(result)
    return delays
