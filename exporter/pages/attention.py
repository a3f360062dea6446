"""Decide which jobs people should look at first, and say why."""

from dataclasses import dataclass
from enum import StrEnum

from exporter.model import CHANGING_STATES, Job, State
from exporter.pages.formatting import duration

STUCK_AFTER = 600.0
"""Seconds after which a job that is changing its state is taken to be stuck."""
IDLE_AFTER = 300.0
"""Seconds without a task at work after which a running job is stuck: no restart takes as long."""
LATE_AFTER = 300.0
"""Seconds of input delay from which a job counts as late."""


class Level(StrEnum):
    """How bad it is."""

    BAD = "bad"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Attention:
    """Why a job deserves a look; the lowest rank comes first."""

    rank: int
    level: Level
    reason: str
    """What the state alone does not say; empty when the state says it all."""


_FAILED = Attention(0, Level.BAD, "")
_EXPECTED = Attention(1, Level.BAD, "expected to run")
_RESTARTING = Attention(2, Level.WARNING, "")
_UNKNOWN = Attention(5, Level.WARNING, "")
_ARREARS = Attention(6, Level.WARNING, "account in arrears")
_SILENT = Attention(7, Level.WARNING, "sends no reports")
_LATE = Attention(8, Level.WARNING, "behind its input")


def attention(job: Job, now: float) -> Attention | None:
    """Return why a job deserves a look, or None."""
    state = job.state
    late = job.input_delay_seconds is not None and job.input_delay_seconds >= LATE_AFTER
    unremarkable = not late and not job.nodes and not job.stale
    if state is State.RUNNING and unremarkable and job.nothing_runs_since_timestamp is None:
        return None
    if state is State.FAILED:
        return _FAILED
    if job.expected_running and state is not State.RUNNING and state not in CHANGING_STATES:
        return _EXPECTED
    if state is State.RESTARTING:
        return _RESTARTING
    broken = [node.name for node in job.nodes if node.state is State.FAILED]
    if broken:
        return Attention(3, Level.BAD, f"node {broken[0]} failed")
    stuck = _stuck(job, now)
    if stuck is not None:
        return stuck
    if state is State.UNKNOWN:
        return _UNKNOWN
    if state is State.SUSPENDED and "arrear" in job.native_status.casefold():
        return _ARREARS
    if job.stale:
        return _SILENT
    return _LATE if late else None


def _stuck(job: Job, now: float) -> Attention | None:
    since = job.state_since_timestamp
    if job.state in CHANGING_STATES and since is not None and now - since > STUCK_AFTER:
        return Attention(4, Level.WARNING, f"stuck for {duration(now - since)}")
    since = job.nothing_runs_since_timestamp
    if since is not None and now - since > IDLE_AFTER:
        return Attention(4, Level.WARNING, f"no task runs for {duration(now - since)}")
    return None
