"""Say of each problem whether a job has it: pure, from one look and what is remembered.

Where a look tells nothing (`UNSEEN`) a problem that was told goes on, and none begins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from exporter.attention.memory import JobMemory, began, count_since
from exporter.attention_settings import AttentionSettings
from exporter.model import CHANGING_STATES, IDLE_STATES, Job, ProblemKind, State


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at a job says of one problem."""

    holds: bool | None
    """None where it says nothing."""
    since: float | None = None
    """When the problem began, where that is known."""


OVER = Verdict(holds=False)
UNSEEN = Verdict(holds=None)
Rule = Callable[[Job, JobMemory, AttentionSettings], Verdict]


def _failed(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.state is State.UNKNOWN:
        return UNSEEN
    if job.state is not State.FAILED:
        return OVER
    since = began(job) if job.end_timestamp is None else job.end_timestamp
    if job.observed_timestamp - since > limits.failed_retention:
        return OVER
    return Verdict(holds=True, since=since)


def _not_running(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.state is State.UNKNOWN:
        return UNSEEN
    if job.state not in IDLE_STATES or is_in_arrears(job):
        return OVER
    if job.expected_running is None:
        # Its platform may not say so each time; what is off the list need not run from then on.
        return UNSEEN if memory.expectation_told else OVER
    return _lasts(job, memory, limits.not_running_after) if job.expected_running else OVER


def _stuck(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.state is State.UNKNOWN:
        return UNSEEN
    if job.state in CHANGING_STATES:
        return _lasts(job, memory, limits.stuck_after)
    since = job.nothing_runs_since_timestamp
    if since is not None and job.observed_timestamp - since > limits.stuck_after:
        return Verdict(holds=True, since=since)
    return OVER


def _lasts(job: Job, memory: JobMemory, limit: float) -> Verdict:
    since = memory.in_states_since
    return Verdict(holds=True, since=since) if job.observed_timestamp - since > limit else OVER


def _in_arrears(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.state is State.UNKNOWN:
        return UNSEEN
    return Verdict(holds=True, since=began(job)) if is_in_arrears(job) else OVER


def is_in_arrears(job: Job) -> bool:
    """Say whether the platform has stopped a job because nobody pays."""
    return job.state is not State.RUNNING and "arrear" in job.native_status.casefold()


def _restarting_often(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.ended:
        return OVER
    allowed, now = limits.restarts, job.observed_timestamp
    for events in (memory.restarts, memory.runs):
        for most, within in (
            (allowed.burst, allowed.within),
            (allowed.budget, allowed.budget_within),
        ):
            oldest = now - within
            if count_since(events, oldest) >= most:
                return Verdict(holds=True, since=min(at for at, _ in events if at > oldest))
    return OVER


def _node_failed(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.rests:
        return OVER
    if not job.nodes or job.state is State.UNKNOWN:
        return UNSEEN
    return Verdict(holds=any(node.state is State.FAILED for node in job.nodes))


def _far_behind(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.rests:
        return OVER
    if job.input_delay_seconds is None:
        return UNSEEN
    return Verdict(holds=job.input_delay_seconds >= limits.input_delay.far_behind)


def _falling_behind(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.rests:
        return OVER
    if job.input_delay_seconds is None:
        return UNSEEN
    if job.input_delay_seconds < limits.input_delay.falling_behind:
        return OVER
    return Verdict(holds=memory.delays.grow(limits.input_delay.growth))


def _checkpoint_old(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.rests:
        return OVER
    completed = job.last_checkpoint_completed_timestamp
    # Some platforms tell how long the last one took, and not when that was.
    takes_any = completed is not None or (job.checkpoints_failed is not None and _none_known(job))
    if job.state is not State.RUNNING or not takes_any:
        return UNSEEN
    # A run that has just begun had no time to complete one.
    since = began(job) if completed is None else max(began(job), completed)
    return Verdict(holds=_checkpoints_told_at(job) - since > limits.checkpoint_age, since=since)


def _checkpoints_told_at(job: Job) -> float:
    """Return as of when it is known which checkpoints a job has completed."""
    told_at = job.checkpoints_observed_timestamp
    return job.observed_timestamp if told_at is None else told_at


def _none_known(job: Job) -> bool:
    """Say whether nothing tells of any checkpoint that was completed."""
    return (
        job.last_checkpoint_completed_timestamp is None
        and job.last_checkpoint_duration_seconds is None
    )


def _checkpoints_failing(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    if job.rests:
        return OVER
    if job.checkpoints_failed is None:
        return UNSEEN
    most = limits.checkpoints_failing
    if _none_known(job) and job.checkpoints_failed >= most:
        # All there were have failed, whoever has seen it.
        return Verdict(holds=True, since=job.start_timestamp)
    failed = count_since(memory.failed_checkpoints, job.observed_timestamp - limits.checkpoint_age)
    return Verdict(holds=max(failed, memory.failed_in_a_row) >= most)


def _unknown_state(job: Job, memory: JobMemory, limits: AttentionSettings) -> Verdict:
    since = memory.unknown_since
    if since is None or job.observed_timestamp - since <= limits.unknown_after:
        return OVER
    return Verdict(holds=True, since=since)


RULES = MappingProxyType(
    {
        ProblemKind.FAILED: _failed,
        ProblemKind.NOT_RUNNING: _not_running,
        ProblemKind.IN_ARREARS: _in_arrears,
        ProblemKind.RESTARTING_OFTEN: _restarting_often,
        ProblemKind.NODE_FAILED: _node_failed,
        ProblemKind.STUCK: _stuck,
        ProblemKind.FAR_BEHIND: _far_behind,
        ProblemKind.FALLING_BEHIND: _falling_behind,
        ProblemKind.CHECKPOINTS_FAILING: _checkpoints_failing,
        ProblemKind.CHECKPOINT_OLD: _checkpoint_old,
        ProblemKind.UNKNOWN_STATE: _unknown_state,
    }
)
"""Of all problems but those that no look at a job tells: it is gone, or silent."""


def is_unremarkable(job: Job, limits: AttentionSettings) -> bool:
    """Say whether a job of which nothing is remembered has none of the problems, at a glance."""
    if job.state is not State.RUNNING or job.nodes or job.stale:
        return False
    if job.nothing_runs_since_timestamp is not None:
        return False
    delay = job.input_delay_seconds
    if delay is not None and delay >= min(
        limits.input_delay.falling_behind, limits.input_delay.far_behind
    ):
        return False
    completed = job.last_checkpoint_completed_timestamp
    if completed is None:
        return job.checkpoints_failed is None
    return _checkpoints_told_at(job) - completed <= limits.checkpoint_age
