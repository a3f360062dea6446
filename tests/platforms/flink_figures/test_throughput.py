"""Records, backlog and pressure are those of the operators that read and write, or unknown."""

from typing import Any

import pytest

from exporter.fields import Flaws
from exporter.vendors.flink.delay import Vertex
from exporter.vendors.flink.throughput import (
    VertexFlow,
    busy_figures,
    figure_names,
    flow_names,
    parse_vertex_flow,
    read_figures,
    written_figures,
)
from tests.platforms.flink_job_manager import figure

DAY = 86400.0


def vertex(*, source: bool = False, sink: bool = False, parallelism: int = 2) -> Vertex:
    """Return a vertex of these roles."""
    return Vertex(
        vertex_id="a", parallelism=parallelism, is_source=source, is_sink=sink, readers=()
    )


SOURCE = vertex(source=True)
SINK = vertex(sink=True)
BOTH = vertex(source=True, sink=True)
NAMES = (
    *("numRecordsIn", "numRecordsInPerSecond", "numRecordsOut", "numRecordsOutPerSecond"),
    *("Source__in.numRecordsOut", "Source__in.numRecordsOutPerSecond", "Source__in.numRecordsIn"),
    *("Source__in.pendingRecords", "Source__in.sourceIdleTime", "Source__in.watermarkLag"),
    *("Map.numRecordsOut", "Map.numRecordsIn", "Source__in.KafkaSourceReader.numRecordsOut"),
    *("out__Writer.numRecordsIn", "out__Writer.numRecordsInPerSecond", "out__Writer.numRecordsOut"),
    *("Sink__old.numRecordsIn", "Sink__Committer.numRecordsIn", "out__Committer.numRecordsIn"),
    *("backPressuredTimeMsPerSecond", "busyTimeMsPerSecond", "idleTimeMsPerSecond"),
)


def test_figures_of_sources_are_asked_for() -> None:
    assert flow_names(NAMES, SOURCE, busy=False) == (
        *("Source__in.numRecordsOut", "Source__in.numRecordsOutPerSecond"),
        *("Source__in.pendingRecords", "Source__in.sourceIdleTime", "Source__in.watermarkLag"),
        "backPressuredTimeMsPerSecond",
    )


def test_figures_of_sinks_are_asked_for_and_not_those_of_committers() -> None:
    assert flow_names(NAMES, SINK, busy=False) == (
        *("out__Writer.numRecordsIn", "Sink__old.numRecordsIn"),
        "out__Writer.numRecordsInPerSecond",
    )


def test_busy_time_is_asked_for_where_it_is_wanted() -> None:
    assert flow_names(NAMES, vertex(), busy=True) == ("busyTimeMsPerSecond",)
    assert flow_names(["numRecordsIn"], vertex(), busy=True) == ()


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (SOURCE, ("numRecordsOut", "numRecordsOutPerSecond")),
        (SINK, ("numRecordsIn", "numRecordsInPerSecond")),
        # Where all is one vertex it exchanges nothing, and counts zeros.
        (BOTH, ()),
    ],
)
def test_exchanges_of_a_vertex_serve_where_its_operators_tell_nothing(
    role: Vertex, names: tuple[str, ...]
) -> None:
    known = [name for name in NAMES if "." not in name and "Time" not in name]
    assert flow_names(known, role, busy=False) == names


def flow(role: Vertex, *metrics: dict[str, Any]) -> VertexFlow:
    """Return what a vertex tells, of which nothing may be amiss."""
    flaws = Flaws()
    found = parse_vertex_flow([list(metrics)], role, flaws)
    assert flaws == Flaws()
    return found


def test_counts_are_those_of_sources_and_sinks_however_they_are_chained() -> None:
    """A vertex of both exchanges nothing, and what a filter lets through is less than was read."""
    found = flow(
        BOTH,
        figure("numRecordsOut", 0.0),
        figure("numRecordsIn", 0.0),
        figure("Source__in.numRecordsOut", 18000.0),
        figure("Source__in.numRecordsOutPerSecond", 50.0),
        figure("out__Writer.numRecordsIn", 3525.0),
        figure("out__Writer.numRecordsInPerSecond", 9.0),
    )
    assert (found.read, found.written) == (18000.0, 3525.0)
    assert (found.read_rate, found.written_rate) == (50.0, 9.0)


def test_several_sources_in_a_vertex_are_added_up() -> None:
    found = flow(
        SOURCE,
        figure("Source__a.numRecordsOut", 10.0),
        figure("Source__b.numRecordsOut", 30.0),
        figure("Source__a.sourceIdleTime", None, min=500.0, max=9000.0),
        figure("Source__b.sourceIdleTime", None, min=200.0, max=800.0),
    )
    assert (found.read, found.idle, found.pending) == (40.0, 200.0, None)


def test_half_of_the_subtasks_are_not_the_vertex() -> None:
    """Just after a restart the JobManager has gathered the figures of some only."""
    found = flow(SOURCE, figure("Source__in.numRecordsOut", 10.0, subtasks=1))
    assert found.read is None
    one = flow(
        vertex(source=True, parallelism=1), figure("Source__in.numRecordsOut", 10.0, subtasks=1)
    )
    assert one.read == 10.0


def test_gauges_that_are_not_a_number_are_unknown() -> None:
    """Sources of old do not measure how busy they are; Java's NaN comes as a text."""
    found = flow(
        SOURCE,
        figure("busyTimeMsPerSecond", "NaN"),
        figure("backPressuredTimeMsPerSecond", None, min=0.0, max=400.0),
    )
    assert (found.busy, found.back_pressured) == (None, 400.0)


def test_figure_that_cannot_be_read_is_told() -> None:
    flaws = Flaws()
    parse_vertex_flow([[figure("Source__in.numRecordsOut", "many")]], SOURCE, flaws)
    assert flaws.unreadable_count > 0


def test_vertex_of_more_operators_than_anybody_builds_tells_nothing() -> None:
    names = [f"Source__{number}.numRecordsOut" for number in range(101)]
    assert flow_names(names[:100], SOURCE, busy=False) == tuple(names[:100])
    assert flow_names(names, SOURCE, busy=False) == ()


def test_numbers_beyond_all_others_are_unknown() -> None:
    great = [figure(f"Source__{number}.numRecordsOut", 1.5e308) for number in range(2)]
    assert flow(SOURCE, *great).read is None
    odd = figure("Source__in.numRecordsOut", None, sum=1.5e308, avg=5e-324)
    assert flow(SOURCE, odd).read == 1.5e308
    assert flow(SOURCE, figure("Source__in.numRecordsOut", -2.0)).read is None


def test_pulse_is_what_cannot_stand_still() -> None:
    """Of a source that is busy, and has no watermark, everything can."""
    out = figure("Source__in.numRecordsOut", 10.0)
    busy = flow(SOURCE, out, figure("Source__in.sourceIdleTime", 0.0))
    assert busy.pulse == ()
    idle = flow(SOURCE, out, figure("Source__in.sourceIdleTime", 7000.0))
    assert idle.pulse == (10.0, 3500.0, 3500.0, 7000.0)
    dated = flow(SOURCE, out, figure("Source__in.watermarkLag", 240_000.0))
    assert dated.pulse == (10.0, 120_000.0, 120_000.0, 240_000.0)


FULL = VertexFlow(
    read=100.0,
    read_rate=5.0,
    written=50.0,
    written_rate=2.5,
    pending=7.0,
    idle=3000.0,
    back_pressured=250.0,
    busy=990.0,
)


def test_figures_of_a_job_are_those_of_all_its_sources() -> None:
    other = VertexFlow(read=1.0, read_rate=1.0, pending=0.0, idle=1000.0, back_pressured=1200.0)
    assert read_figures([FULL, other], DAY) == {
        "read_records": 101.0,
        "read_records_per_second": 6.0,
        "pending_records": 7.0,
        "source_idle_seconds": 1.0,
        "backpressured_ratio": 1.0,
    }
    assert written_figures([FULL, FULL], DAY) == {
        "written_records": 100.0,
        "written_records_per_second": 5.0,
    }
    assert busy_figures([FULL, other], DAY) == {"busy_ratio": 0.99}


def test_source_that_tells_nothing_leaves_the_job_unknown() -> None:
    """Half a backlog looks like a small one."""
    assert set(read_figures([FULL, VertexFlow()], DAY).values()) == {None}
    assert set(read_figures([], DAY).values()) == {None}
    assert set(written_figures([FULL, VertexFlow()], DAY).values()) == {None}
    assert busy_figures([VertexFlow()], DAY) == {"busy_ratio": None}


@pytest.mark.parametrize(
    ("runs_for", "count", "zero", "mean"),
    [
        (None, None, None, None),
        (14.0, None, None, None),
        (16.0, 100.0, None, None),
        (59.0, 100.0, None, None),
        (60.0, 100.0, 0.0, 5.0),
    ],
)
def test_job_that_has_just_begun_tells_no_zero_and_no_mean(
    runs_for: float | None, count: float | None, zero: float | None, mean: float | None
) -> None:
    """A count may be of the time before its restart; a mean over a minute is too small."""
    assert read_figures([FULL], runs_for)["read_records"] == count
    assert read_figures([VertexFlow(read=0.0)], runs_for)["read_records"] == zero
    found = read_figures([FULL], runs_for)
    assert found["read_records_per_second"] == mean
    assert (found["pending_records"] is None) == (mean is None)
    assert (found["backpressured_ratio"] is None) == (mean is None)
    assert (busy_figures([FULL], runs_for)["busy_ratio"] is None) == (mean is None)
    assert (written_figures([FULL], runs_for)["written_records_per_second"] is None) == (
        mean is None
    )


def test_names_of_the_figures() -> None:
    assert len(figure_names(throughput=True, busy=False)) == 7
    assert figure_names(throughput=False, busy=True) == ("busy_ratio",)
