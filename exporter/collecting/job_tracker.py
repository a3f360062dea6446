"""Remember what is known of each job of one source: what is shown, what is missing, what is gone.

No I/O happens here: the collector tells the tracker what it found and asks it what to do. The rules
it keeps are those of telling the truth: a job is gone only when the platform says so twice over, a
failed question changes nothing, and ended runs leave after a while. What is asked next is the
business of `detail_scheduler`; what takes long with very many jobs is done in steps: see
`exporter.process.steps`.
"""

import time
from collections.abc import Callable, Container, Iterable, Mapping
from random import Random

from exporter.collecting.detail_queue import DetailQueue
from exporter.collecting.detail_scheduler import JOBS_PER_STEP, DetailScheduler
from exporter.collecting.gone_jobs import GONE_RETENTION, GoneJobs, lived
from exporter.collecting.merging import (
    FLOW,
    date_checkpoints,
    lasting,
    measures,
    merge,
    moved_on,
    settle,
    tells_flow,
    without,
)
from exporter.collecting.other_shards import OtherShardJobs
from exporter.collecting.selection import Selection
from exporter.collecting.sharding import Shard
from exporter.collecting.shown_jobs import Shown, ShownJobs
from exporter.collecting.successors import ReplacedRuns, full_name, started
from exporter.collecting.tracked_job import (
    TrackedJob,
    adopted,
    agree,
    begins,
    differs,
    is_as_before,
    outdated,
)
from exporter.collecting.unlisted import Unlisted
from exporter.model import GoneJob, Job, JobKey
from exporter.process.steps import Steps, finished
from exporter.source import Inventory, SourceSettings

_ROWS_PER_STEP = 100
_REPEATS = 3
"""How often details that tell another state than the listing are asked for again at once."""
_JUST_BEFORE = 1e-3
"""Seconds: enough to tell an earlier observation from a later one."""


class JobTracker:
    """The memory of one source's jobs, or of those among them that are this shard's."""

    def __init__(
        self,
        settings: SourceSettings,
        *,
        supersedes: bool,
        random: Random,
        shard: Shard | None = None,
        gone_retention: float = GONE_RETENTION,
        cpu_time: Callable[[], float] = time.thread_time,
    ) -> None:
        self._settings = settings
        self._selection = Selection(settings, cpu_time=cpu_time)
        self._supersedes = supersedes
        self._shard = shard or Shard()
        self._tracks: dict[JobKey, TrackedJob] = {}
        self._other_shard_jobs = OtherShardJobs()
        self._gone = GoneJobs(gone_retention)
        self._runs = ReplacedRuns()
        self._shown = ShownJobs(self._selection)
        self._listed_once = False
        self._scheduler = DetailScheduler(
            settings.detail_interval, self._selection, credit=random.random()
        )

    @property
    def remembered(self) -> Mapping[JobKey, TrackedJob]:
        """Return what is remembered of each job."""
        return self._tracks

    def adopt(
        self,
        jobs: Iterable[Job],
        gone: Iterable[GoneJob] = (),
        remembered: Mapping[JobKey, TrackedJob] | None = None,
    ) -> None:
        """Take over jobs known from before; the next listing confirms them or lets them go.

        `remembered` is what another tracker of the source remembers of them. Of those that are
        `gone` the ones are kept that would be watched if they were there.
        """
        self._gone.adopt(
            each
            for each in gone
            if self._selection.chooses(each.job_name) and self._owned(each.key, each.job_name)
        )
        for job in jobs:
            if self._selection.watches(job) and self._owned(job.key, job.job_name):
                known = (remembered or {}).get(job.key)
                track = adopted(job, known, expected=self._selection.expects)
                self._tracks[job.key] = track
                self._runs.note(None, track.job)

    def note_inventory(self, inventory: Inventory, now: float) -> DetailQueue:
        """Take in what a listing found; return what to ask now."""
        return finished(self.take(inventory, now))

    def take(self, inventory: Inventory, now: float) -> Steps[DetailQueue]:
        """Take in what a listing found, in steps.

        Raises SlowExpressionError, with nothing changed, when a name cannot be matched.
        """
        yield from self._selection.judge(row.job_name for row in inventory.jobs)
        seen: set[JobKey] = set()
        renamed: set[JobKey] = set()
        any_gone = bool(self._gone)
        for count, row in enumerate(inventory.jobs, start=1):
            key = row.key
            if any_gone:
                self._gone.note_listed(key)
            if self._selection.watches(row):
                seen.add(key)
                self._note_row(key, row, now)
            elif key in self._tracks:
                renamed.add(key)
            if count % _ROWS_PER_STEP == 0:
                yield
        for key in inventory.replaced - seen:
            track = self._tracks.pop(key, None)
            if track is not None:
                self._shown.note(key, track.job)
                self._runs.note(None, None)
        unlisted = Unlisted(inventory)
        missing = yield from self._note_missing(seen, renamed, unlisted, now)
        yield from self._note_successors()
        # To let go of a hundred thousand keys is a step by itself, as is each list of jobs below.
        del seen
        yield
        if not inventory.incomplete and not inventory.pending:
            self._listed_once = True
        replaced = yield from self._replaced()
        return (
            yield from self._scheduler.schedule(
                self._tracks, replaced=replaced, missing=missing, now=now
            )
        )

    def note_details(
        self, job: Job, now: float, *, withdrawn: tuple[str, ...] = (), in_doubt: bool = False
    ) -> None:
        """Take in the details of a job, and which of its fields are not known any more."""
        track = self._tracks.get(job.key)
        if track is None:
            return
        self._shown.note(job.key, track.job)
        if track.row.observed_timestamp > now:
            track.row = track.row.at(job.observed_timestamp - _JUST_BEFORE)
        job = date_checkpoints(job)
        # A part that could not be had this time, or that ended runs no longer tell, stays known.
        known = track.details if track.details is None else without(track.details, withdrawn)
        track.details = job if known is None else merge(known, job)
        track.detailed_at = now
        if measures(job):
            track.measured_at = now
        if job.input_delay_seconds is not None:
            track.delayed_at = now
        if tells_flow(job):
            track.flow_at = now
        self._drop_old_measurements(track, now)
        track.news = False
        # What comes from a cache may be older than the change it was asked for, and of a run that
        # ended nobody would ask again: how it ended would never be known.
        track.disagreements = 0 if agree(track.row, job) else track.disagreements + 1
        if job.native_status and not job.ended:
            # A listing can lack a job that is busy, as those of Flink do (FLINK-40602). Nothing
            # that answers for itself, and lives, is gone: it is asked for as long as it is missing.
            track.missing = 0
        track.changed = in_doubt or 0 < track.disagreements <= _REPEATS
        track.failures = 0
        self._scheduler.note_asked(track, now)
        self._settle(track)

    def withdraw(self, fields: Mapping[JobKey, tuple[str, ...]]) -> Steps[None]:
        """Take in, in steps, which fields of jobs are not known any more."""
        for count, (key, names) in enumerate(fields.items(), start=1):
            if count % _ROWS_PER_STEP == 0:
                yield
            track = self._tracks.get(key)
            if track is not None and track.details is not None:
                self._shown.note(key, track.job)
                track.details = without(track.details, names)
                self._settle(track)

    def note_failure(self, key: JobKey, now: float) -> None:
        """Take in that the details of a job could not be had; what was known stays."""
        track = self._tracks.get(key)
        if track is not None:
            self._shown.note(key, track.job)
            track.failures += 1
            self._scheduler.note_asked(track, now)

    def note_gone(self, key: JobKey, now: float) -> None:
        """Take in that the platform says a job does not exist."""
        track = self._tracks.pop(key, None)
        if track is not None:
            self._shown.note(key, track.job)
            self._runs.note(track.job, None)
            # A listing that told of it a moment ago says otherwise: the next one decides.
            self._note_end(track, now, confirmed=track.missing > 0)

    def jobs(self, now: float) -> tuple[Job, ...]:
        """Return the jobs to show, in a fixed order."""
        return finished(self.show(now)).jobs

    def show(self, now: float) -> Steps[Shown]:
        """Put together what there is to show, in steps."""
        replaced = yield from self._replaced()
        jobs = yield from self._shown.look(self._tracks, replaced=replaced, now=now)
        oldest = yield from self._shown.oldest_details()
        age = None if oldest is None else max(0.0, now - oldest)
        return Shown(jobs=jobs, gone=self._gone.told(now), detail_age_seconds=age)

    def absent(self) -> tuple[str, ...]:
        """Return the `expect` entries that no job of any shard matches, once all were listed."""
        return finished(self.find_absent())

    def find_absent(self) -> Steps[tuple[str, ...]]:
        """Find the `expect` entries that no job of any shard matches, in steps.

        Each shard knows the names of all jobs, and tells of its own share of the entries.
        """
        if not self._listed_once or not self._selection.expects_any:
            return ()
        names = {track.row.job_name for track in self._tracks.values()}
        names.update(self._other_shard_jobs.names())
        unmatched = yield from self._selection.unmatched(names)
        return tuple(
            text for text in unmatched if self._shard.owns(self._settings.name, "expect", text)
        )

    def behind(self, left: Iterable[Job]) -> bool:
        """Say whether jobs that were not asked about had details before, which now grow old."""
        tracks = (self._tracks.get(job.key) for job in left)
        return any(track is not None and track.detailed_at is not None for track in tracks)

    def _note_row(self, key: JobKey, row: Job, now: float) -> None:
        track = self._tracks.get(key)
        if track is not None and is_as_before(track, row):
            self._move_on(key, track, row, now)
            return
        if track is not None:
            self._shown.note(key, track.job)
            if differs(track.row, row):
                track.changed = track.news = True
                track.disagreements = 0
            if track.details is not None and track.details.observed_timestamp > now:
                # The clock was put back. Taken for newer than all that comes until it is there
                # again, these details would hide every change of the job for so long.
                track.details = track.details.at(row.observed_timestamp - _JUST_BEFORE)
            if track.details is not None and outdated(track.details, track.row, row):
                track.details = None
            if not row.native_status and track.row.native_status:
                # It is silent about the state; what its predecessor told is not to be forgotten.
                before, known = track.row, track.details
                if track.measured_at is None:
                    # What was measured before a reload is of nobody knows when.
                    before = lasting(before)
                track.details = before if known is None else merge(before, known)
            track.row = row
            track.missing = 0
            self._drop_old_measurements(track, now)
        elif self._owned(key, row.job_name):
            self._shown.note(key, None)
            track = self._tracks[key] = TrackedJob(
                row=row, seen_at=now, asked_at=now, news=self._listed_once
            )
        else:
            if self._selection.expects_any:
                self._other_shard_jobs.note(key, row.job_name)
            return
        self._settle(track)

    def _move_on(self, key: JobKey, track: TrackedJob, row: Job, now: float) -> None:
        """Take in a row that tells nothing but that time has passed."""
        track.row = row
        track.missing = 0
        details = track.details
        if details is not None:
            self._drop_old_measurements(track, now)
        if track.job is not None and track.details is details:
            track.job = moved_on(track.job, row)
        else:
            self._shown.note(key, track.job)
            self._settle(track)

    def _note_missing(
        self, seen: set[JobKey], renamed: set[JobKey], unlisted: Container[str], now: float
    ) -> Steps[tuple[Job, ...]]:
        """Return the jobs to ask about, since the listing lacks them, and let go of others.

        Those that were `renamed` are there, under names that nobody watches: they leave as others
        do, but are not asked about, and are not gone.
        """
        self._gone.confirm(unlisted)
        missing = []
        keys = list(self._tracks)
        for start in range(0, len(keys), JOBS_PER_STEP):
            for key in [key for key in keys[start : start + JOBS_PER_STEP] if key not in seen]:
                track = self._tracks.get(key)
                if track is None or key.project in unlisted:
                    continue
                track.missing += 1
                if track.missing >= 2:
                    # Two complete listings lack it, and it has not answered by its id in between.
                    del self._tracks[key]
                    self._shown.note(key, track.job)
                    self._runs.note(track.job, None)
                    self._note_end(track, now, confirmed=True, lost=key not in renamed)
                elif key not in renamed:
                    missing.append(track.row)
            yield
        yield from self._other_shard_jobs.forget(seen, unlisted)
        return tuple(missing)

    def _note_end(
        self, track: TrackedJob, now: float, *, confirmed: bool, lost: bool = True
    ) -> None:
        if lost and track.lived and track.job is not None:
            self._gone.note(track.job, now, confirmed=confirmed)

    def _note_successors(self) -> Steps[None]:
        """Let go of what is gone once a later run of its name has begun."""
        if not self._supersedes or not self._gone:
            return
        names = self._gone.names()
        for count, track in enumerate(list(self._tracks.values()), start=1):
            if count % JOBS_PER_STEP == 0:
                yield
            job = track.job
            gone = names.get(full_name(job)) if job is not None else None
            if job is not None and gone is not None:
                self._gone.note_successor(gone, started(job, track.seen_at)[1])

    def _drop_old_measurements(self, track: TrackedJob, now: float) -> None:
        """Let go of delays and the like that no details have confirmed for `stale_after`.

        The listing alone goes on to say that the job runs: without this a delay, or a restart that
        only the plan tells of, would be shown for as long as details cannot be had.
        """
        if track.measured_at is None or track.details is None or track.row.ended:
            return
        oldest = now - self._settings.detail_interval - self._settings.stale_after
        if track.measured_at < oldest:
            track.details = lasting(track.details)
            track.measured_at = track.delayed_at = track.flow_at = None
            return
        if track.delayed_at is not None and track.delayed_at < oldest:
            track.details = without(track.details, ("input_delay_seconds",))
            track.delayed_at = None
        if track.flow_at is not None and track.flow_at < oldest:
            track.details = without(track.details, FLOW)
            track.flow_at = None

    def _settle(self, track: TrackedJob) -> None:
        before = track.job
        track.job, track.since = settle(
            track.row,
            track.details,
            before=track.job,
            since=track.since,
            expected=self._selection.expects,
        )
        if begins(before, track.job):
            track.seen_at = track.job.observed_timestamp
        self._runs.note(before, track.job)
        track.lived = lived(track.job, before=track.lived)

    def _owned(self, key: JobKey, job_name: str) -> bool:
        # A later run must find the earlier one in the same shard, or none would be replaced.
        name = job_name if self._supersedes else key.job_id
        return self._shard.owns(self._settings.name, key.project, name)

    def _replaced(self) -> Steps[set[JobKey]]:
        """Return the ended runs that a later run of the same name has taken the place of."""
        if not self._supersedes:
            return set()
        return (yield from self._runs.find(self._tracks))
