"""Instances of Blink are read whole, and the latest of a name is its job."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.platforms.alibaba_blink import (
    Origin,
    latest_by_name,
    parse_instance,
    parse_instances,
    parse_summaries,
)
from tests.platforms.blink_projects import light, page, row

FIXTURES = Path(__file__).parents[1] / "fixtures" / "alibaba_blink"
ORIGIN = Origin(project="project1", job_type="FLINK_STREAM", observed=7.0)


def parse(value: dict[str, Any]) -> tuple[Job, Flaws]:
    flaws = Flaws()
    job = parse_instance(Record(value, "Instance", flaws), ORIGIN, flaws)
    assert job is not None
    return job, flaws


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("UNKNOWN", State.CREATED),
        ("WAITING", State.STARTING),
        ("RUNNING", State.RUNNING),
        ("running", State.RUNNING),
        ("FAILED", State.FAILED),
        ("TERMINATED", State.STOPPED),
        ("PAUSED", State.SUSPENDED),
        ("SUCCESS", State.FINISHED),
    ],
)
def test_every_documented_state_is_known(word: str, state: State) -> None:
    job, flaws = parse(light("a", word))
    assert (job.state, job.native_status, flaws.unknown_states) == (state, word, [])


def test_unknown_state_is_noted_and_its_word_kept() -> None:
    job, flaws = parse(light("a", "HIBERNATING"))
    assert (job.state, job.native_status) == (State.UNKNOWN, "HIBERNATING")
    assert flaws.unknown_states == ["HIBERNATING"]


def test_row_without_a_state_says_nothing_of_it() -> None:
    job, flaws = parse({"JobName": "a"})
    assert (job.state, job.native_status, flaws.unknown_states) == (State.UNKNOWN, "", [])


def test_the_vendors_example_is_read_whole() -> None:
    document = json.loads((FIXTURES / "seed_json" / "instance.json").read_text())
    job, flaws = parse(document["Instance"])
    assert flaws == Flaws()
    assert job == Job(
        project="project1",
        job_id="job1",
        job_name="job1",
        state=State.RUNNING,
        native_status="RUNNING",
        expected_state="RUNNING",
        expected_running=True,
        job_type="FLINK_STREAM",
        queue="root.project1",
        engine_version="blink-3.4.4",
        run_id="412536",
        start_timestamp=1599794335.0,
        updated_timestamp=1599794334.0,
        observed_timestamp=7.0,
    )


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (-99999999, None),
        ("-99999999", None),
        (-(2**63), None),
        (-250, -0.25),
        (0, 0.0),
        ("1500", 1.5),
        (None, None),
        ("", None),
    ],
)
def test_input_delay_is_seconds_and_the_sentinel_is_none(
    delay: object, seconds: float | None
) -> None:
    job, flaws = parse({**light("a"), "InputDelay": delay})
    assert (job.input_delay_seconds, flaws.unreadable) == (seconds, [])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("RUNNING", True),
        ("PAUSED", False),
        ("TERMINATED", False),
        ("SUCCESS", False),
        ("FAILED", False),
        ("DREAMING", None),
        (None, None),
    ],
)
def test_expected_state_tells_whether_the_job_should_run(
    word: str | None, expected: bool | None
) -> None:
    job, _ = parse({**light("a"), "ExpectState": word})
    assert (job.expected_running, job.expected_state) == (expected, word or "")


def test_error_text_is_kept_apart_from_its_class() -> None:
    message = "Caused by: java.lang.OutOfMemoryError: password=hunter2"
    job, _ = parse({**light("a"), "LastErrorMessage": message, "LastErrorTime": 1599794335000})
    assert (job.error_type, job.error_id) == ("java.lang.OutOfMemoryError", "")
    assert (job.error_text, job.last_error_timestamp) == (message, 1599794335.0)


def test_code_properties_plan_and_packages_are_not_kept() -> None:
    secrets = dict.fromkeys(("Code", "Properties", "PlanJson", "Packages"), "hunter2")
    job, _ = parse({**light("a"), **secrets})
    assert all("hunter2" not in str(value) for value in job)


@pytest.mark.parametrize("name", [None, "", ".", "..", 3.5])
def test_row_without_a_usable_name_is_noted_and_left_out(name: object) -> None:
    flaws = Flaws()
    found = parse_instances(page({**light("a"), "JobName": name}, light("b")), ORIGIN, flaws)
    assert [job.job_name for _, job in found.rows] == ["b"]
    assert (found.unreadable, bool(flaws.unreadable)) == (1, True)


@pytest.mark.parametrize("document", [{}, {"Instances": None}, {"TotalCount": 3}, {"Code": "a"}])
def test_answer_without_instances_is_no_empty_project(document: dict[str, Any]) -> None:
    with pytest.raises(FetchError) as caught:
        parse_instances(document, ORIGIN, Flaws())
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_missing_list_with_a_total_of_none_is_an_empty_project() -> None:
    assert parse_instances({"TotalCount": "0"}, ORIGIN, Flaws()).rows == ()


def test_answer_without_summaries_is_no_empty_one() -> None:
    with pytest.raises(FetchError):
        parse_summaries({}, ORIGIN, Flaws())
    assert parse_summaries({"RequestId": "1"}, ORIGIN, Flaws()).rows == ()


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (row("a", 9, StartTime=1000), row("a", 8, StartTime=2000)),
        (row("a", 9, StartTime=1000), row("a", 10, StartTime=1000)),
        (row("a", 9, StartTime=1000), row("a", 8, "WAITING")),
        (row("a", 9, "WAITING"), row("a", 10, "WAITING")),
        ({**light("a"), "Id": "x"}, {**light("a"), "Id": 1}),
    ],
)
def test_latest_instance_of_a_name_wins_in_any_order(
    older: dict[str, Any], newer: dict[str, Any]
) -> None:
    first, second = parse(older)[0], parse(newer)[0]
    assert latest_by_name([first, second]) == (second,)
    assert latest_by_name([second, first]) == (second,)
