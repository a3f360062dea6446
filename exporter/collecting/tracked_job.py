"""Hold what is remembered of one job, and compare what two looks at it told. All of it is pure."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from exporter.collecting.gone_jobs import lived
from exporter.collecting.merging import Since, expect_anew, new_run, tells_only_time
from exporter.model import Job, State


@dataclass(slots=True)
class TrackedJob:
    """What is remembered of one job."""

    row: Job
    seen_at: float
    """When it was first listed; of one that had not begun then, when it was seen to have."""
    details: Job | None = None
    detailed_at: float | None = None
    """When details were last had."""
    measured_at: float | None = None
    """When they last told what holds for a moment only; None when no such thing is kept."""
    delayed_at: float | None = None
    """When they last told the input delay: the part that does can fail while others arrive."""
    flow_at: float | None = None
    """When they last told what goes through it, which can fail as well."""
    job: Job | None = None
    """Row and details put together, as it is shown."""
    changed: bool = True
    """Whether the row changed since details were last had."""
    news: bool = False
    """Whether that is because something happened, and not because we have just begun to look."""
    disagreements: int = 0
    """How many details in a row told another state than the row."""
    asked: bool = False
    """Whether details were ever asked for, with whatever result."""
    asked_at: float = 0.0
    """When they were asked for last; whoever waits longest comes first."""
    failures: int = 0
    """How many questions in a row had no answer."""
    routine: bool = False
    """Whether it is in the queue for no other reason than old details."""
    missing: int = 0
    """How many complete listings in a row lacked it, with no answer of its own in between."""
    lived: bool = False
    """Whether it lived when it was last seen."""
    since: Since = field(default_factory=Since)
    """What we saw of when the state that is shown began."""


def adopted(job: Job, known: TrackedJob | None, *, expected: Callable[[str], bool]) -> TrackedJob:
    """Return what to remember of a job that was shown before the settings of its source changed.

    `known` is what was remembered of it. Its details stay, and are asked for anew: other settings
    may bring others. `expected` says whether a job of a name is on the list by now.
    """
    if known is not None and known.job is not None:
        job = expect_anew(known.job, expected)
        return replace(
            known, job=job, changed=True, news=False, failures=0, routine=False, missing=0
        )
    return TrackedJob(
        # A row is what the platform said.
        row=expect_anew(job, lambda name: False),
        seen_at=job.observed_timestamp,
        asked=True,
        job=expect_anew(job, expected),
        lived=lived(job, before=False),
        since=Since(seen_at=job.state_since_timestamp or job.observed_timestamp),
    )


def lives(job: Job) -> bool:
    """Say whether a job has begun and not ended."""
    return not job.ended and job.state is not State.CREATED


def begins(before: Job | None, after: Job) -> bool:
    """Say whether a job that was not started yet when it was last seen has begun."""
    return before is not None and before.state is State.CREATED and lives(after)


def differs(previous: Job, row: Job) -> bool:
    """Say whether a row tells that something happened to the job since the previous one."""
    if row.native_status != previous.native_status or new_run(previous, row):
        return True
    if row.native_status and row.state is not previous.state:
        # The same word means something else by now: see `exporter.collecting.merging`.
        return True
    if row.updated_timestamp is None or previous.updated_timestamp is None:
        return False
    return row.updated_timestamp != previous.updated_timestamp


def agree(row: Job, details: Job) -> bool:
    """Say whether two views of a job tell the same state, or one of them none."""
    words = (row.native_status, details.native_status)
    return "" in words or words[0] == words[1]


def is_as_before(track: TrackedJob, row: Job) -> bool:
    """Say whether a row tells nothing but that time has passed, and decides what is shown."""
    told, details = track.row, track.details
    if details is not None and details.observed_timestamp >= min(
        told.observed_timestamp, row.observed_timestamp
    ):
        return False
    return bool(row.native_status) and track.job is not None and tells_only_time(told, row)


def outdated(details: Job, previous: Job, row: Job) -> bool:
    """Say whether details are of the run before the one that two rows tell the beginning of."""
    return details.observed_timestamp <= previous.observed_timestamp and new_run(previous, row)
