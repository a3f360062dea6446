"""Tell from Flink's metrics what goes through a job, what waits, and what holds it back.

Counts of the operators `Source: …`, `Sink: …` and `…: Writer` are the truth however operators are
chained; those of their vertices count what is exchanged with other vertices only, which is less
wherever a filter or an aggregate is chained to them, and nothing where all is one vertex. Flink
documentation, "Metrics": IO. Everything here is pure.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from exporter.fields import Flaws, Record
from exporter.vendors.flink.delay import Vertex

SETTLED_AFTER = 60.0
"""Seconds that a job runs before a mean over the last minute means anything."""
_COUNTED_AFTER = 15.0
"""Seconds that it runs before no count can be of the time before its restart any more."""

_MOST_NAMES = 100

_SOURCE = "Source__"
_SINK = "Sink__"
_WRITER = "__Writer"
_COMMITTER = "Committer"

_OUT, _OUT_RATE = "numRecordsOut", "numRecordsOutPerSecond"
_IN, _IN_RATE = "numRecordsIn", "numRecordsInPerSecond"
_OF_TASKS = (_OUT, _OUT_RATE, _IN, _IN_RATE)
"""What tasks tell as well as operators."""
_PENDING, _IDLE, _WATERMARK_LAG = "pendingRecords", "sourceIdleTime", "watermarkLag"
_BACK_PRESSURED, _BUSY = "backPressuredTimeMsPerSecond", "busyTimeMsPerSecond"

_Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexFlow:
    """What one vertex tells; what it does not tell, or only some of its subtasks do, is None."""

    read: float | None = None
    read_rate: float | None = None
    written: float | None = None
    written_rate: float | None = None
    pending: float | None = None
    idle: float | None = None
    """Milliseconds for which none of its subtasks has emitted anything."""
    back_pressured: float | None = None
    """Milliseconds a second, as `busy`: of the subtask that has most."""
    busy: float | None = None
    pulse: tuple[float, ...] = ()
    """Figures that cannot all stay as they are while time goes by; empty where they could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """One metric over all subtasks of a vertex that have it."""

    least: float | None
    greatest: float | None
    total: float | None
    subtasks: int | None
    """How many have it; None where that cannot be told."""


def flow_names(names: Iterable[str], vertex: Vertex, *, busy: bool) -> tuple[str, ...]:
    """Pick out of the names of a vertex' metrics those that tell what goes through it.

    None at all of a vertex of more operators than anybody builds: each takes a part of a call.
    """
    names = dict.fromkeys(names)
    found: list[str] = []
    if vertex.is_source:
        for metric in (_OUT, _OUT_RATE, _PENDING, _IDLE, _WATERMARK_LAG):
            found += _told(names, _is_source, metric, vertex)
        found.append(_BACK_PRESSURED)
    if vertex.is_sink:
        for metric in (_IN, _IN_RATE):
            found += _told(names, _is_sink, metric, vertex)
    if busy:
        found.append(_BUSY)
    chosen = tuple(name for name in dict.fromkeys(found) if name in names)
    return chosen if len(chosen) <= _MOST_NAMES else ()


def parse_vertex_flow(documents: Iterable[object], vertex: Vertex, flaws: Flaws) -> VertexFlow:
    """Read the figures of a vertex over all its subtasks."""
    figures: dict[str, _Figure] = {}
    for document in documents:
        for metric in Record({"metrics": document}, "vertex", flaws).records("metrics"):
            name = metric.long_text("id")
            if name.rpartition(".")[2] in _ALL:
                figures[name] = _figure(metric)

    def of(is_one: Callable[[str], bool], metric: str) -> list[_Figure]:
        return [figures[name] for name in _told(figures, is_one, metric, vertex)]

    def whole(is_one: Callable[[str], bool], metric: str, wanted: bool) -> float | None:
        return _sum(of(is_one, metric), vertex.parallelism) if wanted else None

    idle = of(_is_source, _IDLE)
    clocks = [*idle, *of(_is_source, _WATERMARK_LAG)]
    back_pressured, busy = figures.get(_BACK_PRESSURED), figures.get(_BUSY)
    return VertexFlow(
        read=whole(_is_source, _OUT, vertex.is_source),
        read_rate=whole(_is_source, _OUT_RATE, vertex.is_source),
        written=whole(_is_sink, _IN, vertex.is_sink),
        written_rate=whole(_is_sink, _IN_RATE, vertex.is_sink),
        pending=whole(_is_source, _PENDING, vertex.is_source),
        idle=min((each.least for each in idle if each.least is not None), default=None),
        back_pressured=back_pressured.greatest if back_pressured else None,
        busy=busy.greatest if busy else None,
        pulse=_pulse(of(_is_source, _OUT), clocks),
    )


def read_figures(sources: Sequence[VertexFlow], runs_for: float | None) -> _Figures:
    """Return what a Job says of what its sources read; half of them are not the job.

    `runs_for` is how long it has run, in seconds; None when that is not known.
    """
    settled = runs_for is not None and runs_for >= SETTLED_AFTER
    idle = [source.idle for source in sources]
    held = [source.back_pressured for source in sources]
    return {
        "read_records": _counted([source.read for source in sources], runs_for),
        "read_records_per_second": _all([each.read_rate for each in sources]) if settled else None,
        # Just after a start partitions of which nothing is known yet count as empty.
        "pending_records": _all([source.pending for source in sources]) if settled else None,
        "source_idle_seconds": _least(idle) if settled else None,
        "backpressured_ratio": _share(held) if settled and None not in held else None,
    }


def written_figures(sinks: Sequence[VertexFlow], runs_for: float | None) -> _Figures:
    """Return what a Job says of what its sinks write."""
    settled = runs_for is not None and runs_for >= SETTLED_AFTER
    return {
        "written_records": _counted([sink.written for sink in sinks], runs_for),
        "written_records_per_second": (
            _all([sink.written_rate for sink in sinks]) if settled else None
        ),
    }


def busy_figures(vertices: Iterable[VertexFlow], runs_for: float | None) -> _Figures:
    """Return how busy the busiest of all vertices is; sources of old do not measure it."""
    settled = runs_for is not None and runs_for >= SETTLED_AFTER
    known = [vertex.busy for vertex in vertices]
    return {"busy_ratio": _share(known) if settled else None}


def figure_names(*, throughput: bool, busy: bool) -> tuple[str, ...]:
    """Return what these figures are called in a Job."""
    read_and_written = {**read_figures((), None), **written_figures((), None)}
    return (*(read_and_written if throughput else ()), *(busy_figures((), None) if busy else ()))


_ALL = frozenset({*_OF_TASKS, _PENDING, _IDLE, _WATERMARK_LAG, _BACK_PRESSURED, _BUSY})


def _told(
    names: Collection[str], is_one: Callable[[str], bool], metric: str, vertex: Vertex
) -> list[str]:
    """Name the metric of each operator that is one; where none is, that of the task."""
    found = [name for name in names if _is_of(name, is_one, metric)]
    alone = not (vertex.is_source and vertex.is_sink)
    if not found and alone and metric in _OF_TASKS and metric in names:
        return [metric]
    return found


def _is_of(name: str, is_one: Callable[[str], bool], metric: str) -> bool:
    operator, _, last = name.rpartition(".")
    # Flink writes dots of an operator's name as `_`: what has more is of a part of the operator.
    return last == metric and "." not in operator and is_one(operator)


def _is_source(operator: str) -> bool:
    return operator.startswith(_SOURCE)


def _is_sink(operator: str) -> bool:
    # Committers receive a record for each checkpoint.
    return operator.endswith(_WRITER) or (
        operator.startswith(_SINK) and not operator.endswith(_COMMITTER)
    )


def _figure(metric: Record) -> _Figure:
    total, mean = _number(metric, "sum"), _number(metric, "avg")
    return _Figure(
        least=_number(metric, "min"),
        greatest=_number(metric, "max"),
        total=total,
        subtasks=_quotient(total, mean) if total and mean else None,
    )


def _quotient(total: float, mean: float) -> int | None:
    quotient = total / mean
    return round(quotient) if math.isfinite(quotient) else None


def _number(metric: Record, name: str) -> float | None:
    """Read a figure; Java's NaN, which is no number of JSON, comes as a text."""
    return None if metric.reread().text(name) == "NaN" else metric.number(name)


def _sum(figures: Sequence[_Figure], parallelism: int) -> float | None:
    """Add up what all subtasks have; None when one of them has nothing yet."""
    if any(each.subtasks is not None and each.subtasks < parallelism for each in figures):
        return None
    return _all([each.total for each in figures])


def _pulse(counts: Iterable[_Figure], clocks: Iterable[_Figure]) -> tuple[float, ...]:
    """Return what has to move: a source that emits nothing is idle for longer and longer."""
    moving = [(each.least or 0.0, each.greatest or 0.0, each.total or 0.0) for each in clocks]
    if not any(greatest > 0 for _, greatest, _ in moving):
        return ()
    return (*(each.total or 0.0 for each in counts), *(value for each in moving for value in each))


def _counted(counts: Sequence[float | None], runs_for: float | None) -> float | None:
    """Add up counts; nothing is believed that may be of the time before a restart.

    A zero of a job that has just begun is one no longer a moment later.
    """
    if runs_for is None or runs_for < _COUNTED_AFTER:
        return None
    total = _all(counts)
    return None if total == 0 and runs_for < SETTLED_AFTER else total


def _all(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and value >= 0]
    total = sum(known)
    return total if known and len(known) == len(values) and math.isfinite(total) else None


def _least(milliseconds: Sequence[float | None]) -> float | None:
    known = [value for value in milliseconds if value is not None and value >= 0]
    return min(known) / 1000 if known and len(known) == len(milliseconds) else None


def _share(milliseconds: Iterable[float | None]) -> float | None:
    """Return the greatest number of milliseconds a second as a share of the time."""
    known = [value for value in milliseconds if value is not None]
    return min(1.0, max(0.0, max(known) / 1000)) if known else None
