"""Keep the figures of running jobs as Cloud Monitor tells them, fifty jobs a call.

Monitor bills calls, and one call is about one metric: so the first job that is asked about brings
the figures of fifty, those whose own are oldest, and each job's are asked for once in an interval.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from exporter.errors import FetchError
from exporter.fields import Flaws
from exporter.model import Job, JobKey, State
from exporter.pacing import Clock
from exporter.vendors.monitoring import as_monitoring
from exporter.vendors.tencent import monitor
from exporter.vendors.tencent.monitor import Points

MEASURED = (
    *("input_delay_seconds", "finer_state", "read_records_per_second"),
    *("written_records_per_second", "pending_records"),
)
"""What goes when Monitor no longer tells it; of a checkpoint what was told stays true."""

_WINDOW = 600.0
"""Seconds of which points are asked for: they come one to three minutes late."""
_LONGEST_WINDOW = 3600.0
_YOUNG = 300.0
"""Seconds for which the points can be of the run before, or of none."""
_LONGEST_DELAY = 10 * 365 * 86400.0
"""A job that knows no event time is told to be millions of years behind."""
_OF_ONE_METRIC = frozenset({"InvalidParameter", "InvalidParameterValue"})
"""Families of codes after which the other metrics may well be had."""

Ask = Callable[[Mapping[str, object], Flaws], Awaitable[dict[str, Points]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is known of one job."""

    slot: int = -1
    """The interval in which they were asked for."""
    points: Mapping[str, Points] = field(default_factory=dict)
    completed: float | None = None
    """How many checkpoints had completed when last told."""
    completed_at: float | None = None
    """When their number was last seen to grow."""
    counted_at: float = 0.0
    """Of when the newest number is."""


_NONE = Figures()


class FigureBook:
    """The figures of the jobs of one source, each asked for once in `interval` seconds."""

    def __init__(self, ask: Ask, *, interval: float, clock: Clock) -> None:
        self._ask = ask
        self._interval = interval
        self._clock = clock
        self._window = min(max(_WINDOW, 1.5 * interval), _LONGEST_WINDOW)
        self._turn = asyncio.Lock()
        self._known: dict[JobKey, Figures] = {}
        self._asked: set[JobKey] = set()
        self._first_slot: int | None = None

    async def refresh(
        self, job: Job, running: Iterable[Job], flaws: Flaws
    ) -> tuple[FetchError, ...]:
        """See to it that the figures of a job are of this interval; return what failed.

        `running` are the jobs that may come along: all of them in the first interval, later those
        that were asked about. Those of other shards never are.
        """
        self._asked.add(job.key)
        async with self._turn:
            slot = self._slot()
            if self._known.get(job.key, _NONE).slot == slot:
                return ()
            if self._first_slot is None:
                self._first_slot = slot
            everybody = slot == self._first_slot
            keys = (each.key for each in running if each.key != job.key)
            others = [key for key in keys if everybody or key in self._asked]
            due = [key for key in others if self._known.get(key, _NONE).slot != slot]
            due.sort(key=lambda key: self._known.get(key, _NONE).slot)
            group = (job.key, *due[: monitor.MOST_JOBS_PER_CALL - 1])
            return await self._fetch(group, slot, flaws)

    def apply(self, job: Job) -> Job:
        """Return a job with its figures, as long as they are not too old to be those of now."""
        known = self._known.get(job.key)
        if known is None or job.state is not State.RUNNING:
            return job
        return _with_figures(job, known, since=self._clock() - self._interval - self._window)

    def keep(self, keys: Iterable[JobKey]) -> None:
        """Forget all other jobs."""
        kept = set(keys)
        self._known = {key: known for key, known in self._known.items() if key in kept}
        self._asked &= kept

    def _slot(self) -> int:
        return int(self._clock() // self._interval)

    async def _fetch(
        self, group: tuple[JobKey, ...], slot: int, flaws: Flaws
    ) -> tuple[FetchError, ...]:
        end = self._clock()
        ids = [key.job_id for key in group]

        async def ask(metric: str) -> dict[str, Points] | FetchError:
            asked = monitor.question(metric, ids, begin=end - self._window, end=end)
            try:
                return await self._ask(asked, flaws)
            except FetchError as exc:
                return exc

        first, *others = monitor.METRICS
        answers = {first: await ask(first)}
        told = answers[first]
        if not isinstance(told, FetchError) or told.code.partition(".")[0] in _OF_ONE_METRIC:
            rest = await asyncio.gather(*map(ask, others))
            answers |= dict(zip(others, rest, strict=True))
        for key in group:
            self._known[key] = _learned(self._known.get(key, _NONE), answers, key.job_id, slot)
        failures = (each for each in answers.values() if isinstance(each, FetchError))
        return tuple(map(as_monitoring, failures))


def _learned(
    known: Figures,
    answers: Mapping[str, dict[str, Points] | FetchError],
    job_id: str,
    slot: int,
) -> Figures:
    # What could not be asked for stays as it was, until it is too old.
    points = dict(known.points) | {
        metric: answer.get(job_id, ())
        for metric, answer in answers.items()
        if not isinstance(answer, FetchError)
    }
    return _dated(replace(known, slot=slot, points=points))


def _dated(known: Figures) -> Figures:
    """Note when the number of completed checkpoints was last seen to grow."""
    completed, at, counted_at = known.completed, known.completed_at, known.counted_at
    for point in known.points.get(monitor.COMPLETED, ()):
        if point.at <= counted_at:
            continue
        if completed is not None and point.value > completed:
            at = point.at
        elif completed is not None and point.value < completed:
            # Another run counts anew: of its own checkpoints nothing has been seen yet.
            at = None
        completed, counted_at = point.value, point.at
    return replace(known, completed=completed, completed_at=at, counted_at=counted_at)


def with_figures_of(
    job: Job, answers: Mapping[str, dict[str, Points] | FetchError], since: float
) -> Job:
    """Return a job with what the answers to all metrics tell of it since a moment."""
    return _with_figures(job, _learned(Figures(), answers, job.job_id, 0), since)


def _with_figures(job: Job, known: Figures, since: float) -> Job:
    def told(metric: str) -> float | None:
        return monitor.latest(known.points.get(metric, ()), since)

    delay, failed = told(monitor.DELAY), told(monitor.CHECKPOINTS_FAILED)
    duration, backlog = told(monitor.CHECKPOINT_DURATION), told(monitor.BACKLOG)
    completed = told(monitor.COMPLETED)
    crashed = _has_crashed(job, known.points.get(monitor.RUNNING_JOBS, ()), since)
    return job._replace(
        finer_state=State.RESTARTING if crashed else None,
        input_delay_seconds=_seconds(delay, _LONGEST_DELAY),
        read_records_per_second=told(monitor.RECORDS_IN),
        written_records_per_second=told(monitor.RECORDS_OUT),
        last_checkpoint_completed_timestamp=known.completed_at,
        last_checkpoint_duration_seconds=_seconds(duration, _LONGEST_DELAY),
        last_checkpoint_size_bytes=told(monitor.CHECKPOINT_SIZE),
        checkpoints_failed=None if failed is None else int(failed),
        checkpoints_completed=None if completed is None else int(completed),
        pending_records=backlog,
    )


def _has_crashed(job: Job, points: Points, since: float) -> bool:
    """Say whether Flink runs nothing of a job that the platform calls running, twice in a row."""
    newest = points[-2:]
    known_since = max(since, (job.start_timestamp or 0.0) + _YOUNG)
    return (
        len(newest) == 2
        and all(point.value == 0 for point in newest)
        and newest[0].at > known_since
    )


def _seconds(milliseconds: float | None, most: float) -> float | None:
    if milliseconds is None or milliseconds / 1000 > most:
        return None
    return milliseconds / 1000
