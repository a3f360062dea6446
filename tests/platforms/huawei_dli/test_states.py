"""Words of DLI for states become states, and unknown words stay words."""

import pytest

from exporter.fields import Flaws
from exporter.model import State
from exporter.platforms.huawei_dli import (
    add_plan,
    parse_plan,
)
from exporter.vendors.dli_states import STATES
from tests.platforms.huawei_dli.answers import ROW, STATUSES, parse_row, plan


def test_statuses_are_exactly_the_documented_ones() -> None:
    assert {*STATES} == {*STATUSES}


@pytest.mark.parametrize("status", STATUSES)
def test_status_is_understood_in_any_case(status: str) -> None:
    row, flaws = parse_row(status=status.upper())
    assert row.state is STATES[status]
    assert row.native_status == status.upper()
    assert flaws.unknown_states == []


def test_unknown_status_keeps_its_word_and_is_noted() -> None:
    row, flaws = parse_row(status="job_hibernating")
    assert (row.state, row.native_status) == (State.UNKNOWN, "job_hibernating")
    assert flaws.unknown_states == ["job_hibernating"]


def test_missing_status_says_nothing_of_the_state() -> None:
    row, flaws = parse_row(status=None)
    assert (row.state, row.native_status) == (State.UNKNOWN, "")
    assert flaws == Flaws()


def test_job_whose_stopping_failed_is_stuck_and_not_failed() -> None:
    assert parse_row(status="job_cancel_fail")[0].state is State.STOPPING


def test_plan_does_not_change_the_start_that_dli_gives() -> None:
    started = ROW._replace(start_timestamp=1.5)
    graph = parse_plan(plan(**{"start-time": 2500}), Flaws())
    assert add_plan(started, graph).start_timestamp == 1.5


def test_plan_dates_only_a_state_that_it_decides() -> None:
    graph = parse_plan(plan(timestamps={"RUNNING": 2500}), Flaws())
    running, stopping = (ROW._replace(state=each) for each in (State.RUNNING, State.STOPPING))
    assert add_plan(running, graph).state_since_timestamp == 2.5
    assert add_plan(stopping, graph).state_since_timestamp is None


def test_plan_does_not_decide_the_state_here() -> None:
    running = ROW._replace(state=State.RUNNING)
    job = add_plan(running, parse_plan(plan(state="FAILING"), Flaws()))
    assert (job.state, job.finer_state) == (State.RUNNING, State.RESTARTING)
