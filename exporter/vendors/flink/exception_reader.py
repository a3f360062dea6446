"""Ask a Flink cluster what a job last failed with, unless nothing can have happened since.

Flink keeps the exceptions of a job with its graph, and each has made it restart: as long as the
graph dates the job and all its vertices as before there is nothing new to read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Any

from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.pacing import Clock
from exporter.vendors.flink.health import parse_exceptions
from exporter.vendors.flink.managers import Managers

EXCEPTIONS = "/jobs/:jobid/exceptions"
ASKED_EVERY = 3600.0
"""Seconds after which a job is asked again in any case."""
_MOST_STATES = 50

_Dates = tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was read of a job, when, and how its graph was dated then."""

    dates: _Dates
    asked_at: float
    facts: dict[str, Any]


class ExceptionReader:
    """Reads the last exception of each job of one cluster."""

    def __init__(self, managers: Managers, clock: Clock) -> None:
        self._managers = managers
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def keep_only(self, job_ids: Collection[str]) -> None:
        """Forget every job but these."""
        self._known = {jid: known for jid, known in self._known.items() if jid in job_ids}

    async def read(self, job: Job, graph: Record, flaws: Flaws) -> dict[str, Any]:
        """Return what a Job says of its last exception. Raises FetchError."""
        # Read before the question: what happens in between has another date at the next look.
        dates, now = _dates(graph), self._clock()
        known = self._known.get(job.job_id)
        if (
            known is not None
            and known.dates == dates
            and job.state is State.RUNNING
            and 0 <= now - known.asked_at < ASKED_EVERY
        ):
            return known.facts
        path = ("jobs", job.job_id, "exceptions")
        document = await self._managers.ask(EXCEPTIONS, path, {"maxExceptions": "1"})
        facts = parse_exceptions(document, flaws).facts()
        if any(dates):
            self._known[job.job_id] = _Known(dates=dates, asked_at=now, facts=facts)
        return facts


def _dates(graph: Record) -> _Dates:
    graph = graph.reread()
    timestamps = graph.record("timestamps")
    states = [timestamps.number(name) for name in islice(timestamps.names(), _MOST_STATES)]
    return (*states, *(vertex.number("start-time") for vertex in graph.records("vertices")))
