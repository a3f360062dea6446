"""Remember what is known of each edge job, and decide what to show. No I/O happens here.

Told is only what counts of a job, see `precedence`. Ages are those of the listening time, since
clocks at the edge cannot be relied on and our own can jump. A job that nobody reports is marked
after `expire_after` and withdrawn after another; one that has ended is never stale and leaves after
`ended_retention`. The journal's SQL keeps these same rules for what is on the disk.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporter.edge.jobs import KnownJob, build_job
from exporter.edge.journal_sql import StoredJob
from exporter.model import ENDED_STATES, Job

_NEVER = float("inf")
_JOBS_A_STEP = 50
_ENDED = frozenset(state.value for state in ENDED_STATES)


@dataclass(slots=True)
class _TrackedJob:
    """What is remembered of one job."""

    newest: KnownJob
    heard: float
    """When it came in, by the listening time."""
    since: float | None
    """When its state began."""
    last_error: float | None
    """When it last failed, by whichever report."""
    shown: Job | None = None
    """Made when it is shown, not with each report: a fast agent reports far more often."""


class EdgeJobTracker:
    """All edge jobs that have been reported and not withdrawn."""

    def __init__(self, *, expire_after: float, ended_retention: float) -> None:
        self.expire_after = expire_after
        self.ended_retention = ended_retention
        self._tracks: dict[tuple[str, str], _TrackedJob] = {}
        self._order: list[_TrackedJob] | None = None
        self._counts: dict[str, int] = {}

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._tracks

    def count(self, project: str) -> int:
        """Return how many jobs of a project are remembered."""
        return self._counts.get(project, 0)

    def newest(self, key: tuple[str, str]) -> KnownJob | None:
        """Return the report that counts of a job."""
        track = self._tracks.get(key)
        return None if track is None else track.newest

    def restore(self, stored: StoredJob) -> None:
        """Take in a job as it was stored. Raises ValueError or TypeError when it is unreadable."""
        known, since, last_error = stored.known, stored.since, stored.last_error
        track = _TrackedJob(known, stored.heard, since, last_error)
        track.shown = build_job(known, since=since, last_error=last_error, stale=False)
        self._add(track)

    def note(self, known: KnownJob, now: float) -> None:
        """Take in what a report says of a job."""
        track = self._tracks.get(known.key)
        if track is None:
            self._add(_TrackedJob(known, now, known.since, known.last_error))
            return
        if known.state != track.newest.state:
            track.since = known.since
        track.last_error = known.last_error or track.last_error
        track.newest = known
        track.heard = now
        track.shown = None

    def stored(self) -> list[StoredJob]:
        """Return all that is known, as it would be stored."""
        return [
            StoredJob(
                known=track.newest,
                since=track.since,
                last_error=track.last_error,
                heard=track.heard,
            )
            for track in self._tracks.values()
        ]

    def projects(self) -> Iterator[tuple[str, float]]:
        """Yield when each project was heard of last, by our clock."""
        latest: dict[str, _TrackedJob] = {}
        for track in self._tracks.values():
            project = track.newest.project
            if project not in latest or track.heard > latest[project].heard:
                latest[project] = track
        for project, track in latest.items():
            yield project, track.newest.received

    def jobs(self, now: float, projects: Iterable[str]) -> tuple[Job, ...]:
        """Return the jobs to show of these projects, in a fixed order."""
        if self._order is None:
            self._order = sorted(self._tracks.values(), key=_place)
        wanted = set(projects)
        return tuple(
            self._show(track, now)
            for track in self._order
            if track.newest.project in wanted and now <= self._leaves_at(track)
        )

    def settle(self, now: float) -> Iterator[None]:
        """Make ready what `jobs` will return, yielding every millisecond or so."""
        made = 0
        for track in list(self._tracks.values()):
            before = track.shown
            if self._show(track, now) is not before:
                made += 1
                if made % _JOBS_A_STEP == 0:
                    yield

    def gone(self, now: float) -> tuple[KnownJob, ...]:
        """Return the jobs that have been withdrawn and need not be remembered."""
        tracks = self._tracks.values()
        return tuple(track.newest for track in tracks if now > self._leaves_at(track))

    def forget(self, known: KnownJob) -> None:
        """Let go of a job unless it was reported again meanwhile."""
        track = self._tracks.get(known.key)
        if track is not None and track.newest is known:
            del self._tracks[known.key]
            self._order = None
            self._counts[known.project] -= 1

    def next_change(self, now: float) -> float | None:
        """Return when the next job becomes stale or leaves; None when none does."""
        moments = [
            moment
            for track in self._tracks.values()
            for moment in (self._stale_at(track), self._leaves_at(track))
            if now <= moment < _NEVER
        ]
        return min(moments, default=None)

    def _add(self, track: _TrackedJob) -> None:
        known = track.newest
        self._tracks[known.key] = track
        self._order = None
        self._counts[known.project] = self._counts.get(known.project, 0) + 1

    def _show(self, track: _TrackedJob, now: float) -> Job:
        stale = now > self._stale_at(track)
        # The same object as long as nothing changed: what is rendered of it is kept so long.
        if track.shown is None or track.shown.stale is not stale:
            track.shown = build_job(
                track.newest, since=track.since, last_error=track.last_error, stale=stale
            )
        return track.shown

    def _stale_at(self, track: _TrackedJob) -> float:
        ended = track.newest.state in _ENDED
        return _NEVER if ended else track.heard + self.expire_after

    def _leaves_at(self, track: _TrackedJob) -> float:
        ended = track.newest.state in _ENDED
        return track.heard + (self.ended_retention if ended else 2 * self.expire_after)


def _place(track: _TrackedJob) -> tuple[str, int, str]:
    job_id = track.newest.job_id
    return (track.newest.project, int(job_id) if job_id.isdigit() else -1, job_id)
