"""Remember how the states of jobs changed while the exporter was watching.

What was published is compared with what is published now; nothing else is asked. The record is
bounded for each job and in total, and forgets jobs some time after they have left.
"""

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from exporter.attention.pairing import pairs
from exporter.model import Job, JobKey, Snapshot, State
from exporter.process.steps import Steps, finished

_CHANGES_PER_JOB = 50
_JOBS = 20_000
_JOBS_PER_STEP = 2000
_CHANGES_PER_STEP = 200
_FORGET_AFTER = 24 * 3600.0
_PACKED = struct.Struct("=dH")
"""A change: its time, and the number of its kind. As objects the changes would take ten times more,
a hundred megabytes for all that are kept at most."""
_KINDS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One job going from one state to another."""

    at: float
    """When the platform says it happened; when we saw it if the platform does not say."""
    before: State | None
    """None for a job that came back after it had left."""
    after: State | None
    """None for a job that is no longer there."""
    native_status: str = ""
    """The platform's own word for the new state."""
    new_run: bool = False
    """Whether another run of the job began: a restart between two polls keeps the state."""


def changes(old: Snapshot | None, new: Snapshot) -> Iterator[tuple[JobKey, Change] | None]:
    """Yield what happened to which job between two snapshots, and None now and then.

    Both are of one source.
    """
    if old is None or old.jobs is new.jobs:
        return
    for count, (was, job) in enumerate(pairs(old.jobs, new.jobs), start=1):
        if count % _JOBS_PER_STEP == 0:
            yield None
        if was is job:
            continue
        if job is None:
            if was is not None:
                yield was.key, Change(at=_moment(new, was), before=was.state, after=None)
        elif was is None or _has_changed(was, job):
            yield job.key, _change(was, job)


def _has_changed(before: Job, after: Job) -> bool:
    return before.state is not after.state or _is_new_run(before, after)


def _is_new_run(before: Job, after: Job) -> bool:
    return bool(before.run_id and after.run_id and before.run_id != after.run_id)


def _change(before: Job | None, after: Job) -> Change:
    same_state = before is not None and before.state is after.state
    # The state is older than a run that began without our seeing the job down.
    moment = after.start_timestamp if same_state else after.state_since_timestamp
    return Change(
        at=after.observed_timestamp if moment is None else moment,
        before=None if before is None else before.state,
        after=after.state,
        native_status=after.native_status,
        new_run=before is not None and _is_new_run(before, after),
    )


def _moment(snapshot: Snapshot, job: Job) -> float:
    seen = snapshot.last_poll_timestamp
    return job.observed_timestamp if seen is None else max(seen, job.observed_timestamp)


class _Kinds:
    """Numbers for what changes have in common: there are few of them, however many changes.

    A platform that never uses a word twice must not fill the memory: past the first thousands its
    words are left out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers: dict[Change, int] = {}
        self._known: list[Change] = []

    def number(self, change: Change) -> int:
        """Return the number for a change without its time."""
        kind = replace(change, at=0.0)
        if kind not in self._numbers and len(self._known) >= self._most:
            kind = replace(kind, native_status="")
        number = self._numbers.setdefault(kind, len(self._known))
        if number == len(self._known):
            self._known.append(kind)
        return number

    def change(self, number: int, at: float) -> Change:
        """Return the change of that number at a time."""
        return replace(self._known[number], at=at)


@dataclass(slots=True)
class _SourceRecords:
    """The records of one source."""

    changes: OrderedDict[JobKey, bytes] = field(default_factory=OrderedDict)
    """Packed, the latest last; the job that changed longest ago comes first."""
    left_at: dict[JobKey, float] = field(default_factory=dict)
    """Of the jobs that are no longer there."""
    swept_at: float | None = None

    def drop(self, key: JobKey) -> None:
        """Forget a job."""
        self.changes.pop(key, None)
        self.left_at.pop(key, None)


class History:
    """The state changes seen per job of all sources."""

    def __init__(
        self,
        *,
        changes_per_job: int = _CHANGES_PER_JOB,
        jobs: int = _JOBS,
        forget_after: float = _FORGET_AFTER,
        kinds: int = _KINDS,
    ) -> None:
        self._bytes_per_job = changes_per_job * _PACKED.size
        self._jobs = jobs
        self._forget_after = forget_after
        self._kinds = _Kinds(kinds)
        self._sources: dict[str, _SourceRecords] = {}

    def of(self, source: str, key: JobKey) -> tuple[Change, ...]:
        """Return the changes seen of a job, the latest first."""
        records = self._sources.get(source)
        packed = b"" if records is None else records.changes.get(key, b"")
        told = [self._kinds.change(number, at) for at, number in _PACKED.iter_unpack(packed)]
        return tuple(reversed(told))

    def note(self, old: Snapshot | None, new: Snapshot) -> None:
        """Record what changed between what was published and what is published now."""
        finished(self.take(old, new))

    def take(self, old: Snapshot | None, new: Snapshot) -> Steps[None]:
        """Record the same in steps."""
        records = self._sources.setdefault(new.source, _SourceRecords())
        for count, told in enumerate(changes(old, new), start=1):
            if told is None or count % _CHANGES_PER_STEP == 0:
                yield
            if told is not None:
                self._record(records, *told)
        self._forget(records, new.last_poll_timestamp)

    def _record(self, records: _SourceRecords, key: JobKey, change: Change) -> None:
        packed = records.changes.get(key, b"")
        if not packed and change.before is None:
            # No news: a job is seen for the first time when we begin to look, or when its details
            # come in after the listing.
            return
        packed += _PACKED.pack(change.at, self._kinds.number(change))
        records.changes[key] = packed[-self._bytes_per_job :]
        records.changes.move_to_end(key)
        if change.after is None:
            records.left_at[key] = change.at
        else:
            records.left_at.pop(key, None)

    def forget(self, source: str) -> None:
        """Drop everything about a source that is no longer watched."""
        self._sources.pop(source, None)

    def _forget(self, records: _SourceRecords, now: float | None) -> None:
        if now is not None and now != records.swept_at:
            records.swept_at = now
            oldest = now - self._forget_after
            for key in [key for key, left_at in records.left_at.items() if left_at < oldest]:
                records.drop(key)
        # Each source keeps its share, so that a busy one cannot push out all others.
        share = max(1, self._jobs // len(self._sources))
        for key in list(islice(records.changes, max(0, len(records.changes) - share))):
            records.drop(key)
