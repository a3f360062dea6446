"""Put together what an application is: its row, what was done to it, and what CloudWatch knows.

The words of `ApplicationStatus` are those of kinesisanalyticsv2 (2018-05-23). READY says that it
does not run and no more, and RUNNING says nothing of how its job does. Everything here is pure.
"""

import re
from dataclasses import dataclass

from exporter.fields import Flaws
from exporter.model import Job, State, StateMap, look_up
from exporter.vendors.aws.applications import Description, Summary
from exporter.vendors.aws.figures import Figures
from exporter.vendors.aws.operations import History

READY, RUNNING = "READY", "RUNNING"
STATES: StateMap = {
    "ready": State.STOPPED,
    "starting": State.STARTING,
    "running": State.RUNNING,
    "updating": State.RESTARTING,
    "autoscaling": State.RESTARTING,
    "maintenance": State.RESTARTING,
    "rolling_back": State.RESTARTING,
    "stopping": State.STOPPING,
    "force_stopping": State.STOPPING,
    "deleting": State.STOPPING,
    "rolled_back": State.STOPPED,
}
"""READY is what it is called where its operations are not to be had; see `History.at_rest`."""
_OF_THOSE_AT_REST_TOO = frozenset({"updating", "rolling_back"})
_ERROR_CLASS = re.compile(
    r"(?<![\w.$])(?:[a-z][a-z0-9_]{0,40}\.){1,10}"
    r"[A-Z][A-Za-z0-9_]{0,60}(?:\$[A-Z][A-Za-z0-9_]{0,60})?(?:Exception|Error)(?![\w$])"
)
_OPERATION = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was asked about one application when it was last seen to change."""

    summary: Summary
    description: Description | None = None
    history: History | None = None
    error_text: str = ""
    """Of the newest operation that failed."""
    resting: State | None = None
    """What it is while it does not run; None where it does, or may."""
    complete: bool = False
    """Whether nothing is left that could not be had, or was about to be different."""
    asked_at: float = 0.0

    def tells(self, summary: Summary) -> bool:
        """Say whether nothing has happened to the application since."""
        return self.summary.mark == summary.mark


def at_rest(summary: Summary, history: History | None, before: Known | None) -> State | None:
    """Return what an application is that does not run; None for one that does or may.

    An update leaves one that was stopped as it was, though its status is the same as of one that
    goes down for it.
    """
    word = summary.status.casefold()
    if word == READY.casefold():
        return STATES[word] if history is None else history.at_rest()
    if word not in _OF_THOSE_AT_REST_TOO:
        return None
    if history is not None:
        return history.at_rest() if history.rests else None
    return None if before is None else before.resting


def job_of(
    summary: Summary,
    region: str,
    *,
    known: Known | None,
    observed: float,
    flaws: Flaws,
    figures: Figures | None = None,
    ambiguous: bool = False,
) -> Job:
    """Return what there is to say of a listed application.

    `known` may be older than what is listed, and is used as far as it can still be true. With
    `ambiguous` nothing is said of the state of one that is READY.
    """
    job = Job(
        project=region,
        job_id=summary.name,
        job_name=summary.name,
        state=_state(summary, known, flaws),
        native_status=summary.status,
        job_type=summary.mode,
        engine_version=summary.runtime,
        observed_timestamp=observed,
    )
    if ambiguous and summary.status == READY:
        job = job._replace(state=State.UNKNOWN, native_status="")
    if known is not None and known.description is not None:
        described = known.description
        job = job._replace(
            created_timestamp=described.created_at,
            parallelism=described.parallelism,
            compute_units=described.units,
        )
    if known is not None and known.tells(summary):
        job = _with_history(job, known)
    if summary.status == RUNNING and figures is not None:
        job = _with_figures(job, figures)
    return job


def _state(summary: Summary, known: Known | None, flaws: Flaws) -> State:
    if known is not None:
        resting = known.resting if known.tells(summary) else at_rest(summary, known.history, known)
        if resting is not None:
            return resting
    state = look_up(STATES, summary.status)
    if summary.status and state is State.UNKNOWN:
        flaws.note_state(summary.status)
    return state


def _with_history(job: Job, known: Known) -> Job:
    described, history = known.description, known.history
    if described is not None:
        job = job._replace(updated_timestamp=described.updated_at)
    if history is None:
        return job
    start, failure = history.latest_start, history.latest_failure
    if start is not None:
        ran = start.outcome not in ("FAILED", "CANCELLED")
        job = job._replace(
            run_id=start.operation_id,
            start_timestamp=start.ended_at if ran else None,
        )
    if known.resting is not None:
        job = job._replace(end_timestamp=history.ended_at)
    if failure is not None:
        named = _ERROR_CLASS.search(known.error_text)
        job = job._replace(
            last_error_timestamp=failure.ended_at or failure.started_at,
            error_id=failure.name if _OPERATION.fullmatch(failure.name) else "",
            error_type=named[0] if named else "",
            error_text=known.error_text,
        )
    expected = history.expected_running
    if expected is None and known.resting is State.CREATED:
        expected = False
    return job._replace(expected_running=expected)


def _with_figures(job: Job, figures: Figures) -> Job:
    return job._replace(
        finer_state=figures.state,
        graph_state=figures.word,
        state_since_timestamp=figures.since,
        restart_times=figures.restarts,
        input_delay_seconds=figures.input_delay,
        last_checkpoint_duration_seconds=figures.checkpoint_seconds,
        last_checkpoint_size_bytes=figures.checkpoint_bytes,
        checkpoints_failed=figures.checkpoints_failed,
    )
