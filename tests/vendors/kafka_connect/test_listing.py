"""What is read of a listing, and what is noted of one that is not as documented."""

from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import Flaws
from exporter.vendors.kafka_connect.errors import LONGEST_TRACE, parse_trace
from exporter.vendors.kafka_connect.listing import ConnectorStatus, parse_listing, parse_status

_STATUS: dict[str, Any] = {"connector": {"state": "RUNNING"}, "tasks": []}
GOOD: dict[str, Any] = {"status": _STATUS, "info": {"tasks": []}}


def _read(entry: Any) -> tuple[ConnectorStatus, list[str]]:
    flaws = Flaws()
    found = {each.name: each for each in parse_listing({"good": GOOD, "odd": entry}, flaws)}
    return found["odd"], [str(flaw).partition(":")[0] for flaw in flaws.unreadable]


def _status(**given: Any) -> dict[str, Any]:
    return {"status": {**_STATUS, **given}, "info": GOOD["info"]}


def test_info_without_tasks_tells_not_how_many_there_should_be() -> None:
    found, flaws = _read({**_status(), "info": {"config": {"connector.class": "a.B"}}})
    assert (found.configured_tasks, found.class_name) == (None, "a.B")
    assert flaws == ["connectors[1].info.tasks"]


def test_task_that_is_there_twice_counts_and_is_shown_once() -> None:
    row = {"id": 0, "state": "RUNNING", "worker_id": "w:1"}
    found, flaws = _read(_status(tasks=[row, row]))
    assert [task.task_id for task in found.tasks or ()] == [0, None]
    assert flaws == ["connectors[1].status.tasks[1].id"]


@pytest.mark.parametrize("rows", [["RUNNING"], [None], [7, {"id": 0, "state": "RUNNING"}]])
def test_task_that_is_no_object_is_none_that_runs(rows: list[Any]) -> None:
    found, flaws = _read(_status(tasks=rows))
    assert found.tasks is not None
    assert found.tasks[-1].word == ""
    assert flaws == ["connectors[1].status.tasks[0]"]


@pytest.mark.parametrize("tasks", [{"0": "RUNNING"}, "RUNNING", None])
def test_tasks_that_are_no_list_are_not_no_tasks(tasks: Any) -> None:
    found, flaws = _read(_status(tasks=tasks))
    assert found.tasks is None
    assert flaws == ["connectors[1].status.tasks"]


def test_status_is_of_whom_it_was_asked_for() -> None:
    status = {**_STATUS, "name": "orders"}
    assert parse_status(status, "orders", Flaws()).word == "RUNNING"
    others: tuple[Any, ...] = ({**status, "name": "other"}, [], None, {})
    for document in others:
        with pytest.raises(UnreadableError):
            parse_status(document, "orders", Flaws())


@pytest.mark.parametrize(
    ("trace", "outer", "inner"),
    [
        ("a.b.C: text\n\tat x\nCaused by: d.E: y\nCaused by: f.G\n", "a.b.C", "f.G"),
        ("java.lang.OutOfMemoryError", "java.lang.OutOfMemoryError", "java.lang.OutOfMemoryError"),
        ("a.b.C: text\nCaused by: <html>\n", "a.b.C", "a.b.C"),
        ("ü中: text", "", ""),
        ("", "", ""),
    ],
)
def test_error_is_the_innermost_cause(trace: str, outer: str, inner: str) -> None:
    found = parse_trace(trace)
    assert (found.error_id, found.error_type, found.text) == (outer, inner, trace)


def test_trace_is_kept_as_far_as_anybody_reads() -> None:
    found = parse_trace("a.B: " + "x" * 100_000 + "\nCaused by: c.D: y")
    assert (len(found.text), found.error_type) == (LONGEST_TRACE, "c.D")
