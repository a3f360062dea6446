"""What the exporter says of a real Flink cluster is what the cluster says of itself."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.vendors.flink.delay import (
    parse_subtask_delay,
    parse_vertices,
    select,
    subtask_names,
)
from exporter.vendors.flink.graph import FLINK_STATES
from tests.flink_cluster import FlinkCluster, JobSpec
from tests.flink_cluster.asking import agree, ask, details, inventory, settle

LATE_SECONDS = 120
TOLERANCE_SECONDS = 10.0
"""Flink fetches metrics once a second here, and emits watermarks five times a second."""

JOBS = (
    JobSpec(name="running"),
    JobSpec(name="finishing", kind="finishing"),
    JobSpec(name="failing", kind="failing"),
    JobSpec(name="looping", kind="crash_looping"),
    JobSpec(name="late_sql", kind="late_sql", late_seconds=LATE_SECONDS),
    JobSpec(name="late_stream", kind="late_stream", late_seconds=LATE_SECONDS, parallelism=2),
    JobSpec(name="cancelled"),
)
ENDS = {"finishing": "FINISHED", "failing": "FAILED", "cancelled": "CANCELED"}
ALIVE = ("running", "looping", "late_sql", "late_stream")

pytestmark = [pytest.mark.usefixtures("jobs"), pytest.mark.xdist_group("real")]


@pytest.fixture(scope="module")
def jobs(flink_cluster: FlinkCluster) -> Iterator[dict[str, str]]:
    """Jobs by name, of which some have ended; the last test takes the others with it."""
    submitted = flink_cluster.submit(JOBS)
    flink_cluster.wait_for(submitted["cancelled"], "RUNNING")
    flink_cluster.cancel(submitted["cancelled"])
    for name, state in ENDS.items():
        flink_cluster.wait_for(submitted[name], state)
    yield submitted
    rows = flink_cluster.get("/jobs/overview")["jobs"]
    for jid in {row["jid"] for row in rows if row["end-time"] == -1} & set(submitted.values()):
        flink_cluster.cancel(jid)


def test_every_state_is_that_of_the_cluster(flink_cluster: FlinkCluster) -> None:
    """One call tells the state, the name and the tasks of every job."""

    # A crash loop can leave a state and come back to it between two looks: the time of the last
    # change tells the two apart.
    def theirs() -> dict[str, object]:
        rows = flink_cluster.get("/jobs/overview")["jobs"]
        return {
            row["jid"]: (
                row["name"],
                row["state"],
                FLINK_STATES[row["state"].casefold()],
                row["last-modification"],
            )
            for row in rows
        }

    def ours() -> dict[str, object]:
        found = inventory(flink_cluster)
        return {
            jid: (
                job.job_name,
                job.native_status,
                job.state,
                round((job.updated_timestamp or 0) * 1000),
            )
            for jid, job in found.items()
        }

    agree(theirs, ours)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_details_have_state_times_and_tasks(
    flink_cluster: FlinkCluster, jobs: dict[str, str], job: JobSpec
) -> None:
    """Listing and details agree with the job object."""
    jid = jobs[job.name]

    def theirs() -> tuple[object, ...]:
        native = flink_cluster.get(f"/jobs/{jid}")
        tasks = [vertex["tasks"] for vertex in native["vertices"]]
        return (
            native["name"],
            native["state"],
            native["timestamps"][native["state"]] / 1000,
            native["start-time"] / 1000,
            None if native["end-time"] == -1 else native["end-time"] / 1000,
            max(vertex["parallelism"] for vertex in native["vertices"]),
            {state.lower(): sum(counts[state] for counts in tasks) for state in tasks[0]},
        )

    def ours() -> tuple[object, ...]:
        found = details(flink_cluster, jid).job
        return (
            found.job_name,
            found.native_status,
            found.state_since_timestamp,
            found.start_timestamp,
            found.end_timestamp,
            found.parallelism,
            dict(found.tasks),
        )

    agree(theirs, ours)


def test_version_of_the_cluster_is_told(flink_cluster: FlinkCluster) -> None:
    """It is on every job."""
    version = flink_cluster.get("/config")["flink-version"]
    assert {job.engine_version for job in inventory(flink_cluster).values()} == {version}


@pytest.mark.parametrize("name", ALIVE)
def test_restarts_are_those_of_the_cluster(
    flink_cluster: FlinkCluster, jobs: dict[str, str], name: str
) -> None:
    """`restart_times` is `numRestarts`, of a job in a crash loop as of one that never failed."""
    jid = jobs[name]

    def theirs() -> int | None:
        metrics = flink_cluster.get(f"/jobs/{jid}/metrics", get="numRestarts")
        return next((int(metric["value"]) for metric in metrics), None)

    def ours() -> int | None:
        return details(flink_cluster, jid).job.restart_times

    settle(theirs, lambda number: number is not None and number >= (2 if name == "looping" else 0))
    agree(theirs, ours)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_checkpoints_are_those_of_the_cluster(
    flink_cluster: FlinkCluster, jobs: dict[str, str], job: JobSpec
) -> None:
    """The latest completed one, and how many failed."""
    jid = jobs[job.name]

    def theirs() -> tuple[object, ...]:
        native = flink_cluster.get(f"/jobs/{jid}/checkpoints")
        counts, latest = native["counts"], native["latest"]["completed"]
        if latest is None and not counts["failed"] + counts["in_progress"]:
            # Zeros of a job that takes none, or that did not come to take one.
            return (None, None, None, None)
        figures: tuple[object, ...] = (None, None, None)
        if latest is not None:
            figures = (
                latest["latest_ack_timestamp"] / 1000,
                latest["end_to_end_duration"] / 1000,
                latest.get("checkpointed_size", latest["state_size"]),
            )
        return (counts["failed"], *figures)

    def ours() -> tuple[object, ...]:
        found = details(flink_cluster, jid).job
        return (
            found.checkpoints_failed,
            found.last_checkpoint_completed_timestamp,
            found.last_checkpoint_duration_seconds,
            found.last_checkpoint_size_bytes,
        )

    if job.name in ("running", "late_sql", "late_stream"):
        settle(theirs, lambda figures: figures[1] is not None)
    agree(theirs, ours)


@pytest.mark.parametrize("name", ["failing", "looping"])
def test_exception_is_that_of_the_cluster(
    flink_cluster: FlinkCluster, jobs: dict[str, str], name: str
) -> None:
    """The job that ended and the one that starts again both name the exception of their code."""
    jid = jobs[name]

    def theirs() -> tuple[object, ...]:
        native = flink_cluster.get(f"/jobs/{jid}/exceptions", maxExceptions="1")
        entry = native["exceptionHistory"]["entries"][0]
        return (entry["timestamp"] / 1000, entry["stacktrace"])

    def ours() -> tuple[object, ...]:
        found = details(flink_cluster, jid).job
        assert found.error_type == "java.lang.ArithmeticException"
        return (found.last_error_timestamp, found.error_text)

    agree(theirs, ours)


def test_job_that_never_failed_has_no_error(
    flink_cluster: FlinkCluster, jobs: dict[str, str]
) -> None:
    """Neither a time nor a class."""
    job = details(flink_cluster, jobs["running"]).job
    assert (job.last_error_timestamp, job.error_type, job.error_text) == (None, "", "")


@pytest.mark.parametrize("name", ["late_sql", "late_stream"])
def test_input_delay_is_the_age_of_the_events(
    flink_cluster: FlinkCluster, jobs: dict[str, str], name: str
) -> None:
    """From the watermark assigner of an SQL job, from the source itself of another."""

    def ours() -> float | None:
        return details(flink_cluster, jobs[name]).job.input_delay_seconds

    delay = settle(ours, lambda seconds: seconds is not None)
    assert delay == pytest.approx(LATE_SECONDS, abs=TOLERANCE_SECONDS)


def test_single_subtasks_are_named_as_the_cluster_names_them(
    flink_cluster: FlinkCluster, jobs: dict[str, str]
) -> None:
    """What is asked where some subtasks are idle exists, and tells the same delay."""
    jid = jobs["late_stream"]
    vertices = parse_vertices(Record(flink_cluster.get(f"/jobs/{jid}"), "job", Flaws()))
    (source,) = [vertex for vertex in vertices.values() if vertex.is_source]
    names = subtask_names(["Source__orders.currentOutputWatermark"], source.parallelism)
    (chosen,) = select(names)
    path = f"/jobs/{jid}/vertices/{source.vertex_id}/metrics"

    def metrics() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = flink_cluster.get(path, get=chosen)
        return found

    found = settle(metrics, lambda found: len(found) == 2)
    assert sorted(metric["id"] for metric in found) == names
    delay = parse_subtask_delay(found, time.time(), Flaws())
    assert delay == pytest.approx(LATE_SECONDS, abs=TOLERANCE_SECONDS)


def test_job_without_event_time_has_no_delay(
    flink_cluster: FlinkCluster, jobs: dict[str, str]
) -> None:
    """Its watermarks exist and are all -2^63, which is no delay of three hundred million years."""
    jid = jobs["running"]
    source = flink_cluster.get(f"/jobs/{jid}")["vertices"][0]["id"]
    path = f"/jobs/{jid}/vertices/{source}/subtasks/metrics"
    settle(lambda: flink_cluster.get(path), lambda metrics: len(metrics) > 10)
    assert details(flink_cluster, jid).job.input_delay_seconds is None


def test_cancelled_job_has_stopped(flink_cluster: FlinkCluster) -> None:
    """The end is dated; a second submission is another job that started later."""
    spec = JobSpec(name="again")
    (first,) = flink_cluster.submit([spec]).values()
    flink_cluster.wait_for(first, "RUNNING")
    assert inventory(flink_cluster)[first].state is State.RUNNING
    flink_cluster.cancel(first)
    flink_cluster.wait_for(first, "CANCELED")
    (second,) = flink_cluster.submit([spec]).values()
    flink_cluster.wait_for(second, "RUNNING")
    found = settle(lambda: inventory(flink_cluster), lambda rows: second in rows)
    old, new = found[first], found[second]
    assert (old.state, new.state) == (State.STOPPED, State.RUNNING)
    assert old.job_name == new.job_name == "again"
    assert old.end_timestamp is not None
    assert new.start_timestamp is not None
    assert new.start_timestamp >= old.end_timestamp
    assert new.end_timestamp is None
    flink_cluster.cancel(second)


def test_job_nobody_submitted_is_gone(flink_cluster: FlinkCluster) -> None:
    """Flink says so itself."""
    with pytest.raises(FetchError) as caught:
        details(flink_cluster, "0" * 32)
    assert caught.value.gone


def test_dead_job_manager_is_a_source_that_is_down(
    flink_cluster: FlinkCluster, jobs: dict[str, str]
) -> None:
    """No job is gone before the next JobManager says that it does not know it."""
    jid = jobs["failing"]
    flink_cluster.stop_jobmanager()
    try:
        for question in (
            lambda source: source.fetch_inventory(),
            lambda source: source.fetch_details(
                Job(project="", job_id=jid, job_name="", observed_timestamp=0)
            ),
        ):
            with pytest.raises(FetchError) as caught:
                ask(flink_cluster, question)
            assert (caught.value.reason, caught.value.gone) == (Reason.CONNECTION, False)
    finally:
        flink_cluster.start_jobmanager()
    assert not inventory(flink_cluster).keys() & set(jobs.values())
    with pytest.raises(FetchError) as forgotten:
        details(flink_cluster, jid)
    assert forgotten.value.gone
