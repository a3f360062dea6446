"""What two observations of one job are worth together."""

from typing import Any

import pytest

from exporter.collecting.merging import FLOW, finish, lasting, measures, merge, tells_flow
from exporter.model import State
from tests.jobs import job
from tests.virtual_time import EPOCH


def test_newer_word_wins_whatever_the_order() -> None:
    older = job(state=State.RUNNING)
    newer = job(state=State.FAILED, observed_timestamp=EPOCH + 1)
    assert merge(older, newer).state is State.FAILED
    assert merge(newer, older).state is State.FAILED


def test_facts_the_newer_observation_leaves_out_are_kept() -> None:
    details = job(queue="q", parallelism=3, restart_times=2, created_timestamp=5.0)
    row = job(observed_timestamp=EPOCH + 30)
    merged = merge(row, details)
    assert (merged.queue, merged.parallelism, merged.restart_times) == ("q", 3, 2)
    assert merged.created_timestamp == 5.0
    assert merged.observed_timestamp == EPOCH + 30


def test_restart_count_of_zero_is_a_fact_and_not_unknown() -> None:
    assert (
        merge(
            job(restart_times=7), job(restart_times=0, observed_timestamp=EPOCH + 1)
        ).restart_times
        == 0
    )


def test_what_is_bound_to_the_state_goes_with_it() -> None:
    details = job(
        input_delay_seconds=3.0,
        graph_state="RUNNING",
        finer_state=State.RUNNING,
        state_since_timestamp=1.0,
        tasks=(("running", 2),),
    )
    row = job(state=State.FAILED, observed_timestamp=EPOCH + 30)
    merged = merge(details, row)
    assert merged.input_delay_seconds is None
    assert merged.graph_state == ""
    assert merged.finer_state is None
    assert merged.state_since_timestamp is None
    assert merged.tasks == ()


def test_what_is_bound_to_the_state_stays_while_the_word_stays() -> None:
    details = job(input_delay_seconds=3.0, finer_state=State.RESTARTING, graph_state="RESTARTING")
    merged = merge(details, job(observed_timestamp=EPOCH + 30))
    assert merged.input_delay_seconds == 3.0
    assert finish(merged).state is State.RESTARTING


@pytest.mark.parametrize(
    ("one", "other"),
    [({"run_id": "a"}, {"run_id": "b"}), ({"start_timestamp": 1.0}, {"start_timestamp": 2.0})],
)
def test_new_run_owes_nothing_to_the_last_one(one: dict[str, Any], other: dict[str, Any]) -> None:
    details = job(restart_times=9, error_type="X", last_error_timestamp=4.0, **one)
    row = job(observed_timestamp=EPOCH + 30, **other)
    assert merge(details, row) == row


def test_run_that_ended_once_more_owes_nothing_to_the_last_one_though_nothing_names_either() -> (
    None
):
    failed = job(state=State.FAILED, start_timestamp=1.0, end_timestamp=9.0, error_type="X")
    again = job(state=State.FAILED, end_timestamp=60.0, observed_timestamp=EPOCH + 30)
    assert merge(failed, again) == again


def test_run_that_begins_after_the_end_of_one_without_a_start_is_another() -> None:
    failed = job(state=State.FAILED, end_timestamp=9.0, error_type="X")
    stopping = job(state=State.STOPPING, start_timestamp=9.5, observed_timestamp=EPOCH + 30)
    assert merge(failed, stopping) == stopping
    began_before = job(state=State.STOPPING, start_timestamp=3.0, observed_timestamp=EPOCH + 30)
    assert merge(failed, began_before).error_type == "X"


def test_run_that_failed_after_one_without_a_start_owes_it_nothing() -> None:
    failed = job(state=State.FAILED, duration_seconds=0.0, error_type="X")
    again = job(state=State.FAILED, start_timestamp=EPOCH + 7, observed_timestamp=EPOCH + 30)
    assert merge(failed, again) == again
    same = job(state=State.FAILED, start_timestamp=EPOCH - 7, observed_timestamp=EPOCH + 30)
    assert merge(failed, same).duration_seconds == 0.0
    # By the clock of its platform a run may have begun after it was seen to run.
    running, later = (
        each._replace(state=State.RUNNING, native_status="RUNNING") for each in (failed, again)
    )
    assert merge(running, later).error_type == "X"


def test_end_that_is_told_a_moment_apart_is_the_same_one() -> None:
    failed = job(state=State.FAILED, start_timestamp=1.0, end_timestamp=9.4, error_type="X")
    row = job(state=State.FAILED, end_timestamp=10.0, observed_timestamp=EPOCH + 30)
    merged = merge(failed, row)
    assert (merged.start_timestamp, merged.error_type) == (1.0, "X")


@pytest.mark.parametrize("ended", [State.FAILED, State.STOPPED, State.FINISHED])
@pytest.mark.parametrize("begun", [State.STARTING, State.RUNNING, State.RESTARTING])
def test_ended_run_leaves_nothing_to_the_next_though_nothing_names_either(
    ended: State, begun: State
) -> None:
    details = job(state=ended, restart_times=9, error_type="X", start_timestamp=4.0)
    row = job(state=begun, observed_timestamp=EPOCH + 30)
    assert merge(details, row) == row


def test_draft_owes_nothing_to_the_job_that_had_its_name() -> None:
    details = job(restart_times=9, start_timestamp=4.0)
    row = job(state=State.CREATED, observed_timestamp=EPOCH + 30)
    assert merge(details, row) == row


@pytest.mark.parametrize("named", [{"run_id": "a"}, {"start_timestamp": 4.0}])
@pytest.mark.parametrize("later", [State.STOPPING, State.RUNNING])
def test_failed_run_that_names_itself_is_the_same_run_still(
    named: dict[str, Any], later: State
) -> None:
    details = job(state=State.FAILED, restart_times=9, **named)
    row = job(state=later, observed_timestamp=EPOCH + 30, **named)
    assert merge(details, row).restart_times == 9


def test_failed_run_that_is_being_stopped_is_the_same_run_still() -> None:
    details = job(state=State.FAILED, restart_times=9)
    row = job(state=State.STOPPING, observed_timestamp=EPOCH + 30)
    assert merge(details, row).restart_times == 9


def test_change_of_the_record_before_the_end_does_not_date_the_end() -> None:
    details = job(updated_timestamp=5.0)
    row = job(state=State.FINISHED, observed_timestamp=EPOCH + 30)
    assert merge(details, row).updated_timestamp is None


def test_lasting_facts_are_all_but_what_holds_for_a_moment() -> None:
    details = job(
        restart_times=2,
        queue="q",
        finer_state=State.RESTARTING,
        graph_state="RESTARTING",
        input_delay_seconds=0.0,
        read_records=12.0,
        tasks=(("running", 2),),
    )
    assert measures(details)
    assert lasting(details) == job(restart_times=2, queue="q")
    assert not measures(lasting(details))


@pytest.mark.parametrize("name", FLOW)
def test_what_goes_through_a_job_goes_with_its_state(name: str) -> None:
    facts: dict[str, Any] = {name: 1.0}
    details = job(checkpoints_completed=3, **facts)
    assert tells_flow(details)
    assert measures(details)
    assert not tells_flow(lasting(details))
    merged = merge(details, job(state=State.RESTARTING, observed_timestamp=EPOCH + 30))
    assert getattr(merged, name) is None
    assert merged.checkpoints_completed == 3
    same = merge(details, job(observed_timestamp=EPOCH + 30))
    assert getattr(same, name) == 1.0


def test_run_id_decides_when_start_times_differ_by_a_little() -> None:
    details = job(run_id="a", start_timestamp=1.0, restart_times=9)
    row = job(run_id="a", start_timestamp=1.001, observed_timestamp=EPOCH + 30)
    assert merge(details, row).restart_times == 9


def test_row_silent_about_the_state_leaves_it_and_its_age_alone() -> None:
    details = job(state=State.FAILED)
    row = job(state=State.UNKNOWN, native_status="", queue="q", observed_timestamp=EPOCH + 30)
    merged = merge(details, row)
    assert merged.state is State.FAILED
    assert merged.queue == "q"
    assert merged.observed_timestamp == EPOCH


def test_running_duration_of_some_time_ago_is_counted_anew() -> None:
    details = job(duration_seconds=10.0, start_timestamp=EPOCH - 10)
    merged = finish(merge(details, job(observed_timestamp=EPOCH + 30)))
    assert merged.duration_seconds == 40.0


def test_duration_of_an_ended_run_is_kept() -> None:
    details = job(state=State.FINISHED, duration_seconds=10.0)
    row = job(state=State.FINISHED, observed_timestamp=EPOCH + 30)
    assert merge(details, row).duration_seconds == 10.0


@pytest.mark.parametrize(
    ("state", "finer", "expected"),
    [
        (State.RUNNING, State.RESTARTING, State.RESTARTING),
        (State.RUNNING, State.FAILED, State.FAILED),
        (State.RUNNING, State.UNKNOWN, State.RUNNING),
        (State.RUNNING, None, State.RUNNING),
        (State.STOPPING, State.RUNNING, State.STOPPING),
        (State.FAILED, State.RUNNING, State.FAILED),
        (State.STOPPED, State.FAILED, State.STOPPED),
    ],
)
def test_finer_view_wins_only_while_the_platform_says_running(
    state: State, finer: State | None, expected: State
) -> None:
    assert finish(job(state=state, finer_state=finer)).state is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"start_timestamp": EPOCH - 60}, 60.0),
        ({"start_timestamp": EPOCH + 5}, 0.0),
        ({"start_timestamp": EPOCH - 60, "duration_seconds": 7.0}, 7.0),
        ({"state": State.STOPPED, "start_timestamp": 10.0, "end_timestamp": 25.0}, 15.0),
        ({"state": State.STOPPED, "start_timestamp": 10.0}, None),
        ({"state": State.CREATED, "start_timestamp": 10.0}, None),
        ({}, None),
    ],
)
def test_duration_is_worked_out_where_none_is_given(
    facts: dict[str, Any], expected: float | None
) -> None:
    assert finish(job(**facts)).duration_seconds == expected
