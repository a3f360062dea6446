"""What vertices exchange tells what a job reads and writes, unless it could be less than that."""

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.fields import Flaws, Record
from exporter.vendors.flink.exchanged import Exchanged, parse_exchanged

NOTHING = Exchanged()


def vertex(name: str, read: int, written: int, **changes: Any) -> dict[str, Any]:
    told = {"read-records": read, "write-records": written}
    flags = {f"{name}-complete": True for name in told}
    return {"id": name, "status": "RUNNING", "metrics": {**told, **flags}, **changes}


def graph(*vertices: Mapping[str, Any], state: str = "RUNNING", **inputs: list[str]) -> Exchanged:
    nodes = [
        {"id": each["id"], "inputs": [{"id": name} for name in inputs[each["id"]]]}
        if inputs.get(each["id"])
        else {"id": each["id"]}
        for each in reversed(vertices)
    ]
    document = {"state": state, "vertices": list(vertices), "plan": {"nodes": nodes}}
    return parse_exchanged(Record(document, "graph", Flaws()))


def with_sink(source: Mapping[str, Any], **changes: Any) -> Exchanged:
    return graph(source, vertex("b", 90, 0), **{"b": ["a"], **changes})


def test_sources_read_what_they_write_and_sinks_write_what_they_read() -> None:
    """Vertices are told apart by who feeds whom, not by their order."""
    found = graph(
        vertex("one", 0, 100),
        vertex("two", 0, 50),
        vertex("join", 150, 40),
        vertex("sink", 39, 0),
        vertex("audit", 1, 0),
        join=["one", "two"],
        sink=["join"],
        audit=["join"],
    )
    assert found == Exchanged(read_records=150, written_records=40)


@pytest.mark.parametrize(
    "state", ["RESTARTING", "FAILING", "CREATED", "FAILED", "CANCELED", "", "LEVITATING"]
)
def test_job_that_does_not_run_tells_nothing(state: str) -> None:
    assert with_sink(vertex("a", 0, 100), state=state) == NOTHING


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "FAILED"},
        {"status": "CANCELED"},
        {"status": "SCHEDULED"},
        {"status": None},
        {"metrics": None},
        {"metrics": {"write-records": 100}},
        {"metrics": {"write-records": 100, "write-records-complete": True}},
        {
            "metrics": {
                "write-records": 100,
                "write-records-complete": False,
                "read-records-complete": True,
            }
        },
    ],
)
def test_source_whose_count_may_be_false_is_not_counted(changes: Mapping[str, Any]) -> None:
    """Dead attempts have 0 and call it complete; new ones have 0 and do not."""
    found = with_sink({**vertex("a", 0, 100), **changes})
    assert (found.read_records, found.written_records) == (None, 90)


def test_source_that_has_ended_still_counts() -> None:
    assert with_sink(vertex("a", 0, 100, status="FINISHED")).read_records == 100


def test_some_of_the_sources_are_not_the_job() -> None:
    lame = vertex("two", 0, 50, status="DEPLOYING")
    found = graph(vertex("one", 0, 100), lame, vertex("sink", 150, 0), sink=["one", "two"])
    assert (found.read_records, found.written_records) == (None, 150)


def test_zero_is_no_news() -> None:
    """An aggregate chained to the source has read thousands before it writes one."""
    assert graph(vertex("a", 0, 0), vertex("b", 0, 0), b=["a"]) == NOTHING


def test_job_of_one_vertex_tells_nothing() -> None:
    assert graph(vertex("a", 0, 0)) == NOTHING
    assert graph(vertex("a", 7, 7)) == NOTHING


def test_plan_that_does_not_have_all_vertices_tells_nothing() -> None:
    document = {
        "state": "RUNNING",
        "vertices": [vertex("a", 0, 100), vertex("b", 90, 0)],
        "plan": {"nodes": [{"id": "a"}]},
    }
    assert parse_exchanged(Record(document, "graph", Flaws())) == NOTHING
    assert parse_exchanged(Record({"state": "RUNNING"}, "graph", Flaws())) == NOTHING


@pytest.mark.parametrize(
    ("one", "two", "level"),
    [
        ("ok", "ok", 0),
        ("ok", "low", 1),
        ("HIGH", "low", 2),
        ("ok", None, 0),
        (None, None, None),
        ("deprecated", "ok", 0),
        ("deprecated", None, None),
    ],
)
def test_pressure_is_that_of_the_worst_vertex(
    one: str | None, two: str | None, level: int | None
) -> None:
    found = graph(
        vertex("a", 0, 1, **{"backpressure-level": one}),
        vertex("b", 1, 0, **{"backpressure-level": two}),
        b=["a"],
    )
    assert found.backpressure_level == level


def test_pressure_of_a_vertex_that_has_ended_is_none() -> None:
    ended = vertex("a", 0, 1, status="FINISHED", **{"backpressure-level": "high"})
    assert graph(ended, vertex("b", 1, 0), b=["a"]).backpressure_level is None
