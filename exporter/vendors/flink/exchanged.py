"""Read what the vertices of a job exchange, where Flink's own description of it is all there is.

Vertices count records between each other only: a source has read what it wrote to others, a sink
has written what it read. Where a filter or an aggregate is chained to them that is less than went
through, and nothing where all is one vertex; a figure that may be wrong for that is left out when
it is 0. So are those of vertices that do not run, and those that Flink calls incomplete: they
begin with zeros. Flink documentation, "REST API": JobDetailsInfo.
"""

from collections.abc import Collection
from dataclasses import dataclass

from exporter.fields import Record
from exporter.model import State, look_up
from exporter.vendors.flink.graph import FLINK_STATES

_AT_WORK = frozenset({"running", "finished"})
_LEVELS = {"ok": 0, "low": 1, "high": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """What a job has read and written since it last restarted, and how much it is held back."""

    read_records: float | None = None
    written_records: float | None = None
    backpressure_level: int | None = None
    """Of the worst vertex: 0 ok, 1 low, 2 high."""


def parse_exchanged(graph: Record) -> Exchanged:
    """Read the vertices of a job object of Flink's REST API, if it has any and runs."""
    if look_up(FLINK_STATES, graph.text("state")) is not State.RUNNING:
        return Exchanged()
    vertices = {vertex.text("id"): vertex for vertex in graph.records("vertices")}
    sources, sinks = _ends(graph, vertices)
    if sources & sinks:
        # Nothing is exchanged: whatever goes through stays within a vertex.
        sources = sinks = set()
    return Exchanged(
        read_records=_sum([_count(vertices[each], "write-records") for each in sources]),
        written_records=_sum([_count(vertices[each], "read-records") for each in sinks]),
        backpressure_level=max(
            (level for each in vertices.values() if (level := _level(each)) is not None),
            default=None,
        ),
    )


def _ends(graph: Record, vertices: Collection[str]) -> tuple[set[str], set[str]]:
    """Return the ids of sources and of sinks; none where the plan does not tell of all vertices."""
    nodes = {
        node.text("id"): node.records("inputs") for node in graph.record("plan").records("nodes")
    }
    if not vertices or nodes.keys() != set(vertices):
        return set(), set()
    followed = {before.text("id") for inputs in nodes.values() for before in inputs}
    return {each for each, inputs in nodes.items() if not inputs}, nodes.keys() - followed


def _count(vertex: Record, name: str) -> int | None:
    metrics = vertex.record("metrics")
    whole = all(metrics.boolean(f"{each}-complete") for each in ("read-records", "write-records"))
    at_work = vertex.text("status").casefold() in _AT_WORK
    return metrics.count(name) if whole and at_work else None


def _sum(counts: list[int | None]) -> float | None:
    """Add up counts; those of some vertices are not those of the job."""
    known = [count for count in counts if count is not None]
    return float(sum(known)) or None if known and len(known) == len(counts) else None


def _level(vertex: Record) -> int | None:
    if vertex.text("status").casefold() != "running":
        return None
    return _LEVELS.get(vertex.text("backpressure-level", "backpressureLevel").casefold())
