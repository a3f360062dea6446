"""Make jobs and snapshots for tests; only what a test speaks of is given."""

from dataclasses import replace
from typing import Any

from exporter.attention.tracker import SourceAttention
from exporter.attention_settings import AttentionSettings
from exporter.model import Job, JobKey, JobKind, Problem, ProblemKind, Snapshot, State
from exporter.process.steps import finished
from tests.virtual_time import EPOCH


def job(name: str = "orders", state: State = State.RUNNING, **facts: Any) -> Job:
    """Return a job; its native word is that of its state unless given."""
    values: dict[str, Any] = {
        "project": "p",
        "job_id": name,
        "job_name": name,
        "state": state,
        "native_status": f"job_{state}",
        "observed_timestamp": EPOCH,
        **facts,
    }
    return Job(**values)


def snapshot(*jobs: Job, **facts: Any) -> Snapshot:
    """Return a healthy snapshot with these jobs."""
    base = Snapshot(
        source="dli",
        platform="huawei_dli",
        up=True,
        last_success_timestamp=EPOCH,
        stale_after=300.0,
        jobs=jobs,
    )
    return replace(base, **facts)


def problem(kind: ProblemKind, name: str = "orders", **facts: Any) -> Problem:
    """Return a problem of the job of this name, as `job` makes it."""
    values: dict[str, Any] = {
        "kind": kind,
        "key": JobKey(project="p", job_id=name),
        "job_name": name,
        "job_kind": JobKind.STREAMING,
        "since_timestamp": EPOCH - 60,
        **facts,
    }
    return Problem(**values)


def judged(held: Snapshot) -> Snapshot:
    """Return a snapshot with the problems that the exporter sees in it at first sight."""
    problems = finished(SourceAttention(AttentionSettings()).take(None, held))
    return replace(held, problems=problems)
