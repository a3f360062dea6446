"""The details of a job take the calls they cost, and a part that cannot be had hurts no other."""

import asyncio
import gc
from functools import partial

import pytest

from exporter.collecting.merging import merge
from exporter.fields import Flaws
from exporter.model import State
from exporter.platforms import load
from exporter.platforms.apache_flink import FlinkSource, Settings
from exporter.source import Details
from exporter.vendors.flink.jobs import parse_overview
from tests.platforms.flink_job_manager import (
    JID,
    LAG,
    SINK_VERTEX,
    SOURCE_VERTEX,
    Flink,
    graph,
    listed,
    row,
)
from tests.virtual_time import EPOCH, run

_AGG = "?agg=min,max,sum,avg"


def test_details_take_exactly_the_calls_they_cost() -> None:
    """Once the names of the metrics are known: the job and four questions about it.

    Its exceptions are not asked for again, since nothing has happened to it.
    """
    flink = Flink()
    platform = load("apache_flink")

    async def ask_twice(source: FlinkSource) -> Details:
        await source.fetch_details(listed())
        flink.asked()
        return await source.fetch_details(listed())

    details = run(flink.source(ask_twice))
    assert flink.asked() == [
        f"/jobs/{JID}",
        f"/jobs/{JID}/checkpoints",
        f"/jobs/{JID}/metrics?get=numRestarts,fullRestarts,uptime",
        f"/jobs/{JID}/vertices/{SOURCE_VERTEX}/subtasks/metrics{_AGG}"
        f"&get={LAG},Source__in.numRecordsOut",
        f"/jobs/{JID}/vertices/{SINK_VERTEX}/subtasks/metrics{_AGG}&get=out__Writer.numRecordsIn",
    ]
    settings = Settings(name="f", platform="apache_flink", endpoint="http://flink")
    cost = platform.cost(settings, 10)
    # What is asked for once an hour are the exceptions and two lists of names.
    assert cost.per_inventory == 1
    assert cost.per_details == pytest.approx(5 + 3 * 120 / 3600)
    assert (details.job.restart_times, details.job.input_delay_seconds) == (3, 9.0)
    assert details.job.state_since_timestamp == EPOCH - 3600
    assert details.failures == ()
    assert details.flaws == Flaws()


@pytest.mark.parametrize("part", ["metrics", "checkpoints", "exceptions"])
def test_part_that_fails_does_not_hurt_the_rest(part: str) -> None:
    """The job is known, and the failure is told."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}/{part}"] = (500, {"errors": ["Internal server error."]})
    details = flink.details()
    assert details.job.state is State.RUNNING
    assert details.job.input_delay_seconds == 9.0
    assert [failure.operation for failure in details.failures] == [f"/jobs/:jobid/{part}"]
    assert (details.job.restart_times is None) == (part == "metrics")
    assert (details.job.checkpoints_failed is None) == (part == "checkpoints")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, "Checkpointing has not been enabled."),
        (404, f"org.apache.flink.runtime.rest.NotFoundException: Job {JID} not found"),
        (500, "x.UnavailableDispatcherOperationException: while the JobManager is initializing"),
    ],
)
def test_part_that_cannot_be_is_no_failure(status: int, error: str) -> None:
    """Jobs without checkpoints are healthy, and those that vanish or begin are told of later."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}/checkpoints"] = (status, {"errors": ["", error]})
    details = flink.details()
    assert (details.failures, details.job.checkpoints_failed) == ((), None)
    assert flink.asked().count(f"/jobs/{JID}/checkpoints") == 1


def test_initializing_job_is_not_asked_what_it_cannot_know() -> None:
    """Flink would answer 500 about its checkpoints."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph("INITIALIZING", plan={}, vertices=[])
    found = flink.details().job
    # Waiting for slots, the adaptive scheduler of 1.13 calls a job so that restarted before.
    assert (found.state, found.restart_times) == (State.STARTING, 3)
    assert f"/jobs/{JID}/checkpoints" not in flink.asked()


def test_ended_job_has_no_metrics_to_ask_for() -> None:
    """Its checkpoints and exceptions are kept, its metrics are an empty list."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph("FAILED")
    assert flink.details().job.restart_times is None
    assert flink.asked() == [
        f"/jobs/{JID}",
        f"/jobs/{JID}/checkpoints",
        f"/jobs/{JID}/exceptions?maxExceptions=1",
    ]


def test_answer_out_of_a_cache_does_not_let_an_ended_job_live_again() -> None:
    flink = Flink()
    details = run(flink.source(lambda source: source.fetch_details(listed().at(EPOCH))))
    assert details.job.observed_timestamp == EPOCH
    ended = parse_overview({"jobs": [row(state="FAILED")]}, EPOCH, Flaws())[0]
    details = run(flink.source(lambda source: source.fetch_details(ended)))
    assert details.job.native_status == "RUNNING"
    assert details.job.observed_timestamp < ended.observed_timestamp
    assert merge(ended, details.job).state is State.FAILED
    assert merge(ended, details.job).restart_times == 3


def test_question_cancelled_at_any_moment_leaves_nothing_behind() -> None:
    """A coroutine that was made and never awaited is a warning of Python's, and an error here."""
    flink = Flink()

    async def cancel_after(steps: int, source: FlinkSource) -> None:
        question = asyncio.create_task(source.fetch_details(listed()))
        for _ in range(steps):
            await asyncio.sleep(0)
        question.cancel()

    for steps in range(100):
        run(flink.source(partial(cancel_after, steps)))
    gc.collect()
    assert f"/jobs/{JID}/checkpoints" in flink.asked()
