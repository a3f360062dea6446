"""Figures come for fifty jobs at a time, once in an interval, and go when nobody tells them."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job, State
from exporter.vendors.tencent.figures import FigureBook
from exporter.vendors.tencent.monitor import (
    BACKLOG,
    CHECKPOINT_DURATION,
    COMPLETED,
    DELAY,
    METRICS,
    RECORDS_IN,
    RUNNING_JOBS,
    Point,
)
from tests.vendors.tencent.rows import NOW

INTERVAL = 120.0
START = NOW - NOW % INTERVAL


def job(number: int = 1, state: State = State.RUNNING, start: float = NOW - 86400) -> Job:
    return Job(
        project="space-1",
        job_id=f"cql-{number}",
        job_name="orders",
        state=state,
        native_status="4",
        start_timestamp=start,
        observed_timestamp=NOW,
    )


class Monitor:
    """Cloud Monitor, of which each metric of each job says the same, and a book that asks it."""

    def __init__(self) -> None:
        self.now = START
        self.values: dict[str, list[float]] = {}
        self.late = 0.0
        """Seconds that the newest point is older than usual."""
        self.failing: dict[str, FetchError] = {}
        self.calls: Counter[str] = Counter()
        self.groups: list[tuple[str, ...]] = []
        self.book = FigureBook(self._ask, interval=INTERVAL, clock=lambda: self.now)

    async def _ask(self, asked: Mapping[str, Any], flaws: Flaws) -> dict[str, tuple[Point, ...]]:
        await asyncio.sleep(0)
        metric = asked["MetricName"]
        self.calls[metric] += 1
        ids = tuple(each["Dimensions"][0]["Value"] for each in asked["Instances"])
        if metric == DELAY:
            self.groups.append(ids)
        if metric in self.failing:
            raise self.failing[metric]
        values = self.values.get(metric, [])
        times = [self.now - self.late - 60 * turn for turn in range(len(values), 0, -1)]
        points = tuple(map(Point, times, values))
        return dict.fromkeys(ids, points)

    def refresh(self, one: Job, *others: Job) -> tuple[FetchError, ...]:
        """Ask about a job, with others that may come along."""
        return asyncio.run(self.book.refresh(one, (one, *others), Flaws()))

    def told(self, one: Job | None = None) -> Job:
        """Return a job with its figures, after they were asked for."""
        self.refresh(one or job())
        return self.book.apply(one or job())


def _told_of(failures: tuple[FetchError, ...]) -> list[tuple[str, str, str]]:
    return [(each.reason.value, each.code, each.detail) for each in failures]


def test_fifty_jobs_cost_as_many_calls_as_one() -> None:
    it = Monitor()
    jobs = [job(number) for number in range(120)]
    for each in jobs:
        it.refresh(each, *jobs)
    assert it.calls == dict.fromkeys(METRICS, 3)
    assert [len(group) for group in it.groups] == [50, 50, 20]
    assert len({name for group in it.groups for name in group}) == 120


def test_figures_are_asked_for_once_in_an_interval() -> None:
    it = Monitor()
    for seconds in (0, 30, 119, 120, 239, 240):
        it.now = START + seconds
        it.refresh(job())
    assert it.calls[DELAY] == 3


def test_those_come_along_whose_figures_are_oldest() -> None:
    it = Monitor()
    old, new = [job(number) for number in range(40)], [job(100 + number) for number in range(40)]
    for each in (*old, *new):
        it.refresh(each, *old, *new)
    it.now += INTERVAL
    it.refresh(new[0], *new)
    it.now += INTERVAL
    it.refresh(new[0], *new, *old)
    assert set(it.groups[-1]) >= {each.job_id for each in old}
    assert len(it.groups[-1]) == 50


def test_jobs_that_nobody_asks_about_come_along_once() -> None:
    """Those of another shard: it brings their figures itself."""
    it = Monitor()
    mine, others = [job(number) for number in range(10)], [job(100 + n) for n in range(10)]
    for _ in range(2):
        for each in mine:
            it.refresh(each, *mine, *others)
        it.now += INTERVAL
    assert [len(group) for group in it.groups] == [20, 10]


def test_many_who_ask_at_once_wait_for_one_question() -> None:
    it = Monitor()
    jobs = [job(number) for number in range(50)]

    async def ask() -> None:
        await asyncio.gather(*(it.book.refresh(each, jobs, Flaws()) for each in jobs))

    asyncio.run(ask())
    assert it.calls == dict.fromkeys(METRICS, 1)


def test_delay_and_rates_are_told_in_the_units_of_the_page() -> None:
    it = Monitor()
    it.values = {
        DELAY: [4000, 6500],
        RECORDS_IN: [250.5],
        BACKLOG: [42],
        CHECKPOINT_DURATION: [900],
    }
    found = it.told()
    assert (found.input_delay_seconds, found.read_records_per_second) == (6.5, 250.5)
    assert found.last_checkpoint_duration_seconds == 0.9
    assert found.pending_records == 42
    assert (found.written_records_per_second, found.checkpoints_failed) == (None, None)


@pytest.mark.parametrize("delay", [-1, 9.3e18])
def test_delay_of_a_job_that_knows_no_event_time_is_unknown(delay: float) -> None:
    it = Monitor()
    it.values = {DELAY: [delay]}
    assert it.told().input_delay_seconds is None


def test_job_that_does_not_run_has_no_figures() -> None:
    it = Monitor()
    it.values = {DELAY: [1000]}
    it.told()
    stopped = job(state=State.STOPPED)
    assert it.book.apply(stopped) == stopped
    assert it.book.apply(job(2)) == job(2)


def test_figures_that_nobody_renews_go() -> None:
    it = Monitor()
    it.values = {DELAY: [1000]}
    assert it.told().input_delay_seconds == 1
    it.now += INTERVAL
    assert it.book.apply(job()).input_delay_seconds == 1
    it.now += 600 + INTERVAL
    assert it.book.apply(job()).input_delay_seconds is None


@pytest.mark.parametrize(
    ("values", "start", "finer"),
    [
        ([1, 1, 0, 0], NOW - 86400, State.RESTARTING),
        ([1, 1, 1, 0], NOW - 86400, None),
        ([0, 0, 1], NOW - 86400, None),
        ([0], NOW - 86400, None),
        ([], NOW - 86400, None),
        # Those may be points of the run before, or of a job that has only begun.
        ([0, 0, 0], START - 200, None),
    ],
)
def test_job_of_which_flink_runs_nothing_twice_in_a_row_is_restarting(
    values: list[float], start: float, finer: State | None
) -> None:
    it = Monitor()
    it.values = {RUNNING_JOBS: values}
    assert it.told(job(start=start)).finer_state is finer


def test_checkpoint_is_dated_when_their_number_was_seen_to_grow() -> None:
    it = Monitor()
    it.values = {COMPLETED: [7, 7, 8, 8]}
    assert it.told().last_checkpoint_completed_timestamp == START - 120
    it.now += INTERVAL
    it.values = {COMPLETED: [8, 8]}
    assert it.told().last_checkpoint_completed_timestamp == START - 120
    it.now += INTERVAL
    it.values = {COMPLETED: [9]}
    assert it.told().last_checkpoint_completed_timestamp == it.now - 60


def test_number_of_checkpoints_that_was_told_before_is_no_news() -> None:
    it = Monitor()
    it.values = {COMPLETED: [7, 8]}
    assert it.told().last_checkpoint_completed_timestamp == START - 60
    it.now += INTERVAL
    # Of all points that were told only the oldest comes again.
    it.late, it.values = INTERVAL + 60, {COMPLETED: [7]}
    assert it.told().last_checkpoint_completed_timestamp == START - 60
    it.now += INTERVAL
    it.late, it.values = 0.0, {COMPLETED: [8, 8]}
    assert it.told().last_checkpoint_completed_timestamp == START - 60


def test_minute_that_was_counted_is_not_counted_anew() -> None:
    it = Monitor()
    it.values = {COMPLETED: [8]}
    it.told()
    it.now += INTERVAL
    it.late, it.values = INTERVAL, {COMPLETED: [9]}
    assert it.told().last_checkpoint_completed_timestamp is None


def test_checkpoint_of_which_no_growth_was_seen_is_unknown() -> None:
    it = Monitor()
    it.values = {COMPLETED: [7, 7]}
    assert it.told().last_checkpoint_completed_timestamp is None


def test_checkpoint_of_an_earlier_run_is_not_that_of_this_one() -> None:
    it = Monitor()
    it.values = {COMPLETED: [7, 8]}
    it.told()
    it.now += INTERVAL
    it.values = {COMPLETED: [0]}
    assert it.told().last_checkpoint_completed_timestamp is None


def test_refusal_of_everything_costs_one_call_for_fifty_jobs() -> None:
    it = Monitor()
    refused = FetchError(Reason.AUTH, "GetMonitorData", code="AuthFailure.UnauthorizedOperation")
    it.failing = {DELAY: refused}
    jobs = [job(number) for number in range(50)]
    assert _told_of(it.refresh(jobs[0], *jobs)) == [("monitoring", refused.code, "auth")]
    assert it.refresh(jobs[1], *jobs) == ()
    assert it.calls == {DELAY: 1}


def test_metric_that_is_not_known_costs_no_other_metric() -> None:
    it = Monitor()
    unknown = FetchError(Reason.INVALID_RESPONSE, "GetMonitorData", code="InvalidParameterValue")
    it.failing = {DELAY: unknown}
    it.values = {RECORDS_IN: [3]}
    assert _told_of(it.refresh(job())) == [("monitoring", unknown.code, "invalid_response")]
    assert it.book.apply(job()).read_records_per_second == 3
    assert it.calls == dict.fromkeys(METRICS, 1)


def test_metric_that_fails_once_stays_what_it_was_while_it_is_not_too_old() -> None:
    it = Monitor()
    it.values = {DELAY: [1000], RECORDS_IN: [3]}
    it.told()
    it.now += INTERVAL
    it.failing = {RECORDS_IN: FetchError(Reason.SERVER, "GetMonitorData")}
    it.values = {DELAY: [2000]}
    found = it.told()
    assert (found.input_delay_seconds, found.read_records_per_second) == (2, 3)


def test_figures_of_jobs_that_are_gone_are_forgotten() -> None:
    it = Monitor()
    it.values = {DELAY: [1000]}
    it.refresh(job(1), job(2))
    it.book.keep([job(2).key])
    assert it.book.apply(job(1)) == job(1)
    assert it.book.apply(job(2)) == job(2)._replace(input_delay_seconds=1)
