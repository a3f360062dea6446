"""Figures of vertices are asked for in few calls, and what is not known any more is withdrawn."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from exporter.platforms.apache_flink import FlinkSource
from exporter.source import Details
from exporter.vendors.flink.vertex_reader import NAMES_LAST
from tests.platforms.flink_job_manager import (
    JID,
    NOW_MS,
    SINK_VERTEX,
    SOURCE_VERTEX,
    Flink,
    figure,
    graph,
    listed,
)
from tests.virtual_time import run

OUT, IDLE = "Source__in.numRecordsOut", "Source__in.sourceIdleTime"

_VERTICES = f"/jobs/{JID}/vertices"


def looks(flink: Flink, *acts: Callable[[], object], pause: float = 60.0) -> list[Details]:
    """Look once, and once more after each of these has happened."""

    async def story(source: FlinkSource) -> list[Details]:
        found = [await source.fetch_details(listed())]
        for act in acts:
            await asyncio.sleep(pause)
            act()
            found.append(await source.fetch_details(listed()))
        return found

    return run(flink.source(story))


def listings(flink: Flink) -> list[str]:
    """Return the vertices whose names were listed since the last time."""
    asked = [path for path in flink.asked() if path.endswith("/subtasks/metrics")]
    return [path.removeprefix(f"{_VERTICES}/")[:1] for path in asked]


def test_records_and_delay_are_told_together() -> None:
    job = Flink().details().job
    assert (job.input_delay_seconds, job.read_records, job.written_records) == (9.0, 600.0, 200.0)
    assert (job.pending_records, job.backpressured_ratio, job.busy_ratio) == (None, None, None)


def test_name_that_is_gone_lets_the_names_be_listed_anew() -> None:
    """Flink answers an empty list where one of them is unknown, as after a restart."""
    flink = Flink()
    kept = flink.metrics[SOURCE_VERTEX]

    def restart() -> None:
        flink.metrics[SOURCE_VERTEX] = kept[1:]
        flink.asked()

    first, second = looks(flink, restart)
    assert listings(flink) == ["a"]
    assert (first.job.input_delay_seconds, first.job.read_records) == (9.0, 600.0)
    assert (second.job.input_delay_seconds, second.job.read_records) == (None, 600.0)
    assert "input_delay_seconds" in second.withdrawn
    assert second.failures == ()


def test_names_are_listed_once_an_hour() -> None:
    """Some metrics are there from the first watermark on only."""
    flink = Flink()
    known = flink.metrics[SOURCE_VERTEX]
    flink.metrics[SOURCE_VERTEX] = known[1:]

    def late() -> None:
        flink.metrics[SOURCE_VERTEX] = known
        flink.asked()

    told = looks(flink, late, lambda: None, pause=NAMES_LAST / 2)
    assert [each.job.input_delay_seconds for each in told] == [None, None, 9.0]
    assert listings(flink) == ["a", "b"]


def test_names_of_a_source_that_emitted_nothing_are_not_kept() -> None:
    """The lag of what it emits is registered with the first record."""
    flink = Flink()
    known = flink.metrics[SOURCE_VERTEX]
    flink.metrics[SOURCE_VERTEX] = [figure(OUT, 0.0)]
    told = looks(flink, lambda: flink.metrics.update({SOURCE_VERTEX: known}))
    assert [each.job.input_delay_seconds for each in told] == [None, 9.0]
    assert [each.job.read_records for each in told] == [0.0, 600.0]


@pytest.mark.parametrize("vertex", [SOURCE_VERTEX, SINK_VERTEX])
def test_vertex_that_cannot_be_asked_leaves_what_was_told_by_it(vertex: str) -> None:
    """A failure says nothing: neither that it is known nor that it is not."""
    flink = Flink()
    flink.answers[f"{_VERTICES}/{vertex}/subtasks/metrics"] = (400, {"errors": ["no"]})
    details = flink.details()
    of_source = vertex == SOURCE_VERTEX
    assert (details.job.read_records is None) == of_source
    assert (details.job.input_delay_seconds is None) == of_source
    assert (details.job.written_records is None) == (not of_source)
    names = {"read_records"} if of_source else {"written_records"}
    assert names.isdisjoint(details.withdrawn)
    assert [failure.status for failure in details.failures] == [400]


def test_delay_that_only_a_vertex_knows_that_does_not_answer_stays_as_it_was() -> None:
    """A source may know of no event time; who reads it does."""
    flink = Flink()
    flink.metrics[SOURCE_VERTEX] = [figure("Source__in.numRecordsOut", 600.0)]
    flink.answers[f"{_VERTICES}/{SINK_VERTEX}/subtasks/metrics"] = (400, {"errors": ["no"]})
    details = flink.details()
    assert (details.job.input_delay_seconds, details.job.read_records) == (None, 600.0)
    assert "input_delay_seconds" not in details.withdrawn
    assert {failure.status for failure in details.failures} == {400}


def _many(flink: Flink, sinks: int) -> None:
    nodes: list[dict[str, Any]] = [{"id": SOURCE_VERTEX, "parallelism": 2}]
    for number in range(sinks):
        name = f"c{number:031x}"
        flink.metrics[name] = [figure("out__Writer.numRecordsIn", 10.0)]
        nodes.append({"id": name, "parallelism": 2, "inputs": [{"id": SOURCE_VERTEX}]})
    flink.answers[f"/jobs/{JID}"] = graph(plan={"nodes": nodes})


@pytest.mark.parametrize(("sinks", "written", "asked"), [(4, 40.0, 4), (5, None, 0)])
def test_job_of_many_sinks_is_not_asked_what_it_writes(
    sinks: int, written: float | None, asked: int
) -> None:
    """Each takes a call."""
    flink = Flink()
    _many(flink, sinks)
    details = flink.details()
    assert (details.job.read_records, details.job.written_records) == (600.0, written)
    assert ("written_records" in details.withdrawn) == (written is None)
    assert sum(f"{_VERTICES}/c" in path and "agg=" in path for path in flink.asked()) == asked


def _sources(flink: Flink, number: int) -> None:
    nodes: list[dict[str, Any]] = [{"id": SINK_VERTEX, "parallelism": 2, "inputs": []}]
    for each in range(number):
        name = f"c{each:031x}"
        flink.metrics[name] = [
            {"id": "Source__in.currentEmitEventTimeLag", "min": 5.0, "max": 9000.0},
            figure("Source__in.numRecordsOut", 10.0),
        ]
        nodes.append({"id": name, "parallelism": 2})
        nodes[0]["inputs"].append({"id": name})
    flink.answers[f"/jobs/{JID}"] = graph(plan={"nodes": nodes})


@pytest.mark.parametrize(
    ("sources", "delay", "read", "asked"), [(100, 9.0, 1000.0, 100), (101, None, None, 0)]
)
@pytest.mark.parametrize("busy", [False, True])
def test_job_of_very_many_sources_does_not_take_all_calls_for_itself(
    sources: int, delay: float | None, read: float | None, asked: int, *, busy: bool
) -> None:
    flink = Flink(busy=busy)
    _sources(flink, sources)
    details = flink.details()
    assert (details.job.input_delay_seconds, details.job.read_records) == (delay, read)
    assert ("input_delay_seconds" in details.withdrawn) == (delay is None)
    assert details.job.written_records == 200.0
    assert sum(f"{_VERTICES}/c" in path and "agg=" in path for path in flink.asked()) == asked


def test_vertices_behind_sources_are_bounded_as_well() -> None:
    """Where a source knows of no event time those that read it are asked."""
    flink = Flink()
    nodes: list[dict[str, Any]] = [{"id": SOURCE_VERTEX, "parallelism": 2}]
    for number in range(101):
        name = f"c{number:031x}"
        # A vertex that writes is none that is asked for its own sake among so many.
        nodes.append({"id": name, "parallelism": 2, "inputs": [{"id": SOURCE_VERTEX}]})
    flink.metrics[SOURCE_VERTEX] = [figure("Source__in.numRecordsOut", 10.0)]
    flink.answers[f"/jobs/{JID}"] = graph(plan={"nodes": nodes})
    assert flink.details().job.input_delay_seconds is None
    assert not any(f"{_VERTICES}/c" in path for path in flink.asked())


def test_busiest_vertex_is_looked_for_where_it_is_wanted() -> None:
    flink = Flink(busy=True)
    middle = "c" * 32
    nodes: list[dict[str, Any]] = [
        {"id": SOURCE_VERTEX, "parallelism": 2},
        {"id": middle, "parallelism": 2, "inputs": [{"id": SOURCE_VERTEX}]},
        {"id": SINK_VERTEX, "parallelism": 2, "inputs": [{"id": middle}]},
    ]
    flink.answers[f"/jobs/{JID}"] = graph(plan={"nodes": nodes})
    flink.metrics[middle] = [figure("busyTimeMsPerSecond", None, max=870.0)]
    flink.metrics[SOURCE_VERTEX].append(figure("busyTimeMsPerSecond", "NaN"))
    assert flink.details().job.busy_ratio == 0.87
    assert not any(middle in path for path in _asked_without_busy())


def _asked_without_busy() -> list[str]:
    flink = Flink()
    flink.details()
    return flink.asked()


def test_throughput_can_be_switched_off() -> None:
    flink = Flink(throughput=False)
    job = flink.details().job
    assert (job.input_delay_seconds, job.read_records, job.written_records) == (9.0, None, None)
    assert not any(SINK_VERTEX in path for path in flink.asked())


def test_throughput_can_be_had_without_the_delay() -> None:
    flink = Flink(throughput=True, input_delay=False)
    job = flink.details().job
    assert (job.input_delay_seconds, job.read_records, job.written_records) == (None, 600.0, 200.0)
    assert not any("EventTimeLag" in path for path in flink.asked())


@pytest.mark.parametrize("tasks", [{"SCHEDULED": 4, "RUNNING": 0}, {"RUNNING": 4}])
def test_job_of_which_nothing_runs_moves_no_records(tasks: dict[str, int]) -> None:
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = graph(vertices=[{"id": SOURCE_VERTEX, "tasks": tasks}])
    details = flink.details()
    runs = tasks["RUNNING"] > 0
    assert (details.job.read_records is not None) == runs
    assert ("read_records" in details.withdrawn) == (not runs)


def test_source_that_stands_still_in_everything_tells_nothing() -> None:
    """Its TaskManager hangs: the JobManager's own figures go on, and so would an idle time."""
    flink = Flink()
    flink.metrics[SOURCE_VERTEX].append(figure(IDLE, 4000.0))

    def move() -> None:
        flink.metrics[SOURCE_VERTEX][-1] = figure(IDLE, 124_000.0)

    told = looks(flink, lambda: None, lambda: None, move)
    assert [each.job.read_records for each in told] == [600.0, None, None, 600.0]
    assert [each.job.input_delay_seconds for each in told] == [9.0, None, None, 9.0]
    assert {"read_records", "written_records", "input_delay_seconds"} <= set(told[1].withdrawn)


def test_source_that_stands_still_for_a_moment_is_believed() -> None:
    """Flink gathers figures every ten seconds."""
    flink = Flink()
    flink.metrics[SOURCE_VERTEX].append(figure(IDLE, 4000.0))
    told = looks(flink, lambda: None, pause=20.0)
    assert [each.job.read_records for each in told] == [600.0, 600.0]
    told = looks(flink, lambda: None, pause=40.0)
    assert [each.job.read_records for each in told] == [600.0, None]


def exceptions(flink: Flink) -> int:
    """Return how often exceptions were asked for since the last time."""
    return sum("/exceptions" in path for path in flink.asked())


def test_exceptions_are_asked_for_when_something_has_happened() -> None:
    """Each makes a job restart, and that is dated."""
    flink = Flink()
    error = {"exceptionName": "a.B", "timestamp": NOW_MS, "stacktrace": "a.B: no"}
    history = {"exceptionHistory": {"entries": [error]}}

    def fail() -> None:
        assert exceptions(flink) == 1
        flink.answers[f"/jobs/{JID}/exceptions"] = history
        flink.answers[f"/jobs/{JID}"] = graph(timestamps={"RUNNING": NOW_MS, "RESTARTING": NOW_MS})

    told = looks(flink, lambda: None, fail, lambda: None)
    assert [each.job.error_type for each in told] == ["", "", "a.B", "a.B"]
    assert exceptions(flink) == 1


@pytest.mark.parametrize(
    ("answer", "pause", "asked"),
    [
        (graph(), 60.0, 1),
        (graph(), 3600.0, 2),
        (graph("RESTARTING"), 60.0, 2),
        (graph("FAILED"), 60.0, 2),
        (graph(timestamps={}), 60.0, 2),
    ],
    ids=["same", "an hour later", "restarting", "failed", "undated"],
)
def test_exceptions_are_asked_for_again(answer: Any, pause: float, asked: int) -> None:
    flink = Flink()
    flink.answers[f"/jobs/{JID}"] = answer
    looks(flink, lambda: None, pause=pause)
    assert exceptions(flink) == asked


def test_exceptions_that_could_not_be_had_are_asked_for_again() -> None:
    flink = Flink()
    flink.answers[f"/jobs/{JID}/exceptions"] = (400, {"errors": ["no"]})
    looks(flink, lambda: None)
    assert exceptions(flink) == 2


def test_exceptions_of_a_job_that_left_are_forgotten() -> None:
    flink = Flink()

    async def story(source: FlinkSource) -> None:
        await source.fetch_details(listed())
        flink.answers["/jobs/overview"] = {"jobs": []}
        await source.fetch_inventory()
        await source.fetch_details(listed())

    run(flink.source(story))
    assert exceptions(flink) == 2
