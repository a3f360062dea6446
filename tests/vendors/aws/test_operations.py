"""What was done to an application tells what READY means."""

from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import Flaws
from exporter.model import State
from exporter.vendors.aws.operations import (
    History,
    history_of,
    parse_failure,
    parse_operations,
)


def _row(words: str, number: int) -> dict[str, Any]:
    name, outcome = words.split()
    return {
        "Operation": f"{name}Application",
        "OperationId": str(number),
        "StartTime": 1000.5 + number,
        "EndTime": 1001.5 + number,
        "OperationStatus": outcome,
    }


def _history(*words: str, whole: bool = True) -> History:
    rows = [_row(each, number) for number, each in enumerate(words)]
    page = parse_operations({"ApplicationOperationInfoList": rows}, Flaws())
    return history_of(page.operations, whole=whole and page.whole)


@pytest.mark.parametrize(
    ("words", "state"),
    [
        # The oldest first.
        ((), State.CREATED),
        (("Update SUCCESSFUL",), State.CREATED),
        (("Start SUCCESSFUL", "Stop SUCCESSFUL"), State.STOPPED),
        (("Start FAILED",), State.FAILED),
        (("Start SUCCESSFUL", "Stop SUCCESSFUL", "Start FAILED"), State.FAILED),
        (("Start FAILED", "Start SUCCESSFUL", "Stop SUCCESSFUL"), State.STOPPED),
        (("Start SUCCESSFUL", "Update FAILED"), State.FAILED),
        (("Start SUCCESSFUL", "Rollback FAILED"), State.FAILED),
        (("Start SUCCESSFUL", "Stop SUCCESSFUL", "Update SUCCESSFUL"), State.STOPPED),
        (("Start SUCCESSFUL", "Stop FAILED"), State.STOPPED),
        (("Start CANCELLED",), State.STOPPED),
        (("Start SUCCESSFUL",), State.STOPPED),
        (("Maintenance FAILED", "Other IN_PROGRESS"), State.CREATED),
    ],
)
def test_ready_is_what_was_done_last(words: tuple[str, ...], state: State) -> None:
    assert _history(*words).at_rest() is state


def test_nobody_calls_created_what_may_have_been_started_before() -> None:
    assert _history(whole=False).at_rest() is State.STOPPED
    rows = [{"Operation": "StartApplication"}]
    page = parse_operations({"ApplicationOperationInfoList": rows}, Flaws())
    assert not page.whole


@pytest.mark.parametrize(
    ("words", "rests"),
    [
        ((), True),
        (("Start SUCCESSFUL",), False),
        (("Start SUCCESSFUL", "Stop SUCCESSFUL", "Update IN_PROGRESS"), True),
        (("Start SUCCESSFUL", "Update IN_PROGRESS"), False),
        (("Start FAILED", "Update IN_PROGRESS"), True),
    ],
)
def test_what_rests_did_not_run_before_what_goes_on(words: tuple[str, ...], rests: bool) -> None:
    assert _history(*words).rests is rests


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), None),
        (("Start FAILED",), True),
        (("Start SUCCESSFUL", "Stop IN_PROGRESS"), False),
        (("Stop SUCCESSFUL", "Start IN_PROGRESS", "Update SUCCESSFUL"), True),
    ],
)
def test_what_is_wanted_is_what_was_told_last(
    words: tuple[str, ...], expected: bool | None
) -> None:
    assert _history(*words).expected_running is expected


def test_end_is_that_of_what_ended_it() -> None:
    assert _history("Start SUCCESSFUL", "Stop SUCCESSFUL").ended_at == 1002.5
    assert _history("Start SUCCESSFUL").ended_at is None
    assert _history().ended_at is None


@pytest.mark.parametrize("document", [{}, {"ApplicationOperationInfoList": {}}])
def test_answer_without_a_list_is_no_empty_one(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        parse_operations(document, Flaws())


def test_reason_is_read_and_bounded() -> None:
    details = {"OperationFailureDetails": {"ErrorInfo": {"ErrorString": "x" * 9000}}}
    assert parse_failure({"ApplicationOperationInfoDetails": details}, Flaws()) == "x" * 512
    assert parse_failure({"ApplicationOperationInfoDetails": {"Operation": "x"}}, Flaws()) == ""


@pytest.mark.parametrize("document", [{}, {"ApplicationOperationInfoDetails": []}, {"a": 1}])
def test_answer_about_no_operation_is_none(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        parse_failure(document, Flaws())
