"""The last failure of a job is told by its events, of which few are asked for."""

from typing import Any

import pytest

from exporter.errors import UnreadableError
from exporter.fields import Flaws
from exporter.model import Job, State
from exporter.vendors.tencent.events import parse_failure, question
from tests.vendors.tencent.rows import NOW

JOB = Job(
    project="space-1",
    job_id="cql-1",
    job_name="orders",
    state=State.FAILED,
    native_status="-1",
    observed_timestamp=NOW,
)


def event(seconds: float, message: str, kind: object = "21", **fields: Any) -> dict[str, Any]:
    return {"Type": kind, "Message": message, "Timestamp": NOW - seconds, **fields}


def read(*events: Any) -> Job:
    return parse_failure({"Events": list(events)}, JOB, Flaws())


def test_question_is_bounded_in_time_and_number() -> None:
    """The vendor's example has 21,371 events of one job."""
    asked = question(JOB, NOW)
    assert asked["StartTimestamp"] == NOW - 7 * 86400
    assert (asked["EndTimestamp"], asked["Limit"], asked["Types"]) == (NOW + 1, 20, ["21"])
    assert (asked["JobId"], asked["WorkSpaceId"]) == ("cql-1", "space-1")


def test_newest_failure_is_the_last_one_in_whatever_order() -> None:
    found = read(
        event(500, "older: java.lang.IllegalStateException: a"),
        event(100, "异常信息: java.io.IOException: b"),
        event(50, "stopped", kind="11"),
    )
    assert (found.error_type, found.last_error_timestamp) == ("java.io.IOException", NOW - 100)
    assert found.error_text.endswith("java.io.IOException: b")


def test_type_of_an_event_is_a_text_or_a_number() -> None:
    assert read(event(1, "x", kind=21)).error_text == "x"


def test_failure_without_a_message_is_told_by_its_description() -> None:
    assert read(event(1, "", Description="作业失败")).error_text == "作业失败"
    assert read(event(1, "")).last_error_timestamp == NOW - 1


def test_job_without_failures_stays_as_it_is() -> None:
    assert read() == read(event(1, "x", kind="11")) == JOB
    assert parse_failure({"Events": None}, JOB, Flaws()) == JOB


def test_what_is_no_list_of_events_is_refused() -> None:
    with pytest.raises(UnreadableError):
        parse_failure({"Events": {}}, JOB, Flaws())
