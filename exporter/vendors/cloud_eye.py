"""Ask Cloud Eye what it measures of the Flink jobs of DLI, some hundred figures a call.

Vendor pages: "Querying Monitoring Data of Multiple Metrics" (ces_03_0034) and "Monitoring DLI Using
Cloud Eye" (dli_01_0445). A call takes up to 500 figures, and figures times minutes up to 3,000.
They come late, by minutes at times, so the newest is taken that is not too old. Nothing there tells
the delay of a job: flink_max_op_latency begins at the sources, whatever waits before them.
"""

import asyncio
import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws, Record
from exporter.model import Job
from exporter.pacing import Clock
from exporter.process.condition_log import trail
from exporter.upstream.client import NOT_THE_API, ApiClient, decode_json
from exporter.vendors.monitoring import as_monitoring

OPERATION = "BatchListMetricData"
EVERY = 60.0
"""Seconds between two rounds."""
MOST_FIGURES = 500
"""In one call."""
RATE = 5.0
"""Calls a second: five hundred a minute are allowed, to all users of the account together."""

_NAMESPACE, _DIMENSION = "SYS.DLI", "flink_job_id"
_MINUTE = 60.0
_MINUTES = 6
"""Asked for of each figure: times 500 figures that is just what one call may have."""
_OLDEST = 600.0
_FILTER = "average"
_MOMENT = 2.0
"""Seconds that a listing waits for a round: it is to be shown soon, whatever happens here."""
_EARLY = 1.0
"""Seconds by which a round may begin early, since polls are not to the millisecond."""
_OF_THE_SERVICE = (Reason.AUTH, Reason.THROTTLED, Reason.TIMEOUT, Reason.CONNECTION, Reason.TLS)
"""What the next call of a round would only meet again."""


def _level(value: float) -> int:
    # 0, 50 and 100 are ok, low and high.
    return min(2, round(min(value, 100.0) / 50))


def _latency(value: float) -> float | None:
    # Flink measures none unless it is told to: 0 is how that looks.
    return value / 1000 if value > 0 else None


_FIGURES: Mapping[str, tuple[str, Callable[[float], float | None]]] = {
    "flink_read_records_per_second": ("read_records_per_second", float),
    "flink_write_records_per_second": ("written_records_per_second", float),
    "flink_max_op_backpressure_level": ("backpressure_level", _level),
    "flink_max_op_latency": ("operator_latency_seconds", _latency),
}
"""What is asked for: the field of a Job that it becomes, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of one job, and when it was measured."""

    job_id: str
    field: str
    value: float
    timestamp: float


class CloudEye:
    """What Cloud Eye told last of the jobs that somebody asks about.

    It is asked beside the listing, which waits for a moment only: what comes later, and why it does
    not, is told with the next one.
    """

    def __init__(
        self,
        api: ApiClient,
        project_id: str,
        *,
        clock: Clock,
        monotonic: Clock,
        patient: bool = False,
    ) -> None:
        """Be `patient` for whoever polls once: all running jobs are asked for, and waited for.

        Others ask for the jobs that they `want`: not all that are listed are watched.
        """
        self._api = api
        self._path = ("V1.0", project_id, "batch-query-metric-data")
        self._clock = clock
        self._monotonic = monotonic
        self._patient = patient
        self._wanted: set[str] = set()
        self._known: dict[str, dict[str, Figure]] = {}
        self._asked_at: float | None = None
        self._round: asyncio.Task[FetchError | None] | None = None
        self._flaws = Flaws()

    def want(self, job_id: str) -> None:
        """Ask for the figures of a job from the next round on, as long as it runs."""
        self._wanted.add(job_id)

    async def look(self, running: Collection[str], flaws: Flaws) -> tuple[FetchError, ...]:
        """Begin a round if it is time for one; return why the last one failed, once."""
        if self._patient:
            self._wanted |= set(running)
        # What is told of a job that has stopped is not of its next run.
        self._wanted &= set(running)
        self._known = {job_id: self._known[job_id] for job_id in running if job_id in self._known}
        failures = self._finished()
        if self._round is None and self._wanted and self._is_time():
            self._asked_at = self._monotonic()
            self._round = asyncio.create_task(self._ask(tuple(sorted(self._wanted))))
            await asyncio.wait([self._round], timeout=None if self._patient else _MOMENT)
            failures += self._finished()
        for flaw in self._flaws.unreadable:
            flaws.note(flaw.place, flaw.expected)
        self._flaws = Flaws()
        return failures

    def add_to(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """Return jobs with what is known of them and not too old."""
        return tuple(self._added(job) for job in jobs)

    async def aclose(self) -> None:
        """Break off the round that is under way."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait([self._round])

    def _is_time(self) -> bool:
        return self._asked_at is None or self._monotonic() - self._asked_at >= EVERY - _EARLY

    def _finished(self) -> tuple[FetchError, ...]:
        task = self._round
        if task is None or not task.done():
            return ()
        self._round = None
        unexpected = task.exception()
        if unexpected is not None:
            return (FetchError(Reason.MONITORING, OPERATION, detail=trail(unexpected)),)
        failure = task.result()
        return () if failure is None else (failure,)

    async def _ask(self, job_ids: Sequence[str]) -> FetchError | None:
        """Ask for all figures, group by group; return the first failure."""
        pairs = [(job_id, metric) for job_id in job_ids for metric in _FIGURES]
        first: FetchError | None = None
        for start in range(0, len(pairs), MOST_FIGURES):
            now = self._clock()
            body = write_question(pairs[start : start + MOST_FIGURES], now)
            try:
                answer = await self._api.post(OPERATION, self._path, body)
                document = decode_json(OPERATION, answer, NOT_THE_API)
                figures = parse_figures(document, now, self._flaws)
            except FetchError as exc:
                first = first or as_monitoring(exc)
                if exc.reason in _OF_THE_SERVICE:
                    break
            except UnreadableError as exc:
                detail = f"{exc}; {NOT_THE_API}"
                first = first or FetchError(Reason.MONITORING, OPERATION, detail=detail)
            else:
                for figure in figures:
                    if figure.job_id not in self._wanted:
                        continue
                    self._known.setdefault(figure.job_id, {})[figure.field] = figure
        return first

    def _added(self, job: Job) -> Job:
        known = self._known.get(job.job_id)
        if known is None:
            return job
        now = self._clock()
        fresh: dict[str, Any] = {
            figure.field: figure.value
            for figure in known.values()
            if abs(now - figure.timestamp) <= _OLDEST
        }
        return job._replace(**fresh) if fresh else job


def calls_of_a_round(jobs: int) -> int:
    """Return how many calls it takes to ask for so many jobs."""
    return math.ceil(jobs * len(_FIGURES) / MOST_FIGURES)


def write_question(pairs: Iterable[tuple[str, str]], now: float) -> bytes:
    """Write the body of a call that asks for a metric of a job each."""
    # Whole minutes: `from` is rounded down to one, and a seventh would be one too many.
    until = now // _MINUTE * _MINUTE + _MINUTE
    metrics = [
        {
            "namespace": _NAMESPACE,
            "metric_name": metric,
            "dimensions": [{"name": _DIMENSION, "value": job_id}],
        }
        for job_id, metric in pairs
    ]
    question = {
        "metrics": metrics,
        "from": int((until - _MINUTES * _MINUTE) * 1000),
        "to": int(until * 1000),
        # As they were measured.
        "period": "1",
        "filter": _FILTER,
    }
    return json.dumps(question, separators=(",", ":")).encode()


def parse_figures(document: Any, now: float, flaws: Flaws) -> tuple[Figure, ...]:
    """Read the newest point of each figure; raises UnreadableError when there are none at all."""
    metrics = document.get("metrics") if isinstance(document, Mapping) else None
    if not isinstance(metrics, list):
        raise UnreadableError("metrics: expected a list")
    read = (
        _read_figure(metric, now)
        for metric in Record(document, "figures", flaws).records("metrics")
    )
    return tuple(figure for figure in read if figure is not None)


def _read_figure(metric: Record, now: float) -> Figure | None:
    field, convert = _FIGURES.get(metric.text("metric_name"), ("", float))
    named = [each for each in metric.records("dimensions") if each.text("name") == _DIMENSION]
    if not field or not named:
        return None
    newest: tuple[float, float] | None = None
    for point in metric.records("datapoints"):
        value, timestamp = point.number(_FILTER), point.time_milliseconds("timestamp")
        if value is None or value < 0 or timestamp is None or abs(now - timestamp) > _OLDEST:
            continue
        if newest is None or timestamp > newest[0]:
            newest = timestamp, value
    converted = None if newest is None else convert(newest[1])
    if newest is None or converted is None:
        return None
    return Figure(job_id=named[0].text("value"), field=field, value=converted, timestamp=newest[0])
