"""What fuzzing has found stays mended."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.configuration.config import parse
from exporter.edge.jobs import read_job
from exporter.edge.report import read_report
from exporter.errors import ConfigError, ReportError
from exporter.fields import Flaws, Record
from exporter.vendors.flink.delay import parse_vertices, select, subtask_names
from exporter.vendors.flink.graph import parse_graph
from tests import golden
from tests.fuzzing.replay import replay

LARGEST = 2**63


@pytest.mark.parametrize(
    "value",
    [LARGEST * 2, -LARGEST * 2, 10**300, 1e308, "1e308"],
    ids=["2^64", "-2^64", "of 301 digits", "float", "text"],
)
def test_whole_number_beyond_what_anybody_counts_is_noted(value: object) -> None:
    flaws = Flaws()
    assert Record({"x": value}, "job", flaws).integer("x") is None
    assert [str(flaw) for flaw in flaws.unreadable] == ["job.x: expected a whole number"]


@pytest.mark.parametrize("value", [LARGEST - 2048, 1 - LARGEST, 10**18])
def test_whole_number_that_a_counter_can_hold_is_read(value: int) -> None:
    assert Record({"x": value}, "job", Flaws()).integer("x") == int(float(value))


def test_tasks_without_number_are_left_out_of_the_sum() -> None:
    vertices = [{"tasks": {"RUNNING": 1e308}}, {"tasks": {"RUNNING": 1e308, "FAILED": 2}}]
    graph = parse_graph(Record({"vertices": vertices}, "job", Flaws()), Flaws())
    assert graph.tasks == (("failed", 2),)


def test_job_with_more_tasks_than_any_number_does_not_stop_the_page() -> None:
    """A sum that no float holds ended the rendering, and so froze the page of every source."""

    def spoil(number: int, body: bytes) -> bytes:
        document: Any = json.loads(body)
        if isinstance(document, dict) and "vertices" in document:
            for vertex in document["vertices"]:
                vertex["tasks"] = {"RUNNING": 1e308}
        return json.dumps(document).encode()

    found = replay(golden.FIXTURES / "apache_flink" / "typical", spoil)
    assert found.surprises() == []
    assert found.snapshot.up
    assert b'task_state="running"} 1.0' not in found.text
    assert all(job.parallelism for job in found.snapshot.jobs if not job.ended)


def test_parallelism_without_end_makes_no_names_without_end() -> None:
    names = subtask_names(["currentInputWatermark"], 10**18)
    assert names[:2] == ["0.currentInputWatermark", "1.currentInputWatermark"]
    assert len(names) == 3000
    # More than one selection is never asked for.
    assert len(select(names)) > 1


def test_report_of_very_many_names_is_refused_without_comparing_each_with_all() -> None:
    """It took minutes in which nothing else was answered; this test would not end in time."""
    names = b",".join(b'"%d":0' % number for number in range(80_000))
    with pytest.raises(ReportError, match="body: expected 79999 only once"):
        read_report(b'{"message_id":"m",' + names + b',"79999":1}')


@pytest.mark.parametrize("plan", [True, False])
def test_graph_of_very_many_vertices_is_read_without_comparing_each_with_all(plan: bool) -> None:
    """It took minutes as well."""
    nodes = [
        {"id": f"v{number}", "inputs": [{"id": f"v{number - 1}"}] if number else []}
        for number in range(60_000)
    ]
    document = {"plan": {"nodes": nodes}} if plan else {"vertices": nodes}
    vertices = parse_vertices(Record(document, "job", Flaws()))
    # More entries than any job has are not read.
    assert len(vertices) == 10_000
    assert (vertices["v0"].is_source, vertices["v1"].is_source) == (True, False)
    assert vertices["v41"].readers == ("v42",)
    assert vertices["v9999"].readers == ()


@pytest.mark.parametrize("name", ["sources", "sinks"])
def test_sum_of_records_beyond_any_number_is_not_known(name: str) -> None:
    metrics = {name: [{"records": 1e308}, {"records": 1e308}]}
    body = {
        "jobs": [{"status": "job_running", "create_time": 1591104868, "metrics": metrics}],
        "message_id": "m",
    }
    (reported,) = read_report(json.dumps(body).encode()).jobs
    facts = read_job("p", reported, 0.0, Flaws()).facts
    assert not facts.keys() & {"read_records", "written_records"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "sources: [{platform: 0x" + "f" * 5000 + "}]",
            "line 1, column 22: not valid YAML: a number of more than 1000 digits",
        ),
        (
            "? 0x" + "f" * 5000 + "\n: 1\n",
            "line 1, column 3: not valid YAML: a number of more than 1000 digits",
        ),
        (
            '{"sources": [], "\\ud800": 1}',
            "line 1, column 17: not valid YAML: a key that is not UTF-8 text",
        ),
        ("'': 1\nsources: []\nedge: {}\n", "'': unknown key"),
    ],
    ids=["number", "key of digits", "half a character", "empty key"],
)
def test_what_could_not_even_be_named_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, environ={}, directory=Path(__file__).parent)
    problems = [str(each) for each in caught.value.problems]
    assert problem in problems
    assert all(each.encode() for each in problems)


def test_whole_numbers_of_the_usual_length_are_read() -> None:
    text = "sources: [{name: f, platform: apache_flink, endpoint: 'http://h', jobs: {ids: [" + (
        "1" * 32
    )
    (source,) = parse(text + "]}}]", environ={}, directory=Path(__file__).parent).sources
    assert source.settings.jobs.ids == ("1" * 32,)
