"""Ask a Flink cluster for the metrics of single vertices, with as few calls as that takes.

Flink answers with an empty list where one of the names asked for is unknown to it, so only names
that the vertex has are asked for: they are listed once, and kept for a while.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from exporter.errors import FetchError
from exporter.fields import Flaws
from exporter.pacing import Clock
from exporter.vendors.flink.delay import Vertex, parse_metric_names, select
from exporter.vendors.flink.managers import Managers

VERTEX_METRICS = "/jobs/:jobid/vertices/:vertexid/metrics"
SUBTASK_METRICS = "/jobs/:jobid/vertices/:vertexid/subtasks/metrics"

NAMES_LAST = 3600.0
"""Seconds for which names are kept: some are there from the first record or watermark on only."""
_AGGREGATIONS = "min,max,sum,avg"

Documents = list[object]
Choose = Callable[[Collection[str], Vertex], tuple[str, ...]]
"""What picks out of all names those that are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The names wanted of a vertex, and when they were listed."""

    chosen: tuple[str, ...]
    listed_at: float


class VertexReader:
    """Read the metrics of vertices, remembering what they are called."""

    def __init__(self, managers: Managers, clock: Clock, choose: Choose) -> None:
        self._managers = managers
        self._clock = clock
        self._choose = choose
        self._names: dict[str, dict[str, _Names]] = {}

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Forget every job but these."""
        self._names = {jid: names for jid, names in self._names.items() if jid in job_ids}

    def forget(self, job_id: str, vertex: Vertex) -> None:
        """Forget what the metrics of a vertex are called: the next look lists them anew."""
        self._names.get(job_id, {}).pop(vertex.vertex_id, None)

    async def read_all(
        self, job_id: str, vertices: Iterable[Vertex], *, settled: bool, flaws: Flaws
    ) -> dict[str, Documents | FetchError]:
        """Return what each of these vertices answers, side by side, or why it does not.

        `settled` says that all operators have registered their metrics, so that the names found
        may be kept.
        """
        chosen = list(vertices)
        # All are waited for, so that none is left running when one fails.
        results = await asyncio.gather(
            *(self._read(job_id, vertex, settled=settled, flaws=flaws) for vertex in chosen),
            return_exceptions=True,
        )
        found: dict[str, Documents | FetchError] = {}
        for vertex, result in zip(chosen, results, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, FetchError):
                raise result
            found[vertex.vertex_id] = result
        return found

    async def ask_subtasks(self, job_id: str, vertex: Vertex, selection: str) -> object:
        """Return metrics of single subtasks. Raises FetchError."""
        path = ("jobs", job_id, "vertices", vertex.vertex_id, "metrics")
        return await self._managers.ask(VERTEX_METRICS, path, {"get": selection})

    async def _read(self, job_id: str, vertex: Vertex, *, settled: bool, flaws: Flaws) -> Documents:
        kept = self._names.get(job_id, {}).get(vertex.vertex_id)
        if kept is not None and 0 <= self._clock() - kept.listed_at < NAMES_LAST:
            documents = await self._ask(job_id, vertex, kept.chosen)
            if [] not in documents:
                return documents
            # One of the names is gone, as those are that come with the first record when the job
            # has restarted: that is not to say that there are no figures.
            self.forget(job_id, vertex)
        chosen = await self._list(job_id, vertex, flaws)
        documents = await self._ask(job_id, vertex, chosen)
        if settled and documents and [] not in documents:
            kept = _Names(chosen=chosen, listed_at=self._clock())
            self._names.setdefault(job_id, {})[vertex.vertex_id] = kept
        return documents

    async def _list(self, job_id: str, vertex: Vertex, flaws: Flaws) -> tuple[str, ...]:
        document = await self._managers.ask(SUBTASK_METRICS, _path(job_id, vertex))
        return self._choose(parse_metric_names(document, flaws), vertex)

    async def _ask(self, job_id: str, vertex: Vertex, names: tuple[str, ...]) -> Documents:
        return [
            await self._managers.ask(
                SUBTASK_METRICS, _path(job_id, vertex), {"get": chosen, "agg": _AGGREGATIONS}
            )
            for chosen in select(names)
        ]


def _path(job_id: str, vertex: Vertex) -> tuple[str, ...]:
    return ("jobs", job_id, "vertices", vertex.vertex_id, "subtasks", "metrics")
