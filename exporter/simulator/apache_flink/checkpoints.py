"""The checkpoints of a simulated Flink job: one a minute, and one fails with every restart."""

from dataclasses import dataclass

from exporter.simulator.apache_flink.cluster import FlinkJob, milliseconds
from exporter.simulator.fleet.fleet import Phase, View

_INTERVAL = 60.0
_DURATION = 850
_SUMMARIZED = (
    "checkpointed_size",
    "state_size",
    "end_to_end_duration",
    "alignment_buffered",
    "processed_data",
    "persisted_data",
)

Body = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One completed checkpoint; times in milliseconds."""

    number: int
    acknowledged: int
    duration: int
    size: int
    path: str


def has_checkpoints(run: View) -> bool:
    """Tell whether checkpointing is enabled: for every seventh job it is not."""
    return run.number % 7 != 0


def completed_checkpoints(run: View, now: float) -> tuple[int, Checkpoint | None]:
    """Count a run's completed checkpoints and return the latest."""
    if run.started_at is None or not has_checkpoints(run):
        return 0, None
    # A run that keeps restarting or stopped running completes no more of them.
    until = now if run.phase is Phase.RUNNING else min(now, run.changed_at)
    count = int((until - run.started_at) // _INTERVAL)
    if count < 1:
        return 0, None
    latest = Checkpoint(
        number=count,
        acknowledged=milliseconds(run.started_at + count * _INTERVAL) + _DURATION,
        duration=_DURATION,
        size=100_000 * run.parallelism + count,
        path=f"oss://checkpoints/{run.run_id}/chk-{count}",
    )
    return count, latest


def checkpoint_statistics(job: FlinkJob, now: float) -> Body:
    """Describe a job's checkpoints as `/jobs/:jobid/checkpoints` does."""
    run = job.run
    count, latest = completed_checkpoints(run, now)
    completed = None if latest is None else _completed(latest, run.parallelism)
    failed = _failed(run, count + run.restarts) if run.restarts else None
    return {
        "counts": {
            "restored": run.restarts if completed else 0,
            "total": count + run.restarts,
            "in_progress": 0,
            "completed": count,
            "failed": run.restarts,
        },
        "summary": {name: _distribution(completed, name) for name in _SUMMARIZED},
        "latest": {"completed": completed, "savepoint": None, "failed": failed, "restored": None},
        "history": [checkpoint for checkpoint in (failed, completed) if checkpoint],
    }


def _distribution(completed: Body | None, name: str) -> Body:
    # Percentiles of nothing are Java's NaN, which is a string in JSON.
    value = 0 if completed is None else completed[name]
    quantile = "NaN" if completed is None else value
    quantiles = ("p50", "p90", "p95", "p99", "p999")
    return {"min": value, "max": value, "avg": value} | dict.fromkeys(quantiles, quantile)


def _completed(checkpoint: Checkpoint, parallelism: int) -> Body:
    return {
        **_checkpoint("completed", checkpoint.number, parallelism),
        "trigger_timestamp": checkpoint.acknowledged - checkpoint.duration,
        "latest_ack_timestamp": checkpoint.acknowledged,
        "checkpointed_size": checkpoint.size,
        "state_size": checkpoint.size,
        "end_to_end_duration": checkpoint.duration,
        "num_acknowledged_subtasks": 2 * parallelism,
        "external_path": checkpoint.path,
        "discarded": False,
    }


def _failed(run: View, number: int) -> Body:
    at = milliseconds(run.error_at or run.changed_at)
    return {
        **_checkpoint("failed", number, run.parallelism),
        "trigger_timestamp": at - 17,
        "end_to_end_duration": 17,
        "failure_timestamp": at,
        "failure_message": "Checkpoint Coordinator is suspending.",
    }


def _checkpoint(kind: str, number: int, parallelism: int) -> Body:
    return {
        "className": kind,
        "id": number,
        "status": kind.upper(),
        "is_savepoint": False,
        "savepointFormat": None,
        "trigger_timestamp": -1,
        "latest_ack_timestamp": -1,
        "checkpointed_size": 0,
        "state_size": 0,
        "end_to_end_duration": 0,
        "alignment_buffered": 0,
        "processed_data": 0,
        "persisted_data": 0,
        "num_subtasks": 2 * parallelism,
        "num_acknowledged_subtasks": 0,
        "checkpoint_type": "CHECKPOINT",
        "tasks": {},
    }
