"""Figures mean what the vendor says, in both generations of names."""

import pytest

from exporter.model import State
from exporter.vendors.aws.figures import (
    FIGURES_OF_A_GROUP,
    Figures,
    Group,
    Point,
    queries_of,
    read_figures,
)

AT = 1_700_000_040.0
STREAM = (("Application", "a"), ("Id", "1"))


def _read(**values: float) -> Figures:
    return read_figures({name: [Point(at=AT, value=value)] for name, value in values.items()})


def _metrics(runtime: str, *groups: Group) -> list[str]:
    return [query.metric for query in queries_of("a", runtime, groups, ())]


@pytest.mark.parametrize("runtime", ["FLINK-1_6", "FLINK-1_20", "flink-1_99"])
def test_first_generation_is_asked_by_the_old_names(runtime: str) -> None:
    assert _metrics(runtime, Group.RESTARTS) == ["fullRestarts", "downtime", "uptime"]


@pytest.mark.parametrize("runtime", ["FLINK-2_2", "FLINK-2_3", "FLINK-3_0", "FLINK-10_1"])
def test_later_generations_are_asked_by_the_new_names(runtime: str) -> None:
    assert _metrics(runtime, Group.RESTARTS) == ["numRestarts", "restartingTime", "failingTime"]


@pytest.mark.parametrize("runtime", ["", "FLINK-1X", "NEXT-1_0"])
def test_runtime_that_nobody_knows_is_asked_by_both(runtime: str) -> None:
    assert len(_metrics(runtime, Group.RESTARTS)) == 6


@pytest.mark.parametrize("runtime", ["FLINK-1_20", "FLINK-2_2"])
@pytest.mark.parametrize("group", Group)
def test_each_generation_costs_what_is_foretold(runtime: str, group: Group) -> None:
    assert len(_metrics(runtime, group)) == FIGURES_OF_A_GROUP[group]


def test_streams_are_asked_for_in_place_of_the_event_time_and_not_without_end() -> None:
    queries = list(queries_of("a", "", [Group.INPUT_DELAY], [STREAM] * 50))
    assert {query.metric for query in queries} == {"millisBehindLatest"}
    assert {query.dimensions for query in queries} == {STREAM}
    assert len(queries) == 20
    assert _metrics("", Group.INPUT_DELAY) == ["currentOutputWatermark"]


@pytest.mark.parametrize(
    ("values", "state", "word"),
    [
        ({"downtime": 0, "uptime": 5}, State.RUNNING, "RUNNING"),
        ({"downtime": 5000}, State.RESTARTING, "RESTARTING"),
        ({"restartingTime": 5000, "failingTime": 0}, State.RESTARTING, "RESTARTING"),
        ({"restartingTime": 0, "failingTime": 5000}, State.RESTARTING, "FAILING"),
        ({"restartingTime": 0, "failingTime": 0}, State.RUNNING, "RUNNING"),
        # The job has ended; what becomes of it is for the status to say.
        ({"downtime": -1, "uptime": -1}, None, ""),
        ({"restartingTime": -1, "failingTime": -1}, None, ""),
        ({"uptime": 5}, None, ""),
        ({}, None, ""),
    ],
)
def test_state_is_that_of_the_times(
    values: dict[str, float], state: State | None, word: str
) -> None:
    found = _read(**values)
    assert (found.state, found.word) == (state, word)


def test_state_is_dated_by_how_long_it_has_lasted() -> None:
    assert _read(downtime=20_000).since == AT + 60 - 20
    assert _read(downtime=0, uptime=3_600_000).since == AT + 60 - 3600
    assert _read(restartingTime=0).since is None


def test_newest_point_counts() -> None:
    points = [Point(at=AT - 60, value=9), Point(at=AT, value=2), Point(at=AT - 120, value=5)]
    assert read_figures({"fullRestarts": points}).restarts == 2


@pytest.mark.parametrize(
    ("values", "restarts"),
    [
        ({"fullRestarts": 3}, 3),
        ({"numRestarts": 4}, 4),
        ({"fullRestarts": -1}, None),
        ({"numRestarts": 1e300}, None),
        ({}, None),
    ],
)
def test_restarts_are_a_count_or_unknown(values: dict[str, float], restarts: int | None) -> None:
    assert _read(**values).restarts == restarts


def test_delay_is_that_of_the_stream_that_is_behind_the_most() -> None:
    points = [Point(at=AT, value=each) for each in (1500.0, 65_000.0, -1.0)]
    assert read_figures({"millisBehindLatest": points}).input_delay == 65.0
    assert _read(millisBehindLatest=-1).input_delay is None


def test_delay_is_else_how_old_the_event_time_is() -> None:
    assert _read(currentOutputWatermark=(AT + 60 - 20) * 1000).input_delay == 20.0
    assert _read(currentOutputWatermark=(AT + 90) * 1000).input_delay == 0.0
    assert _read(currentOutputWatermark=-(2.0**63)).input_delay is None
    # Records are no time.
    assert _read(records_lag_max=99).input_delay is None


def test_failed_checkpoints_are_told_where_it_is_known_whether_any_was_completed() -> None:
    assert _read(numberOfFailedCheckpoints=3).checkpoints_failed is None
    none = _read(numberOfFailedCheckpoints=3, lastCheckpointDuration=-1)
    assert (none.checkpoints_failed, none.checkpoint_seconds) == (3, None)
    some = _read(numberOfFailedCheckpoints=3, lastCheckpointDuration=1500, lastCheckpointSize=7)
    assert (some.checkpoint_seconds, some.checkpoint_bytes) == (1.5, 7.0)
