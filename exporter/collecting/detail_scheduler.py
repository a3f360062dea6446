"""Decide which single jobs to ask about next, from what is remembered of all. No I/O happens here.

Something happened, a state is about to change, or a figure is in doubt: at the next poll. Nothing
happened: each job once in `detail_interval`, whoever waits longest first. No answer several times:
no oftener than that.
"""

from collections.abc import Iterable, Mapping, Set
from operator import attrgetter

from exporter.collecting.detail_queue import DetailQueue, RoundRobin
from exporter.collecting.selection import Selection
from exporter.collecting.tracked_job import TrackedJob, lives
from exporter.model import CHANGING_STATES, Job, JobKey, State
from exporter.process.steps import Steps, sorted_in_steps

JOBS_PER_STEP = 1000
_PATIENCE = 3
"""Failures in a row after which details are no longer asked for at every poll."""
_asked_at = attrgetter("asked_at")


class DetailScheduler:
    """Whose turn it is among the tracked jobs of one source."""

    def __init__(self, detail_interval: float, selection: Selection, *, credit: float) -> None:
        """Take how many routine questions are earned already: a part of one.

        Sources that start together, with a job each, must not ask about it at the same polls.
        """
        self._selection = selection
        self._round_robin = RoundRobin(detail_interval, credit=credit)

    def schedule(
        self,
        tracks: Mapping[JobKey, TrackedJob],
        *,
        replaced: Set[JobKey],
        missing: tuple[Job, ...],
        now: float,
    ) -> Steps[DetailQueue]:
        """Put in order what to ask after a listing, in steps.

        `replaced` are ended runs that nobody asks about any more, `missing` jobs that the listing
        lacks: they come in the order they are given in.
        """
        news: list[TrackedJob] = []
        urgent: list[TrackedJob] = []
        new: list[TrackedJob] = []
        calm: list[TrackedJob] = []
        for count, (key, track) in enumerate(tracks.items(), start=1):
            if count % JOBS_PER_STEP == 0:
                yield
            job = track.job
            track.routine = False
            if job is None or key in replaced or track.missing:
                continue
            draft = job.state is State.CREATED and track.row.native_status
            if draft and self._selection.hides_draft(job):
                # Where the row no longer says so, it may have run since, and failed.
                continue
            restless = job.state in CHANGING_STATES or not track.row.native_status
            if track.failures >= _PATIENCE and (restless or track.changed):
                # Asked for at every poll, jobs that cannot be had would take the place of others.
                calm.append(track)
            elif track.news:
                news.append(track)
            elif track.changed or restless:
                (urgent if track.asked else new).append(track)
            elif lives(job):
                calm.append(track)
        calm = yield from sorted_in_steps(calm, key=_asked_at)
        routine = self._round_robin.due(calm, now)
        for track in routine:
            track.routine = True
        news = yield from sorted_in_steps(news, key=_asked_at)
        # What was never asked for comes last: at the start that is everything.
        urgent = yield from sorted_in_steps(urgent, key=_asked_at)
        urgent += yield from sorted_in_steps(new, key=_asked_at)
        yield
        queue = DetailQueue(
            news=_rows(news), missing=missing, urgent=_rows(urgent), routine=_rows(routine)
        )
        yield
        return queue

    def note_asked(self, track: TrackedJob, now: float) -> None:
        """Hear that a job was asked about, with whatever result."""
        track.asked = True
        track.asked_at = now
        if track.routine:
            track.routine = False
            self._round_robin.asked()


def _rows(tracks: Iterable[TrackedJob]) -> tuple[Job, ...]:
    return tuple(track.row for track in tracks)
