"""Remember how jobs ended whose Flink cluster is not there any more. No I/O happens here.

Such a job is in no listing, and what its witness said is said once. It stays for `ended_retention`,
failed ones too, and as long as no later life of its cluster has a job of the same id.
"""

from collections.abc import Iterable

from exporter.discovery.clusters import EndedCluster
from exporter.model import Job, JobKey, State

_MOST = 10_000


class Ends:
    """The ended jobs of clusters that left."""

    def __init__(self, retention: float) -> None:
        self._retention = retention
        self._jobs: dict[JobKey, tuple[Job, float]] = {}

    def add(self, job: Job, now: float) -> None:
        """Remember a job that has ended."""
        self._jobs.pop(job.key, None)
        self._jobs[job.key] = (job, job.end_timestamp or now)
        if len(self._jobs) > _MOST:
            del self._jobs[next(iter(self._jobs))]

    def get(self, key: JobKey) -> Job | None:
        """Return a job by its key."""
        found = self._jobs.get(key)
        return None if found is None else found[0]

    def forget(self, keys: Iterable[JobKey]) -> None:
        """Forget jobs that a cluster lists again."""
        for key in keys:
            self._jobs.pop(key, None)

    def rows(self, now: float) -> tuple[Job, ...]:
        """Return all of them as told now, and forget those that ended too long ago."""
        self._jobs = {
            key: (job, ended_at)
            for key, (job, ended_at) in self._jobs.items()
            if now - ended_at <= self._retention
        }
        return tuple(job.at(now) for job, _ in self._jobs.values())


def ended_job(job: Job, end: EndedCluster, now: float) -> Job:
    """Return the one job of a cluster, ended as the cluster is said to have ended."""
    return job._replace(
        state=end.state,
        native_status=end.native_status,
        end_timestamp=end.end_timestamp,
        state_since_timestamp=end.end_timestamp,
        error_text=end.error_text,
        duration_seconds=_seconds(job.start_timestamp, end.end_timestamp),
        updated_timestamp=None,
        tasks=(),
        observed_timestamp=now,
    )


def only_living(jobs: Iterable[Job]) -> Job | None:
    """Return the one job of a cluster, if it lives; None of many, which its end tells nothing of.

    That includes jobs that ended before: a cluster of several is none in application mode.
    """
    first, *others = (*jobs, None)
    return first if first is not None and len(others) == 1 and not first.ended else None


def told_states(end: EndedCluster) -> bool:
    """Say whether a witness knows how it ended."""
    return end.state is not State.UNKNOWN


def _seconds(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)
