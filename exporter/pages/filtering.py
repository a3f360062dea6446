"""Find the jobs that a reader asks for, and put them in order."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from exporter.model import Job, Snapshot, State
from exporter.pages.attention import Attention, attention
from exporter.pages.query import Query, Sort

_SEARCHED_ERROR = 1000
"""How much of an error text is searched: the rest is stack traces."""

STATE_ORDER = {
    state: place
    for place, state in enumerate(
        (
            *(State.FAILED, State.RESTARTING, State.UNKNOWN, State.STARTING, State.STOPPING),
            *(State.SUSPENDED, State.RUNNING, State.CREATED, State.STOPPED, State.FINISHED),
        )
    )
}
"""States in the order in which they are shown: trouble, change, rest."""


class Found(NamedTuple):
    """A job, where it is from, and why it deserves a look if it does."""

    job: Job
    snapshot: Snapshot
    attention: Attention | None


def all_jobs(snapshots: Iterable[Snapshot], now: float) -> list[Found]:
    """Return every job of these snapshots."""
    return [
        Found(job, snapshot, attention(job, now)) for snapshot in snapshots for job in snapshot.jobs
    ]


def matching(everything: list[Found], query: Query) -> list[Found]:
    """Return the jobs that are asked for, whatever their state."""
    words = query.text.casefold().split()
    found = everything
    if query.sources:
        found = [each for each in found if each.snapshot.source in query.sources]
    if query.platforms:
        found = [each for each in found if each.snapshot.platform in query.platforms]
    for word in words:
        found = [each for each in found if word in _haystack(each)]
    return found


def _haystack(found: Found) -> str:
    job = found.job
    return "\n".join(
        (
            *(job.job_name, job.job_id, job.project, job.run_id, job.queue, job.native_status),
            *(job.error_id, job.error_type, job.error_text[:_SEARCHED_ERROR]),
            found.snapshot.source,
        )
    ).casefold()


def in_order(asked: list[Found], query: Query) -> list[Found]:
    """Return the jobs in the order asked for; what is not known comes last either way."""

    def name(found: Found) -> str:
        # One text compares faster than a tuple of three.
        job = found.job
        return f"{job.job_name.casefold()}\0{found.snapshot.source}\0{job.job_id}"

    if query.sort is Sort.NAME:
        return sorted(asked, key=name, reverse=query.descending)
    value = _SORT_VALUES[query.sort]
    known: list[Found] = []
    unknown: list[Found] = []
    for found in asked:
        (unknown if value(found) is None else known).append(found)
    # Sorting is stable: among equals the names decide, in both directions.
    known.sort(key=name)
    known.sort(key=value, reverse=query.descending)
    return known + sorted(unknown, key=name)


def _urgency(found: Found) -> tuple[int, float] | None:
    """Return what sorts the worst first, and the latest first among those equally bad."""
    if found.attention is None:
        return None
    return (found.attention.rank, -(found.job.state_since_timestamp or 0.0))


_SORT_VALUES: dict[Sort, Callable[[Found], Any]] = {
    Sort.ATTENTION: _urgency,
    Sort.STATE: lambda found: STATE_ORDER[found.job.state],
    Sort.SOURCE: lambda found: found.snapshot.source,
    Sort.SINCE: lambda found: found.job.state_since_timestamp,
    Sort.DURATION: lambda found: found.job.duration_seconds,
    Sort.RESTARTS: lambda found: found.job.restart_times,
    Sort.DELAY: lambda found: found.job.input_delay_seconds,
    Sort.ERROR: lambda found: found.job.last_error_timestamp,
}
