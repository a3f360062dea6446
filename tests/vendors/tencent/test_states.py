"""Status 3 is resolved by what is told, by what was, or by what is in use; never as failed."""

import pytest

from exporter.model import State
from exporter.vendors.tencent.states import named_operation, operating
from tests.vendors.tencent.rows import Remembering, row


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("启动中", State.STARTING),
        ("恢复中", State.STARTING),
        ("Starting", State.STARTING),
        ("RESUMING", State.STARTING),
        ("deploying", State.STARTING),
        ("creating", State.STARTING),
        ("停止中", State.STOPPING),
        ("暂停中", State.STOPPING),
        ("stopping", State.STOPPING),
        ("Pausing", State.STOPPING),
        ("cancelling", State.STOPPING),
        ("重启中", State.RESTARTING),
        ("更新中", State.RESTARTING),
        ("restarting", State.RESTARTING),
        ("操作中", None),
        ("", None),
    ],
)
def test_operation_is_known_by_its_name(text: str, state: State | None) -> None:
    assert named_operation(text) is state


def test_first_text_that_names_an_operation_wins() -> None:
    assert named_operation("操作中", "stopping") is State.STOPPING
    assert named_operation("启动中", "stopping") is State.STARTING


@pytest.mark.parametrize(
    ("before", "units", "state"),
    [
        (State.CREATED, 1.0, State.STARTING),
        (State.STOPPED, 1.0, State.STARTING),
        (State.SUSPENDED, 1.0, State.STARTING),
        (State.FAILED, 1.0, State.STARTING),
        (State.RUNNING, 0.0, State.STOPPING),
        (None, 2.5, State.STOPPING),
        (None, 0.0, State.STARTING),
        (None, None, State.UNKNOWN),
    ],
)
def test_operation_without_a_name_follows_from_what_was(
    before: State | None, units: float | None, state: State
) -> None:
    assert operating(before, units) is state


@pytest.mark.parametrize(
    ("before", "state"),
    [(2, "starting"), (4, "stopping"), (5, "starting"), (6, "starting"), (-1, "starting")],
)
def test_state_before_the_operation_is_remembered(before: int, state: str) -> None:
    told = Remembering()
    told.see(row(before))
    assert told.see(row(3, RunningCu=1)).state == state
    assert told.see(row(3, RunningCu=0)).state == state


def test_operation_stays_what_it_was_taken_for() -> None:
    """The units of a job that starts grow; only its name can tell better."""
    told = Remembering()
    assert told.see(row(3, RunningCu=0)).state == "starting"
    assert told.see(row(3, RunningCu=2)).state == "starting"
    assert told.see(row(3, RunningCu=2, ProgressDesc="停止中")).state == "stopping"
    assert told.see(row(3, RunningCu=2, ProgressDesc="")).state == "stopping"


def test_operation_that_is_over_says_nothing_of_the_next_one() -> None:
    told = Remembering()
    assert told.see(row(3, ProgressDesc="停止中")).state == "stopping"
    assert told.see(row(5)).state == "stopped"
    assert told.see(row(3, RunningCu=1)).state == "starting"


def test_number_that_nobody_knows_does_not_hide_what_was_before() -> None:
    told = Remembering()
    told.see(row(4))
    assert told.see(row(9)).state == "unknown"
    assert told.see(row(3)).state == "stopping"
