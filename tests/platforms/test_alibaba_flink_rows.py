"""Deployments and their runs are read whole, and what cannot be read is noted."""

from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.vendors.ververica import (
    DeploymentRow,
    parse_deployment,
    parse_deployments,
    parse_latest_run,
    parse_run,
)
from tests.platforms.alibaba_deployments import ROW, a_run, deployment, envelope


def parse(value: object) -> tuple[DeploymentRow, Flaws]:
    flaws = Flaws()
    row = parse_deployment(Record(value, "data", flaws), "default", 7.0, flaws)
    assert row is not None
    return row, flaws


def parse_one_run(value: dict[str, Any]) -> tuple[Job, Flaws]:
    flaws = Flaws()
    return parse_run(Record(value, "data", flaws), ROW, 7.0, flaws), flaws


@pytest.mark.parametrize(
    ("counts", "word", "state"),
    [
        ({"running": 1, "failed": 6, "cancelled": 5}, "RUNNING", State.RUNNING),
        ({"starting": 1, "failed": 6}, "STARTING", State.STARTING),
        ({"cancelling": 1, "running": 0}, "CANCELLING", State.STOPPING),
        ({"failed": 6}, "FAILED", State.FAILED),
        ({"cancelled": "2", "failed": None}, "CANCELLED", State.STOPPED),
        ({"finished": 1}, "FINISHED", State.FINISHED),
        ({"running": 0, "failed": 0}, "NO_JOB", State.CREATED),
        ({"failed": 6, "cancelled": 5}, "", State.UNKNOWN),
        ({}, "", State.UNKNOWN),
        (None, "", State.UNKNOWN),
    ],
)
def test_counts_of_runs_tell_the_state_only_where_they_leave_no_doubt(
    counts: object, word: str, state: State
) -> None:
    row, flaws = parse({"deploymentId": "d-1", "jobSummary": counts})
    assert (row.job.native_status, row.job.state) == (word, state)
    assert flaws == Flaws()


def test_deployment_is_read_whole() -> None:
    row, flaws = parse(
        {
            "deploymentId": "d-1",
            "name": "实时订单",
            "executionMode": "STREAMING",
            "engineVersion": "vvr-8.0.9-flink-1.17",
            "deploymentTarget": {"mode": "PER_JOB", "name": "default-queue"},
            "createdAt": "1714058507000",
            "streamingResourceSetting": {"basicResourceSetting": {"parallelism": 4}},
            "jobSummary": {"running": 1},
        }
    )
    assert flaws == Flaws()
    assert row.job == Job(
        project="default",
        job_id="d-1",
        job_name="实时订单",
        state=State.RUNNING,
        native_status="RUNNING",
        job_type="STREAMING",
        run_mode="PER_JOB",
        queue="default-queue",
        engine_version="vvr-8.0.9-flink-1.17",
        created_timestamp=1714058507.0,
        parallelism=4,
        observed_timestamp=7.0,
    )


@pytest.mark.parametrize("given", [None, "", "..", 4.5])
def test_deployment_without_a_usable_id_is_noted_and_left_out(given: object) -> None:
    flaws = Flaws()
    rows = [{**deployment(), "deploymentId": given}, deployment(2), "none"]
    page = parse_deployments(envelope(rows), "default", 7.0, flaws)
    assert ([row_id for row_id, _ in page.rows], page.unreadable) == (["d-2"], 2)
    assert flaws.unreadable


@pytest.mark.parametrize(
    "document", [{}, {"success": True}, {"data": None}, envelope({"a": 1}), envelope("text")]
)
def test_answer_without_a_list_is_no_empty_namespace(document: dict[str, Any]) -> None:
    with pytest.raises(FetchError) as caught:
        parse_deployments(document, "default", 7.0, Flaws())
    assert caught.value.reason is Reason.INVALID_RESPONSE


def test_null_with_a_total_of_none_is_an_empty_namespace() -> None:
    page = parse_deployments(envelope(None, totalSize=0), "default", 7.0, Flaws())
    assert (page.rows, page.total) == ((), 0)


def test_run_adds_to_its_deployment() -> None:
    job, flaws = parse_one_run(
        {
            "jobId": "j-1",
            "executionMode": "STREAM",
            "engineVersion": "vvr-8.0.10-flink-1.17",
            "startTime": 1714058507,
            "endTime": 0,
            "createdAt": "1714058500",
            "modifiedAt": "1714058600",
            "streamingResourceSetting": {"basicResourceSetting": {"parallelism": 8}},
            "status": {
                "currentJobStatus": "RUNNING",
                "healthScore": 75,
                "running": {
                    "observedFlinkJobStatus": "RESTARTING",
                    "observedFlinkJobRestarts": "17",
                },
            },
        }
    )
    assert flaws == Flaws()
    assert job == Job(
        project="default",
        job_id="d-1",
        job_name="orders",
        state=State.RUNNING,
        native_status="RUNNING",
        finer_state=State.RESTARTING,
        graph_state="RESTARTING",
        job_type="STREAMING",
        engine_version="vvr-8.0.10-flink-1.17",
        run_id="j-1",
        restart_times=17,
        start_timestamp=1714058507.0,
        updated_timestamp=1714058600.0,
        parallelism=8,
        health_score=75.0,
        observed_timestamp=7.0,
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1714058507, 1714058507.0),
        (1714058507123, 1714058507.123),
        ("1714058507", 1714058507.0),
        ("1714058507123", 1714058507.123),
        ("2024-04-25T15:21:47Z", 1714058507.0),
        (0, None),
        (-1, None),
        (None, None),
        ("", None),
    ],
)
def test_times_are_read_as_seconds_or_milliseconds(given: object, expected: float | None) -> None:
    job, flaws = parse_one_run({**a_run(), "startTime": given})
    assert (job.start_timestamp, flaws) == (expected, Flaws())


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("STARTING", State.STARTING),
        ("RUNNING", State.RUNNING),
        ("FAILED", State.FAILED),
        ("CANCELLING", State.STOPPING),
        ("CANCELLED", State.STOPPED),
        ("FINISHED", State.FINISHED),
    ],
)
def test_every_documented_status_is_known(word: str, state: State) -> None:
    job, flaws = parse_one_run(a_run(word))
    assert (job.state, job.native_status, flaws) == (state, word, Flaws())


def test_unknown_words_are_noted_and_kept() -> None:
    status = {"currentJobStatus": "PARKED", "running": {"observedFlinkJobStatus": "DREAMING"}}
    job, flaws = parse_one_run({"jobId": "j-1", "status": status})
    assert (job.state, job.native_status) == (State.UNKNOWN, "PARKED")
    assert (job.finer_state, job.graph_state) == (State.UNKNOWN, "DREAMING")
    assert flaws.unknown_states == ["PARKED", "DREAMING"]


def test_run_without_a_status_says_nothing_of_it() -> None:
    job, flaws = parse_one_run({"jobId": "j-1"})
    assert (job.native_status, job.finer_state, flaws) == ("", None, Flaws())


@pytest.mark.parametrize(
    ("reason", "message", "error_id", "error_type"),
    [
        ("KubernetesDeploymentNotProgressing", "", "KubernetesDeploymentNotProgressing", ""),
        ("X", "java.lang.RuntimeException: hunter2", "X", "java.lang.RuntimeException"),
        ("a story about hunter2", "told", "", ""),
        ("x" * 65, "told", "", ""),
    ],
)
def test_failure_gives_code_and_class_and_keeps_the_text_apart(
    reason: str, message: str, error_id: str, error_type: str
) -> None:
    told = {"reason": reason, "message": message, "failedAt": 1714058507}
    status = {"currentJobStatus": "FAILED", "failure": told}
    job, _ = parse_one_run({"jobId": "j-1", "status": status})
    assert (job.error_id, job.error_type, job.error_text) == (error_id, error_type, message)
    assert job.last_error_timestamp == 1714058507.0


def test_artifact_configuration_and_variables_are_not_kept() -> None:
    secrets = {key: {"password": "hunter2"} for key in ("artifact", "flinkConf", "userFlinkConf")}
    row, _ = parse({**deployment(running=1), **secrets})
    job, _ = parse_one_run({**a_run(), **secrets, "localVariables": [{"value": "hunter2"}]})
    for kept in (row.job, job):
        assert all("hunter2" not in str(value) for value in kept)


def test_no_run_at_all_is_a_job_that_was_never_started() -> None:
    job = parse_latest_run(envelope([]), ROW, 7.0, Flaws())
    assert (job.state, job.native_status, job.observed_timestamp) == (State.CREATED, "NO_JOB", 7.0)


def test_latest_run_is_the_newest_that_goes_on() -> None:
    ended = {**a_run("FAILED"), "jobId": "new", "createdAt": "300"}
    going_on = {**a_run("RUNNING"), "jobId": "old", "createdAt": "200"}
    oldest = {**a_run("RUNNING"), "jobId": "oldest", "createdAt": "100"}
    latest = parse_latest_run(envelope([ended, oldest, going_on]), ROW, 7.0, Flaws())
    assert latest.run_id == "old"
    latest = parse_latest_run(envelope([ended, {**oldest, "status": {}}]), ROW, 7.0, Flaws())
    assert latest.run_id == "new"
