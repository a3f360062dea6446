"""The input delay is read from the plan of a job and the metrics of its vertices."""

from typing import Any

import httpx
import pytest

from exporter.fields import Flaws, Record
from exporter.vendors.flink.delay import (
    delay_names,
    parse_metric_names,
    parse_subtask_delay,
    parse_vertex_delay,
    parse_vertices,
    select,
)
from tests.platforms.flink_job_manager import (
    END_OF_INPUT,
    LAG,
    NO_WATERMARK,
    NOW_MS,
    SOURCE,
    metric,
    recorded,
)
from tests.virtual_time import EPOCH


def test_plan_of_a_real_job_tells_who_reads_from_whom() -> None:
    """The source comes last in the plan's list and has no inputs."""
    vertices = parse_vertices(Record(recorded("late_sql/job"), "job", Flaws()))
    sources = [vertex for vertex in vertices.values() if vertex.is_source]
    assert len(vertices) == 2
    assert len(sources) == 1
    assert sources[0].readers == tuple(set(vertices) - {sources[0].vertex_id})


def test_job_without_a_plan_shows_its_sources_by_name() -> None:
    """Vertices are listed in the order of the data."""
    names = ["Source: a", "Source: b", "Join", "Sink"]
    vertices = [{"id": str(index), "name": name} for index, name in enumerate(names)]
    found = parse_vertices(Record({"vertices": vertices}, "job", Flaws()))
    assert [vertex.is_source for vertex in found.values()] == [True, True, False, False]
    assert [vertex.readers for vertex in found.values()] == [(), ("2",), ("3",), ()]


def test_vertex_with_an_id_of_no_use_is_left_out() -> None:
    """An id becomes part of a path."""
    plan = {"nodes": [{"id": ".."}, {"id": ""}, {"id": "a"}]}
    assert list(parse_vertices(Record({"plan": plan}, "job", Flaws()))) == ["a"]


def test_metric_names_that_tell_a_delay_are_picked() -> None:
    """Lags first; of the input watermarks only that of the whole task."""
    names = parse_metric_names(recorded("late_stream/vertex_0_metrics_names"), Flaws())
    assert delay_names(names) == (
        "Source__orders.currentEmitEventTimeLag",
        "Source__orders.currentOutputWatermark",
    )
    names = parse_metric_names(recorded("late_sql/vertex_1_metrics_names"), Flaws())
    assert "currentInputWatermark" in delay_names(names)
    assert not any(name.endswith(".currentInputWatermark") for name in delay_names(names))


def test_metric_name_too_long_to_ask_for_is_left_out() -> None:
    """Flink cuts operator names at 80 characters; nothing else may break the request line."""
    names = ["x" * 4000 + ".currentOutputWatermark", "错" * 400 + ".currentOutputWatermark"]
    assert parse_metric_names([{"id": name} for name in names], Flaws()) == ()


def test_selections_fit_into_a_request_line() -> None:
    """Flink's server refuses request lines beyond 4096 bytes, and names may be long."""
    names = [f"算子{number}{'x' * 70}.currentOutputWatermark" for number in range(100)]
    selections = select(names)
    assert [name for chosen in selections for name in chosen.split(",")] == names
    assert all(len(str(httpx.URL("/", params={"get": chosen}))) < 3100 for chosen in selections)
    assert select([]) == []


ASSIGNER = "WatermarkAssigner.currentOutputWatermark"


def test_sinks_are_told_by_what_their_vertices_are_called() -> None:
    """A committer gets a record for each checkpoint, and stands behind a sink without being one."""
    names = {
        "a": "Source: in -> Map",
        "b": "Keyed Reduce -> Sink: Unnamed",
        "c": "Sink: Writer",
        "d": "Sink: Committer",
        "e": "Calc[3] -> out[4]: Writer -> out[4]: Committer",
        "f": "Sink: Global Committer",
        "g": "Process",
        "h": "Process",
    }
    inputs = {"b": "a", "c": "b", "d": "c", "e": "a", "f": "e", "g": "a", "h": "g"}
    nodes = [
        {"id": each, **({"inputs": [{"id": inputs[each]}]} if each in inputs else {})}
        for each in names
    ]
    vertices = [{"id": each, "name": name} for each, name in names.items()]
    graph = Record({"plan": {"nodes": nodes}, "vertices": vertices}, "job", Flaws())
    found = parse_vertices(graph)
    assert [each for each in found if found[each].is_sink] == ["b", "c", "e", "h"]


@pytest.mark.parametrize(
    ("metrics", "seconds"),
    [
        ([metric(LAG, 10.0, 5000.0)], 5.0),
        ([metric(LAG, 10.0, 5000.0), metric(SOURCE, NOW_MS - 1, NOW_MS - 1)], 5.0),
        ([metric(LAG, -700.0, -500.0)], 0.0),
        ([metric(LAG, -1.0, -1.0), metric(SOURCE, NOW_MS - 7000, NOW_MS)], 7.0),
        ([metric(LAG, -1.0, 9e18)], None),
        ([metric(SOURCE, NO_WATERMARK, NO_WATERMARK), metric(ASSIGNER, NOW_MS - 2500, 0)], 2.5),
        ([metric(SOURCE, NOW_MS - 60_000, NOW_MS), metric(ASSIGNER, NOW_MS - 61_000, 0)], 61.0),
        ([metric(SOURCE, NOW_MS + 60_000, NOW_MS + 60_000)], 0.0),
        ([metric(SOURCE, NOW_MS - 3000, END_OF_INPUT)], 3.0),
        ([metric(SOURCE, NO_WATERMARK, NO_WATERMARK)], None),
        ([metric(SOURCE, END_OF_INPUT, END_OF_INPUT)], None),
        ([metric(SOURCE, "NaN", None)], None),
        ([], None),
    ],
)
def test_delay_of_a_vertex(metrics: list[dict[str, Any]], seconds: float | None) -> None:
    """The worst emit lag, else the time since the least watermark that is one."""
    assert parse_vertex_delay([metrics], EPOCH, Flaws()).seconds == seconds


def test_watermark_that_only_some_subtasks_have_is_partial() -> None:
    """A subtask that reads no partition has none for ever; the least value hides the others."""
    delay = parse_vertex_delay([[metric(SOURCE, NO_WATERMARK, NOW_MS - 1000)]], EPOCH, Flaws())
    assert (delay.seconds, delay.partial) == (None, (SOURCE,))
    single = [
        {"id": f"0.{SOURCE}", "value": str(NOW_MS - 60_000)},
        {"id": f"1.{SOURCE}", "value": str(-(2**63))},
        {"id": f"2.{SOURCE}", "value": str(NOW_MS - 1000)},
    ]
    assert parse_subtask_delay(single, EPOCH, Flaws()) == 60.0


def test_delay_is_read_from_a_real_job() -> None:
    """A source of its own lag, and an SQL job whose watermark comes from the assigner."""
    late = recorded("late_stream/vertex_0_metrics")
    lag = next(one["max"] for one in late if one["id"].endswith("EmitEventTimeLag"))
    assert parse_vertex_delay([late], EPOCH * 2, Flaws()).seconds == lag / 1000
    sql = [{**one, "min": one["max"]} for one in recorded("late_sql/vertex_0_metrics")]
    watermark = max(one["max"] for one in sql)
    now = watermark / 1000 + 120
    assert parse_vertex_delay([sql], now, Flaws()).seconds == pytest.approx(120)
