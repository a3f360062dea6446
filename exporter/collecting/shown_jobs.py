"""Choose what is shown of the jobs of a source, and put it in order.

A poll publishes what its listing told, and again what details have told since. Often only few jobs
have changed: then only these are looked at again, and put where they belong among the others. What
takes long is done in steps: see `exporter.process.steps`.
"""

from bisect import bisect_left
from collections.abc import Mapping, Set
from dataclasses import dataclass
from operator import attrgetter, is_

from exporter.collecting.selection import ALWAYS, Selection
from exporter.collecting.tracked_job import TrackedJob, lives
from exporter.model import GoneJob, Job, JobKey
from exporter.process.steps import Steps, sorted_in_steps

_JOBS_PER_STEP = 1000
_AGES_PER_STEP = 10_000
_FEW = 200
"""Jobs that are looked at one by one, in a step: of more at once all are looked at."""
_order = attrgetter("project", "job_name", "job_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What there is to show of a source."""

    jobs: tuple[Job, ...]
    """In a fixed order."""
    gone: tuple[GoneJob, ...] = ()
    """What is gone without an end that was told, in a fixed order."""
    detail_age_seconds: float | None
    """How old the oldest details of a job that lives are; None without such a job."""


class ShownJobs:
    """The jobs of a source that are shown, and which of them have changed since."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._ordered: list[Job] = []
        self._tracks: list[TrackedJob] = []
        """What is remembered of each of them, in the same order."""
        self._told: tuple[Job, ...] = ()
        self._living: dict[JobKey, TrackedJob] = {}
        self._replaced: Set[JobKey] = frozenset()
        self._until = ALWAYS
        """When the first job leaves that is shown for a while only."""
        self._changed: dict[JobKey, Job | None] | None = None
        """What was known, at the last look, of the jobs of which more was heard since; None when
        this cannot be said, or when they are many."""

    def note(self, key: JobKey, job: Job | None) -> None:
        """Hear that from now on something else than this is known of a job.

        What tells only that time has passed, `Job.later`, need not be heard of.
        """
        if self._changed is not None:
            self._changed.setdefault(key, job)
            if len(self._changed) > _FEW:
                self._changed = None

    def look(
        self, tracks: Mapping[JobKey, TrackedJob], *, replaced: Set[JobKey], now: float
    ) -> Steps[tuple[Job, ...]]:
        """Return the jobs to show, in a fixed order; `replaced` are runs that are not.

        Where only few have changed, all others are shown, or are not, as they were at the last
        look, unless one leaves because it has ended long ago. What is the very same is returned as
        the same value.
        """
        changed, self._changed = self._changed, {}
        as_before = replaced is self._replaced or replaced == self._replaced
        if as_before and now <= self._until and changed is not None:
            # In one step: what is heard meanwhile could be shown twice.
            for key, before in changed.items():
                self._look_again(key, before, tracks.get(key), now)
            self._ordered = [job for track in self._tracks if (job := track.job) is not None]
        else:
            self._replaced, self._until = replaced, ALWAYS
            yield from self._look_at_all(tracks, now)
            if self._changed:
                # What was heard meanwhile may be among what was found, or not.
                self._changed = None
        yield
        if len(self._told) != len(self._ordered) or not all(map(is_, self._told, self._ordered)):
            self._told = tuple(self._ordered)
        return self._told

    def oldest_details(self) -> Steps[float | None]:
        """Return when the oldest details were had of a job that lives; None without such a job."""
        oldest, living = None, list(self._living.values())
        for start in range(0, len(living), _AGES_PER_STEP):
            first = min(map(_had_at, living[start : start + _AGES_PER_STEP]))
            oldest = first if oldest is None else min(first, oldest)
            yield
        return oldest

    def _look_at_all(self, tracks: Mapping[JobKey, TrackedJob], now: float) -> Steps[None]:
        shown, living = [], {}
        for count, (key, track) in enumerate(list(tracks.items()), start=1):
            job = track.job
            if job is not None and self._shows(key, job, track, now):
                shown.append((job, track))
                if lives(job):
                    living[key] = track
            if count % _JOBS_PER_STEP == 0:
                yield
        ordered = yield from sorted_in_steps(shown, key=_order_of_first)
        self._ordered = [job for job, _ in ordered]
        self._tracks = [track for _, track in ordered]
        self._living = living

    def _look_again(
        self, key: JobKey, before: Job | None, track: TrackedJob | None, now: float
    ) -> None:
        self._living.pop(key, None)
        if before is not None:
            self._take_out(before)
        job = None if track is None else track.job
        if track is None or job is None or not self._shows(key, job, track, now):
            return
        if lives(job):
            self._living[key] = track
        place = bisect_left(self._ordered, _order(job), key=_order)
        self._ordered.insert(place, job)
        self._tracks.insert(place, track)

    def _take_out(self, job: Job) -> None:
        order, ordered = _order(job), self._ordered
        place = bisect_left(ordered, order, key=_order)
        if place < len(ordered) and _order(ordered[place]) == order:
            del ordered[place], self._tracks[place]

    def _shows(self, key: JobKey, job: Job, track: TrackedJob, now: float) -> bool:
        if key in self._replaced:
            return False
        until = self._selection.shown_until(job, asked=track.asked)
        if now > until:
            return False
        if until < self._until:
            self._until = until
        return True


def _order_of_first(shown: tuple[Job, TrackedJob]) -> tuple[str, str, str]:
    job = shown[0]
    return job.project, job.job_name, job.job_id


def _had_at(track: TrackedJob) -> float:
    return track.seen_at if track.detailed_at is None else track.detailed_at
