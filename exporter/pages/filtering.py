"""Find the jobs that a reader asks for, and put them in order."""

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any, NamedTuple

from exporter.attention.by_job import JobId, job_id, problems_by_job, problems_unseen
from exporter.model import Job, Snapshot, State
from exporter.pages.attention import Attention
from exporter.pages.query import Query, Sort
from exporter.process.steps import finished

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

    job: Job | None
    """None of a job that is shown no longer: only its problems are told."""
    snapshot: Snapshot
    attention: Attention | None

    @property
    def name(self) -> str:
        """Return the name of the job."""
        if self.job is not None:
            return self.job.job_name
        return self.attention.worst.job_name if self.attention is not None else ""

    @property
    def key(self) -> JobId:
        """Return the project and the id of the job."""
        if self.job is not None:
            return self.job.project, self.job.job_id
        return job_id(self.attention.worst.key) if self.attention is not None else ("", "")

    @property
    def state(self) -> State | None:
        """Return what the job does; None where nobody sees it."""
        return None if self.job is None else self.job.state

    @property
    def since(self) -> float | None:
        """Return since when: of a job that is shown no longer, since when its worst problem is."""
        if self.job is not None:
            return self.job.state_since_timestamp
        return None if self.attention is None else self.attention.worst.since_timestamp


def all_jobs(snapshots: Iterable[Snapshot]) -> list[Found]:
    """Return every job of these snapshots, and those with a problem that are shown no longer."""
    found: list[Found] = []
    for snapshot in snapshots:
        problems = finished(problems_by_job(snapshot))
        if not problems:
            found += _each(snapshot, repeat(None))
            continue
        concerns = {key: Attention(told) for key, told in problems.items()}
        keys = ((job.project, job.job_id) for job in snapshot.jobs)
        found += _each(snapshot, map(concerns.get, keys))
        left = finished(problems_unseen(snapshot.jobs, problems))
        found += [Found(None, snapshot, Attention(told)) for told in left]
    return found


def _each(snapshot: Snapshot, concerns: Iterable[Attention | None]) -> Iterable[Found]:
    # Made without a call in Python for each: of ten thousand that takes a quarter less.
    return map(Found._make, zip(snapshot.jobs, repeat(snapshot), concerns, strict=False))


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
    if job is None:
        return "\n".join((found.name, *found.key, found.snapshot.source)).casefold()
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
        if job is None:
            return f"{found.name.casefold()}\0{found.snapshot.source}\0{found.key[1]}"
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
    return (found.attention.rank, -found.attention.worst.since_timestamp)


def _of_job(value: Callable[[Job], Any]) -> Callable[[Found], Any]:
    return lambda found: None if found.job is None else value(found.job)


_SORT_VALUES: dict[Sort, Callable[[Found], Any]] = {
    Sort.ATTENTION: _urgency,
    Sort.STATE: _of_job(lambda job: STATE_ORDER[job.state]),
    Sort.SOURCE: lambda found: found.snapshot.source,
    Sort.SINCE: lambda found: found.since,
    Sort.DURATION: _of_job(lambda job: job.duration_seconds),
    Sort.RESTARTS: _of_job(lambda job: job.restart_times),
    Sort.DELAY: _of_job(lambda job: job.input_delay_seconds),
    Sort.ERROR: _of_job(lambda job: job.last_error_timestamp),
}
