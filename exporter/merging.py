"""Put a listing's row and a job's details together into one truth. Everything here is pure.

Two observations of one job differ in age and in fullness. The newer one decides what it speaks of;
what it leaves out is taken from the older one as far as it can still be true.
"""

from dataclasses import fields, replace
from typing import Any

from exporter.model import Job, State

_STATE_WORDS = ("state", "native_status")
_BOUND_TO_STATE = (
    "finer_state",
    "graph_state",
    "state_since_timestamp",
    "input_delay_seconds",
    "duration_seconds",
    "end_timestamp",
    "tasks",
    "nodes",
)
"""What may be different as soon as the state is: never carried over a change of it."""

_RUNNING_LIKE = frozenset({State.RUNNING, State.RESTARTING, State.STOPPING})
_LASTING = tuple(
    field.name
    for field in fields(Job)
    if field.name not in (*_STATE_WORDS, *_BOUND_TO_STATE, "project", "job_id", "job_name")
    and field.name != "observed_timestamp"
)


def merge(one: Job, other: Job) -> Job:
    """Return one job out of two observations of it, in whatever order they come."""
    older, newer = sorted((one, other), key=lambda job: job.observed_timestamp)
    if newer.job_name in ("", newer.job_id):
        # Some answers leave the name out; the id stands in for it only until it is known.
        newer = replace(newer, job_name=older.job_name)
    if new_run(older, newer):
        return newer
    changes: dict[str, Any] = {
        name: getattr(older, name) for name in _LASTING if _is_unknown(getattr(newer, name))
    }
    if not newer.native_status:
        # The newer answer is silent about the state: it neither confirms nor changes it.
        changes |= {name: getattr(older, name) for name in (*_STATE_WORDS, *_BOUND_TO_STATE)}
        changes["observed_timestamp"] = older.observed_timestamp
    elif newer.native_status == older.native_status:
        changes |= {
            name: getattr(older, name)
            for name in _BOUND_TO_STATE
            if _is_unknown(getattr(newer, name))
        }
        if newer.duration_seconds is None and newer.state in _RUNNING_LIKE:
            # A running job's duration of some time ago is wrong now.
            changes["duration_seconds"] = None
    return replace(newer, **changes)


def new_run(older: Job, newer: Job) -> bool:
    """Say whether the two observations belong to different runs of the job."""
    if older.run_id and newer.run_id:
        return older.run_id != newer.run_id
    if older.start_timestamp is None or newer.start_timestamp is None:
        return False
    return newer.start_timestamp != older.start_timestamp


def finish(job: Job) -> Job:
    """Settle what follows from the rest: the finer state, and the duration where none was given."""
    state = job.state
    if state is State.RUNNING and job.finer_state not in (None, State.UNKNOWN):
        state = job.finer_state or state
    duration = job.duration_seconds
    if duration is None and job.start_timestamp is not None:
        if state in _RUNNING_LIKE:
            duration = max(0.0, job.observed_timestamp - job.start_timestamp)
        elif job.ended and job.end_timestamp is not None:
            duration = max(0.0, job.end_timestamp - job.start_timestamp)
    return replace(job, state=state, duration_seconds=duration)


def _is_unknown(value: object) -> bool:
    return value is None or value == "" or value == ()
