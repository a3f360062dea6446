"""Remember which jobs are gone though nobody told how they ended.

A job that lived when it was last seen, and that its platform no longer knows, may be finished, and
may be lost: nobody can tell. No state is invented for it. Its series leave, and the fact that it is
gone is kept for a while. No I/O happens here.
"""

from collections.abc import Container, Iterable

from exporter.model import GoneJob, Job, JobKey, State

GONE_RETENTION = 86400.0
"""Seconds for which a job that is gone is told as gone, unless said otherwise."""
_LIVING = frozenset({State.STARTING, State.RUNNING, State.RESTARTING, State.STOPPING})
_MOST_GONE = 10_000
"""Facts kept of one source: a cluster that forgets all of its jobs is one fact to people."""
_OVERLAP = 60.0
"""Seconds before a run was last seen in which the one that takes its place may begin."""

_Name = tuple[str, str, str]


def lived(job: Job, *, before: bool) -> bool:
    """Say whether a job lived when it was last seen; `before` is what was so until now.

    A state that nobody knows says nothing; one in which nothing runs is no life to lose.
    """
    return before if job.state is State.UNKNOWN else job.state in _LIVING


class GoneJobs:
    """The jobs of one source that are gone without an end that was told."""

    def __init__(self, retention: float = GONE_RETENTION) -> None:
        """Take for how many seconds each is remembered."""
        self._retention = retention
        self._gone: dict[JobKey, GoneJob] = {}
        self._leaving: dict[JobKey, GoneJob] = {}
        """Those that a listing has just told of, and the platform does not know by their ids."""

    def __bool__(self) -> bool:
        """Say whether there is anything to remember."""
        return bool(self._gone or self._leaving)

    def adopt(self, gone: Iterable[GoneJob]) -> None:
        """Take over what was known from before."""
        for each in gone:
            self._keep(each)

    def note(self, job: Job, now: float, *, confirmed: bool) -> None:
        """Take in that a job which lived is gone.

        What is not confirmed, the next listing decides.
        """
        gone = GoneJob(
            key=job.key,
            job_name=job.job_name,
            name_digest=job.name_digest,
            job_kind=job.job_kind,
            last_state=job.state,
            start_timestamp=job.start_timestamp or job.created_timestamp,
            last_seen_timestamp=job.observed_timestamp,
            gone_timestamp=now,
        )
        if confirmed:
            self._keep(gone)
        else:
            self._leaving[job.key] = gone

    def note_listed(self, key: JobKey) -> None:
        """Take in that a listing has a job: whatever was said of it, it is there."""
        self._gone.pop(key, None)
        self._leaving.pop(key, None)

    def confirm(self, unlisted: Container[str]) -> None:
        """Take in that a listing has ended, in which these projects are not told of."""
        for key, gone in list(self._leaving.items()):
            if key.project not in unlisted:
                del self._leaving[key]
                self._keep(gone)

    def names(self) -> dict[_Name, list[GoneJob]]:
        """Return the jobs that are gone by what names them."""
        found: dict[_Name, list[GoneJob]] = {}
        for gone in (*self._gone.values(), *self._leaving.values()):
            found.setdefault((gone.key.project, gone.job_name, gone.name_digest), []).append(gone)
        return found

    def note_successor(self, gone: Iterable[GoneJob], started: float) -> None:
        """Take in that a run of the name of some began then: it is the next one, if it can be.

        One that ran beside it from before its own beginning has taken nobody's place.
        """
        for each in gone:
            is_later = each.start_timestamp is None or started > each.start_timestamp
            if is_later and started >= each.last_seen_timestamp - _OVERLAP:
                self.note_listed(each.key)

    def told(self, now: float) -> tuple[GoneJob, ...]:
        """Return what there is to tell, in a fixed order, and forget what is too old."""
        oldest = now - self._retention
        if any(gone.gone_timestamp < oldest for gone in self._gone.values()):
            self._gone = {
                key: gone for key, gone in self._gone.items() if gone.gone_timestamp >= oldest
            }
        return tuple(sorted(self._gone.values(), key=_order))

    def _keep(self, gone: GoneJob) -> None:
        self._gone.pop(gone.key, None)
        self._gone[gone.key] = gone
        if len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]


def _order(gone: GoneJob) -> tuple[str, str, str]:
    return gone.key.project, gone.job_name, gone.key.job_id
