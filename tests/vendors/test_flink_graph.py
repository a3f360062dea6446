"""Flink's own description of a job, whole or cut down to its first fields."""

import json
from typing import Any

import pytest

from exporter.fields import Flaws, Record
from exporter.model import State
from exporter.vendors.flink.graph import (
    FLINK_STATES,
    FlinkGraph,
    parse_flink_state,
    parse_graph,
    parse_task_counts,
)
from tests.vendors.huawei_sources import FIXTURES


def parse(graph: Any) -> tuple[FlinkGraph, Flaws]:
    flaws = Flaws()
    return parse_graph(Record(graph, "graph", flaws), flaws), flaws


def test_plan_of_the_documentation_is_read() -> None:
    """Keys have hyphens, times are milliseconds, end-time -1 is none, the name is empty."""
    body = (FIXTURES / "huawei_dli" / "seed_plan" / "plan_118.json").read_text()
    graph, flaws = parse(json.loads(body)["execute_graph"])
    assert graph == FlinkGraph(
        jid="4e966f43f2c90b0e1bf3188ecf55504b",
        state=State.RUNNING,
        native_state="RUNNING",
        start_timestamp=1578904488.436,
        duration_seconds=516.274,
    )
    assert flaws == Flaws()


def test_recorded_job_of_a_real_cluster_is_read() -> None:
    """A cluster's own answer has timestamps and vertices."""
    body = (FIXTURES / "apache_flink" / "recorded" / "finished" / "job.json").read_text()
    graph, flaws = parse(json.loads(body))
    assert (graph.state, graph.native_state) == (State.FINISHED, "FINISHED")
    assert graph.end_timestamp is not None
    assert graph.start_timestamp is not None
    assert graph.duration_seconds == pytest.approx(graph.end_timestamp - graph.start_timestamp)
    assert graph.state_since_timestamp == graph.end_timestamp
    assert dict(graph.tasks)["finished"] > 0
    assert flaws == Flaws()


def test_tasks_are_summed_over_vertices() -> None:
    """status-counts counts vertices, so it gives way to the tasks of the vertices."""
    graph, _ = parse(
        {
            "vertices": [
                {"parallelism": 50, "tasks": {"RUNNING": 49, "FAILED": 1}},
                {"parallelism": 2, "tasks": {"RUNNING": 2}},
            ],
            "status-counts": {"RUNNING": 1},
        }
    )
    assert graph.tasks == (("failed", 1), ("running", 51))
    assert graph.parallelism == 50


def test_status_counts_serve_where_vertices_do_not_tell_their_tasks() -> None:
    graph, _ = parse({"status-counts": {"RUNNING": 2, "FINISHED": 0}})
    assert graph.tasks == (("finished", 0), ("running", 2))


def test_state_is_dated_by_its_timestamp_unless_that_is_zero() -> None:
    dated, _ = parse({"state": "RUNNING", "timestamps": {"RUNNING": 1578904488436, "FAILED": 0}})
    undated, _ = parse({"state": "RUNNING", "timestamps": {"RUNNING": 0}})
    assert dated.state_since_timestamp == 1578904488.436
    assert undated.state_since_timestamp is None


@pytest.mark.parametrize(
    "word",
    [
        "INITIALIZING",
        "CREATED",
        "RUNNING",
        "FAILING",
        "FAILED",
        "CANCELLING",
        "CANCELED",
        "FINISHED",
        "RESTARTING",
        "SUSPENDED",
        "RECONCILING",
        "SUSPENDING",
    ],
)
def test_every_word_of_flink_is_known_in_any_case(word: str) -> None:
    flaws = Flaws()
    assert parse_flink_state(word.title(), flaws) is FLINK_STATES[word.lower()]
    assert flaws.unknown_states == []


def test_new_word_is_unknown_and_noted_while_a_missing_one_is_none() -> None:
    flaws = Flaws()
    assert parse_flink_state("LEVITATING", flaws) is State.UNKNOWN
    assert parse_flink_state("", flaws) is None
    assert flaws.unknown_states == ["LEVITATING"]


def test_counts_leave_out_totals_and_what_is_no_state() -> None:
    """The names become label values."""
    counts = {"total": 4, "RUNNING": 3, "Weird State!": 1, "finished": None, "FAILED": -1}
    flaws = Flaws()
    assert parse_task_counts(Record(counts, "tasks", flaws)) == (("running", 3),)
    assert flaws.unreadable == []


def test_nothing_is_made_of_nothing() -> None:
    graph, flaws = parse({"start-time": -1, "end-time": -1, "duration": -1, "vertices": []})
    assert graph == FlinkGraph()
    assert flaws == Flaws()


def test_other_kinds_are_skipped_and_noted() -> None:
    """One field that cannot be read does not hurt the others."""
    graph, flaws = parse(
        {"state": ["RUNNING"], "duration": "x", "vertices": [None], "timestamps": 3, "jid": "j"}
    )
    assert graph == FlinkGraph(jid="j")
    assert [flaw.place for flaw in flaws.unreadable] == [
        "graph.state",
        "graph.vertices[0]",
        "graph.timestamps",
        "graph.duration",
    ]
