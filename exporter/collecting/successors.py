"""Decide which run of a job takes the place of an earlier one. Everything here is pure.

On platforms where each run is a job of its own, runs of one job have nothing in common but a name.
"""

from collections.abc import Mapping
from operator import attrgetter

from exporter.collecting.tracked_job import TrackedJob
from exporter.model import Job, JobKey, State
from exporter.process.steps import Steps

_JOBS_PER_STEP = 1000

_run = attrgetter(
    *("project", "job_name", "name_digest", "state"),
    *("start_timestamp", "created_timestamp", "end_timestamp"),
)
"""What decides of a run whether it is replaced, or replaces another."""

Started = tuple[float, float]
"""When a run began: as far as it can be believed, and as it is told."""
Name = tuple[str, str, str]
"""A project, the name of a job in it, and what tells it apart where that name was cut."""


def full_name(job: Job) -> Name:
    """Return what runs of one job have in common."""
    return job.project, job.job_name, job.name_digest


def started(job: Job, seen_at: float) -> Started:
    """Return when a run began: no later than when it was first seen, whatever the platform says.

    A clock there that was ahead would otherwise make a run that has ended the latest for so long.
    """
    told = job.start_timestamp or job.created_timestamp or 0.0
    return min(told, seen_at), told


def replaced(tracks: Mapping[JobKey, TrackedJob]) -> Steps[set[JobKey]]:
    """Return the ended runs that a later run of the same name has taken the place of."""
    latest: dict[Name, tuple[Started, JobKey]] = {}
    ended: list[tuple[JobKey, Name, Job]] = []
    for count, (key, track) in enumerate(list(tracks.items()), start=1):
        if count % _JOBS_PER_STEP == 0:
            yield
        job = track.job
        if job is None:
            continue
        name, begun = full_name(job), started(job, track.seen_at)
        if name not in latest or begun > latest[name][0]:
            latest[name] = (begun, key)
        if job.ended:
            ended.append((key, name, job))
    return {
        key for key, name, job in ended if latest[name][1] != key and _follows(latest[name][0], job)
    }


class ReplacedRuns:
    """Knows which runs are replaced, and looks again only when something about runs has changed."""

    def __init__(self) -> None:
        self._changes = 0
        self._known: tuple[int, set[JobKey]] = (-1, set())

    def note(self, before: Job | None, after: Job | None) -> None:
        """Take in what is known of a run in place of what was; None where there is none."""
        if before is None or after is None or _run(before) != _run(after):
            self._changes += 1

    def find(self, tracks: Mapping[JobKey, TrackedJob]) -> Steps[set[JobKey]]:
        """Return the ended runs that a later run of the same name has taken the place of."""
        changes, found = self._known
        if changes != self._changes:
            changes = self._changes
            found = yield from replaced(tracks)
            # What has changed between two steps may be in it or not: the next look tells.
            self._known = changes, found
        return found


def _follows(begun: Started, ended: Job) -> bool:
    """Say whether a run that began then can be the next one after a run that ended.

    Jobs of one cluster often share a name that nobody chose. One that ran already when another
    failed has not taken its place: the failure is news. One that was stopped or is finished did so
    by somebody's will, at times after its successor was started.
    """
    if ended.state is not State.FAILED or ended.end_timestamp is None:
        return True
    return begun[1] >= ended.end_timestamp
