"""Vertices are asked for the input delay until one of them tells it, in few calls."""

import pytest

from exporter.platforms import load
from exporter.platforms.apache_flink import FlinkSource, Settings
from exporter.vendors.flink.gatherings import GATHERED_WITHIN
from tests.platforms.flink_job_manager import (
    JID,
    NO_WATERMARK,
    NOW_MS,
    SINK_VERTEX,
    SOURCE,
    SOURCE_VERTEX,
    Flink,
    graph,
    listed,
    metric,
)
from tests.virtual_time import run


def test_input_delay_can_be_switched_off() -> None:
    """It costs a call for each job and pass."""
    flink = Flink(input_delay=False)
    assert flink.details().job.input_delay_seconds is None
    assert flink.asked() == [
        f"/jobs/{JID}",
        f"/jobs/{JID}/checkpoints",
        f"/jobs/{JID}/exceptions?maxExceptions=1",
        f"/jobs/{JID}/metrics?get=numRestarts,fullRestarts,uptime",
    ]
    settings = Settings(
        name="f", platform="apache_flink", endpoint="http://flink", input_delay=False
    )
    # Exceptions are asked for once an hour where nothing happens.
    assert load("apache_flink").cost(settings, 10).per_details == pytest.approx(3 + 120 / 3600)


def test_names_of_a_young_job_are_not_kept() -> None:
    """Operators register one by one, so that an early list may lack the one that matters."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph(timestamps={"RUNNING": NOW_MS - 1000})

    async def story(source: FlinkSource) -> list[float | None]:
        known, flink.metrics = flink.metrics, {}
        delays = [(await source.fetch_details(listed())).job.input_delay_seconds]
        flink.metrics = known
        delays.append((await source.fetch_details(listed())).job.input_delay_seconds)
        return delays

    assert run(flink.source(story)) == [None, 9.0]


def test_names_are_forgotten_with_the_job() -> None:
    """What is kept is bounded by the listing."""
    flink = Flink()

    async def story(source: FlinkSource) -> list[str]:
        await source.fetch_details(listed())
        flink.answers["/jobs/overview"] = {"jobs": []}
        await source.fetch_inventory()
        flink.asked()
        await source.fetch_details(listed())
        return flink.asked()

    names = f"/jobs/{JID}/vertices/{SOURCE_VERTEX}/subtasks/metrics"
    assert names in run(flink.source(story))


def test_vertex_behind_a_source_without_event_time_is_asked() -> None:
    """The watermark may be made there, as in SQL jobs whose assigner is not chained."""
    flink = Flink()
    flink.metrics = {
        SOURCE_VERTEX: [metric(SOURCE, NO_WATERMARK, NO_WATERMARK)],
        SINK_VERTEX: [metric("currentInputWatermark", NOW_MS - 4000, NOW_MS)],
    }
    assert flink.details().job.input_delay_seconds == 4.0 + GATHERED_WITHIN


def test_job_without_event_time_has_no_delay() -> None:
    """-2^63 everywhere, as in a real job: unknown is not zero."""
    flink = Flink()
    flink.metrics = {
        SOURCE_VERTEX: [metric(SOURCE, NO_WATERMARK, NO_WATERMARK)],
        SINK_VERTEX: [metric("currentInputWatermark", NO_WATERMARK, NO_WATERMARK)],
    }
    details = flink.details()
    assert details.job.input_delay_seconds is None
    assert details.failures == ()


def test_subtasks_are_asked_one_by_one_where_some_are_idle() -> None:
    """The one that lags an hour would hide between an idle one and one that is up to date."""
    flink = Flink()
    flink.metrics = {SOURCE_VERTEX: [metric(SOURCE, NO_WATERMARK, NOW_MS - 1000)]}
    flink.answers[f"/jobs/{JID}/vertices/{SOURCE_VERTEX}/metrics"] = [
        {"id": f"0.{SOURCE}", "value": str(NO_WATERMARK)},
        {"id": f"1.{SOURCE}", "value": str(NOW_MS - 3_600_000)},
    ]
    assert flink.details().job.input_delay_seconds == 3600.0 + GATHERED_WITHIN
    wanted = f"0.{SOURCE},1.{SOURCE}"
    path = f"/jobs/{JID}/vertices/{SOURCE_VERTEX}/metrics?get={wanted}"
    assert flink.asked().count(path) == 1


def test_vertex_of_too_many_subtasks_leaves_the_answer_to_the_next() -> None:
    """A vertex behind it leaves out idle inputs by itself, in one call."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph(
        plan={
            "nodes": [
                {"id": SOURCE_VERTEX, "parallelism": 500},
                {"id": SINK_VERTEX, "parallelism": 2, "inputs": [{"id": SOURCE_VERTEX}]},
            ]
        }
    )
    flink.metrics = {
        SOURCE_VERTEX: [metric(SOURCE, NO_WATERMARK, NOW_MS - 1000)],
        SINK_VERTEX: [metric("currentInputWatermark", NOW_MS - 8000, NOW_MS - 8000)],
    }
    assert flink.details().job.input_delay_seconds == 8.0 + GATHERED_WITHIN


def test_delay_is_unknown_when_a_source_did_not_answer() -> None:
    """The one that failed may be the one that lags."""
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph(
        plan={"nodes": [{"id": SOURCE_VERTEX}, {"id": SINK_VERTEX}]}
    )
    flink.answers[f"/jobs/{JID}/vertices/{SINK_VERTEX}/subtasks/metrics"] = (400, {})
    details = flink.details()
    assert details.job.input_delay_seconds is None
    assert [failure.status for failure in details.failures] == [400]
