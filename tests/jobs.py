"""Make jobs and snapshots for tests; only what a test speaks of is given."""

from dataclasses import replace
from typing import Any

from exporter.model import Job, Snapshot, State
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
