"""Tell from Flink's metrics how far a job lags behind its input. Everything here is pure.

A source that follows FLIP-33 says how old the records are that it emits; any other job that works
in event time has watermarks. The source operator itself often has none: in SQL jobs the watermark
is made by an assigner chained to it, or by the next vertex. Flink documentation, "Metrics": IO.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

from exporter.fields import Flaws, Record

_EMIT_LAG = "currentEmitEventTimeLag"
_OUTPUT_WATERMARK = "currentOutputWatermark"
_INPUT_WATERMARK = "currentInputWatermark"

_UNDEFINED_LAG = -1.0
"""Flink's InternalSourceReaderMetricGroup: no record with a timestamp was emitted yet."""

_FURTHEST_AHEAD = 86400_000.0
"""Milliseconds: event time may run ahead of the clock; beyond a day it is Flink's end of input."""

_SINK = re.compile(r": Writer|Sink: (?!(?:Global )?Committer)")
_COMMITTER = "Committer"

_LONGEST_SELECTION = 3000
"""Bytes: Flink's HTTP server refuses request lines beyond 4096."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """One vertex of a job graph, with the ids of those that read from it."""

    vertex_id: str
    parallelism: int
    is_source: bool
    is_sink: bool
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexDelay:
    """How far one vertex lags.

    `partial` are watermarks that some of its subtasks have and others do not, as those have that
    read no partition: only the single subtasks can tell.
    """

    seconds: float | None = None
    partial: tuple[str, ...] = ()


def parse_vertices(graph: Record) -> dict[str, Vertex]:
    """Read the vertices of a job object; its plan tells who reads from whom.

    Without a plan the names of the vertices tell the sources, and their order, in which each comes
    after those it reads from, tells the rest well enough.
    """
    names = {each.text("id"): each.text("name") for each in graph.reread().records("vertices")}
    nodes = graph.record("plan").records("nodes")
    inputs = {
        node.text("id"): {edge.text("id") for edge in node.records("inputs")} for node in nodes
    }
    if not inputs:
        nodes = graph.records("vertices")
        inputs = _guess_inputs(nodes)
    readers: dict[str, list[str]] = {}
    for other, ids in inputs.items():
        for vertex_id in ids:
            readers.setdefault(vertex_id, []).append(other)
    return {
        vertex_id: Vertex(
            vertex_id=vertex_id,
            parallelism=node.count("parallelism") or 0,
            is_source=not inputs[vertex_id],
            is_sink=_is_sink(names.get(vertex_id, ""), read=vertex_id in readers),
            readers=tuple(readers.get(vertex_id, ())),
        )
        for node in nodes
        if (vertex_id := node.text("id")).isalnum()
    }


def parse_metric_names(document: object, flaws: Flaws) -> tuple[str, ...]:
    """Read what the metrics of a vertex are called, as far as they can be asked for.

    Operators put their name before the metric's: `Source__orders[1].currentOutputWatermark`.
    """
    metrics = Record({"metrics": document}, "vertex", flaws).records("metrics")
    # One that is cut here is too long.
    names = (metric.long_text("id", limit=_LONGEST_SELECTION + 1) for metric in metrics)
    return tuple(dict.fromkeys(name for name in names if len(quote(name)) <= _LONGEST_SELECTION))


def delay_names(names: Iterable[str]) -> tuple[str, ...]:
    """Pick out of the names of a vertex' metrics those that tell of a delay."""
    return tuple(sorted({name for name in names if _tells_delay(name)}, key=_urgency))


def select(names: Sequence[str]) -> list[str]:
    """Join names into as many selections as it takes to keep each short enough for Flink."""
    selections: list[list[str]] = []
    size = _LONGEST_SELECTION
    for name in names:
        length = len(quote(name)) + len(quote(","))
        if size + length > _LONGEST_SELECTION:
            selections.append([])
            size = 0
        selections[-1].append(name)
        size += length
    return [",".join(selection) for selection in selections]


def parse_vertex_delay(documents: Iterable[object], now: float, flaws: Flaws) -> VertexDelay:
    """Read the least and greatest value of each metric over all subtasks of a vertex."""
    lags, watermarks, partial = [], [], []
    for document in documents:
        for metric in Record({"metrics": document}, "vertex", flaws).records("metrics"):
            name = metric.long_text("id")
            if not _tells_delay(name):
                continue
            least, greatest = metric.number("min"), metric.number("max")
            if name.endswith(_EMIT_LAG):
                lags.append(greatest)
            elif _is_watermark(least, now):
                watermarks.append(least)
            elif _is_watermark(greatest, now):
                partial.append(name)
    lag = _worst_lag(lags, now)
    if lag is not None:
        return VertexDelay(seconds=lag)
    return VertexDelay(seconds=_watermark_lag(watermarks, now), partial=tuple(partial))


def parse_subtask_delay(document: object, now: float, flaws: Flaws) -> float | None:
    """Read watermarks of single subtasks, leaving out the subtasks that have none."""
    metrics = Record({"metrics": document}, "vertex", flaws).records("metrics")
    return _watermark_lag([metric.number("value") for metric in metrics], now)


def subtask_names(names: Iterable[str], parallelism: int) -> list[str]:
    """Name the metrics of each subtask, such as `0.currentInputWatermark`.

    Ends where there are more than fit into one selection: a parallelism may be any number.
    """
    found = (f"{subtask}.{name}" for name in names for subtask in range(parallelism))
    return list(islice(found, _LONGEST_SELECTION))


def worst(delays: Iterable[float | None]) -> float | None:
    """Return the greatest of the delays that are known."""
    return max((delay for delay in delays if delay is not None), default=None)


def _is_sink(name: str, *, read: bool) -> bool:
    """Say whether records leave the job here; behind a sink there may be one that commits."""
    return bool(_SINK.search(name)) or (not read and _COMMITTER not in name)


def _guess_inputs(vertices: list[Record]) -> dict[str, set[str]]:
    inputs: dict[str, set[str]] = {}
    for vertex in vertices:
        is_source = not inputs or vertex.text("name").startswith("Source:")
        inputs[vertex.text("id")] = set() if is_source else {next(reversed(inputs))}
    return inputs


def _tells_delay(name: str) -> bool:
    metric = name.rpartition(".")[2]
    # Each operator of a chain has an input watermark too: its predecessor's output.
    return metric in (_EMIT_LAG, _OUTPUT_WATERMARK) or name == _INPUT_WATERMARK


def _urgency(name: str) -> tuple[bool, str]:
    return (not name.endswith(_EMIT_LAG), name)


def _is_watermark(number: float | None, now: float) -> bool:
    # -2^63 means that there was none yet, 2^63 - 1 that the input has ended.
    return number is not None and 0 < number <= now * 1000 + _FURTHEST_AHEAD


def _worst_lag(lags: Iterable[float | None], now: float) -> float | None:
    lag = worst(lag for lag in lags if lag != _UNDEFINED_LAG)
    if lag is None or lag > now * 1000:
        return None
    return max(0.0, lag / 1000)


def _watermark_lag(watermarks: Iterable[float | None], now: float) -> float | None:
    known = [number for number in watermarks if number is not None and _is_watermark(number, now)]
    # Rounded to what Flink knows, so that equal watermarks give equal numbers.
    return round(max(0.0, now - min(known) / 1000), 3) if known else None
