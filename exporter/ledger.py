"""Remember what is known of each job of one source, and decide what to ask next.

No I/O happens here: the collector tells the ledger what it found and asks it what to do. The rules
it keeps are those of telling the truth: a job is gone only when the platform says so twice over, a
failed question changes nothing, and ended runs leave after a while.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from exporter.merging import finish, merge, new_run
from exporter.model import CHANGING_STATES, Job, JobKey, State
from exporter.source import Inventory, SourceSettings

_SPREAD = 0.25
"""Share of detail_interval over which questions about running jobs are spread."""


@dataclass(slots=True)
class _Track:
    """What is remembered of one job."""

    row: Job
    details: Job | None = None
    job: Job | None = None
    """The two put together, as it is shown."""
    changed: bool = True
    """Whether the row changed since details were last had."""
    asked: bool = False
    """Whether details were ever asked for, with whatever result."""
    due_at: float = 0.0
    missing: int = 0
    since: float = 0.0
    """When we first saw the state that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What to ask after an inventory, most urgent first."""

    urgent: tuple[Job, ...]
    """Jobs that are new, changed or about to change."""
    routine: tuple[Job, ...]
    """Jobs whose details have merely become old."""
    missing: tuple[Job, ...]
    """Jobs that a complete listing lacks: to be asked for by id before they are let go."""


class Ledger:
    """The memory of one source's jobs."""

    def __init__(self, settings: SourceSettings, *, supersedes: bool, random: Random) -> None:
        self._settings = settings
        self._supersedes = supersedes
        self._random = random
        self._tracks: dict[JobKey, _Track] = {}
        self._include = _any_of(settings.jobs.include)
        self._exclude = _any_of(settings.jobs.exclude)
        self._expect = tuple((text, re.compile(text)) for text in settings.expect)
        self._listed_once = False

    def adopt(self, jobs: Iterable[Job]) -> None:
        """Take over jobs known from before; the next listing confirms them or lets them go."""
        for job in jobs:
            if self._selected(job):
                track = self._tracks[job.key] = _Track(row=job, asked=True)
                track.since = job.state_since_timestamp or job.observed_timestamp
                track.job = job

    def note_inventory(self, inventory: Inventory, now: float) -> Agenda:
        """Take in what a listing found; return what to ask now."""
        seen = set()
        for row in inventory.jobs:
            if self._selected(row):
                seen.add(row.key)
                self._note_row(row)
        unlisted = {project for project, _ in inventory.incomplete}
        missing = []
        for key, track in list(self._tracks.items()):
            if key in seen or key.project in unlisted:
                continue
            track.missing += 1
            if track.missing >= 2:
                # Two complete listings lack it: it is gone, whatever an answer by id says.
                del self._tracks[key]
            else:
                missing.append(track.row)
        if not unlisted:
            self._listed_once = True
        return self._agenda(now, tuple(missing))

    def note_details(self, job: Job, now: float) -> None:
        """Take in the details of a job."""
        track = self._tracks.get(job.key)
        if track is None:
            return
        # A part that could not be had this time, or that ended runs no longer tell, stays known.
        track.details = job if track.details is None else merge(track.details, job)
        track.asked = True
        track.changed = False
        interval = self._settings.detail_interval
        track.due_at = now + interval * (1 - _SPREAD * self._random.random())
        self._settle(track)

    def note_failure(self, key: JobKey) -> None:
        """Take in that the details of a job could not be had; what was known stays."""
        track = self._tracks.get(key)
        if track is not None:
            track.asked = True

    def note_gone(self, key: JobKey) -> None:
        """Take in that the platform says a job does not exist."""
        self._tracks.pop(key, None)

    def jobs(self, now: float) -> tuple[Job, ...]:
        """Return the jobs to show, in a fixed order."""
        replaced = self._replaced()
        shown = [
            job
            for key, track in self._tracks.items()
            if key not in replaced and (job := track.job) and self._shown(job, track, now)
        ]
        return tuple(sorted(shown, key=lambda job: (job.project, job.job_name, job.job_id)))

    def absent(self) -> tuple[str, ...]:
        """Return the `expect` entries that no job matches, once every job was listed."""
        if not self._listed_once:
            return ()
        names = {track.row.job_name for track in self._tracks.values()}
        return tuple(
            text
            for text, pattern in self._expect
            if not any(pattern.fullmatch(name) for name in names)
        )

    def _note_row(self, row: Job) -> None:
        track = self._tracks.get(row.key)
        if track is None:
            track = self._tracks[row.key] = _Track(row=row)
        else:
            previous = track.row
            if _differs(previous, row):
                track.changed = True
            track.row = row
            track.missing = 0
        self._settle(track)

    def _settle(self, track: _Track) -> None:
        row, details = track.row, track.details
        job = finish(row if details is None else merge(row, details))
        if track.job is None or track.job.state is not job.state or new_run(track.job, job):
            track.since = job.observed_timestamp
        if job.state_since_timestamp is None:
            job = replace(job, state_since_timestamp=track.since)
        if job.expected_running is None and self._expected(job.job_name):
            job = replace(job, expected_running=True)
        track.job = job

    def _agenda(self, now: float, missing: tuple[Job, ...]) -> Agenda:
        replaced = self._replaced()
        urgent, routine = [], []
        for key, track in self._tracks.items():
            job = track.job
            if job is None or key in replaced or track.missing or self._hidden_draft(job):
                continue
            if track.changed or job.state in CHANGING_STATES or not track.row.native_status:
                urgent.append(track.row)
            elif not job.ended and job.state is not State.CREATED and track.due_at <= now:
                routine.append((track.due_at, track.row))
        routine.sort(key=lambda pair: pair[0])
        return Agenda(
            urgent=tuple(urgent), routine=tuple(row for _, row in routine), missing=missing
        )

    def _selected(self, row: Job) -> bool:
        if self._settings.jobs.ids:
            return True
        if self._include is not None and not self._include.fullmatch(row.job_name):
            return False
        return self._exclude is None or not self._exclude.fullmatch(row.job_name)

    def _shown(self, job: Job, track: _Track, now: float) -> bool:
        if not job.native_status and not track.asked:
            # The listing says nothing of states and details are on their way: no false unknown.
            return False
        if self._settings.jobs.ids or self._expected(job.job_name):
            return True
        if job.state is State.CREATED:
            return self._settings.jobs.drafts
        if job.state not in (State.STOPPED, State.FINISHED):
            return True
        ended_at = job.end_timestamp or job.updated_timestamp
        if ended_at is None and not track.asked:
            # Listings hold jobs that ended years ago. Until details have told when, such a job
            # would come and go at every start of the exporter.
            return False
        if ended_at is None:
            ended_at = job.state_since_timestamp or job.observed_timestamp
        return now - ended_at <= self._settings.ended_retention

    def _hidden_draft(self, job: Job) -> bool:
        return job.state is State.CREATED and not (
            self._settings.jobs.drafts or self._settings.jobs.ids or self._expected(job.job_name)
        )

    def _expected(self, name: str) -> bool:
        return any(pattern.fullmatch(name) for _, pattern in self._expect)

    def _replaced(self) -> set[JobKey]:
        """Return the ended runs that a later run of the same name has taken the place of."""
        if not self._supersedes:
            return set()
        latest: dict[tuple[str, str], tuple[float, JobKey]] = {}
        for job in self._known():
            name = (job.project, job.job_name)
            latest[name] = max(latest.get(name, (-1.0, job.key)), _started(job), key=_first)
        return {
            job.key
            for job in self._known()
            if job.ended and latest[(job.project, job.job_name)][1] != job.key
        }

    def _known(self) -> Iterator[Job]:
        return (track.job for track in self._tracks.values() if track.job is not None)


def _differs(previous: Job, row: Job) -> bool:
    """Say whether a row tells that something happened to the job since the previous one."""
    if row.native_status != previous.native_status or new_run(previous, row):
        return True
    if row.updated_timestamp is None or previous.updated_timestamp is None:
        return False
    return row.updated_timestamp != previous.updated_timestamp


def _started(job: Job) -> tuple[float, JobKey]:
    return (job.start_timestamp or job.created_timestamp or 0.0, job.key)


def _first(pair: tuple[float, JobKey]) -> float:
    return pair[0]


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    patterns = tuple(patterns)
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None
