"""A job of Flink is read from the listing and from its own object, as a real cluster tells it."""

import pytest

from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.vendors.flink.jobs import parse_job, parse_overview
from tests.platforms.flink_job_manager import JID, recorded, row
from tests.virtual_time import EPOCH


def test_overview_of_a_real_cluster_is_read_whole() -> None:
    """Every job has its state, times and tasks, and nothing was unreadable."""
    flaws = Flaws()
    jobs = {job.job_name: job for job in parse_overview(recorded("jobs_overview"), EPOCH, flaws)}
    rows = {row["name"]: row for row in recorded("jobs_overview")["jobs"]}
    assert {name: job.native_status for name, job in jobs.items()} == {
        name: row["state"] for name, row in rows.items()
    }
    assert flaws == Flaws()
    ended = next(job for job in jobs.values() if job.state is State.FINISHED)
    native = rows[ended.job_name]
    assert ended.job_id == native["jid"]
    assert ended.start_timestamp == native["start-time"] / 1000
    assert ended.end_timestamp == native["end-time"] / 1000
    assert ended.duration_seconds == native["duration"] / 1000
    assert ended.updated_timestamp == native["last-modification"] / 1000
    assert ended.state_since_timestamp is None
    assert ended.job_type == "STREAMING"
    assert dict(ended.tasks)["finished"] == native["tasks"]["total"]
    assert "total" not in dict(ended.tasks)
    assert all(job.end_timestamp is None for job in jobs.values() if not job.ended)


def test_row_without_a_usable_id_is_left_out() -> None:
    """Nobody could ask for it, and two of them would be one job."""
    flaws = Flaws()
    document = {"jobs": [row(jid=None), row(jid="../config"), row(jid=7), row(), row(), None]}
    assert [job.job_id for job in parse_overview(document, EPOCH, flaws)] == [JID]
    assert len(flaws.unreadable) == 4


def test_row_with_little_in_it_is_a_job_nevertheless() -> None:
    """What is missing is unknown."""
    flaws = Flaws()
    jobs = parse_overview({"jobs": [{"jid": JID, "duration": "long"}]}, EPOCH, flaws)
    assert jobs == (Job(project="", job_id=JID, job_name="", observed_timestamp=EPOCH),)
    assert [str(flaw) for flaw in flaws.unreadable] == [
        "overview.jobs[0].duration: expected a number"
    ]


def test_unknown_state_is_kept_and_noted() -> None:
    """A word of a later version is no reason to lose the job."""
    flaws = Flaws()
    (job,) = parse_overview({"jobs": [row(state="HIBERNATING")]}, EPOCH, flaws)
    assert (job.state, job.native_status) == (State.UNKNOWN, "HIBERNATING")
    assert flaws.unknown_states == ["HIBERNATING"]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("INITIALIZING", State.STARTING),
        ("CREATED", State.STARTING),
        ("RUNNING", State.RUNNING),
        ("FAILING", State.RESTARTING),
        ("RESTARTING", State.RESTARTING),
        ("RECONCILING", State.RESTARTING),
        ("FAILED", State.FAILED),
        ("CANCELLING", State.STOPPING),
        ("CANCELED", State.STOPPED),
        ("SUSPENDED", State.SUSPENDED),
        ("FINISHED", State.FINISHED),
    ],
)
def test_states_of_flink(word: str, state: State) -> None:
    """Every word of Flink's JobStatus has its place in the vocabulary."""
    (job,) = parse_overview({"jobs": [row(state=word)]}, EPOCH, Flaws())
    assert job.state is state


@pytest.mark.parametrize("name", ["running", "finished", "failed", "canceled", "late_sql"])
def test_job_object_of_a_real_cluster_agrees_with_the_listing(name: str) -> None:
    """A job says the same of itself in both places; only the details date its state."""
    flaws = Flaws()
    document = recorded(f"{name}/job")
    job = parse_job(Record(document, "job", flaws), EPOCH, flaws)
    rows = {row.job_id: row for row in parse_overview(recorded("jobs_overview"), EPOCH, flaws)}
    same = rows[job.job_id]
    assert (job.job_name, job.state, job.tasks) == (same.job_name, same.state, same.tasks)
    assert (job.start_timestamp, job.end_timestamp) == (same.start_timestamp, same.end_timestamp)
    assert job.state_since_timestamp == document["timestamps"][document["state"]] / 1000
    assert job.parallelism == max(vertex["parallelism"] for vertex in document["vertices"])
    assert flaws == Flaws()
