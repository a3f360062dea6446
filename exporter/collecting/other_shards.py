"""Remember the names of the jobs that other shards export: any of them may be an expected one."""

from collections.abc import Container, Iterator
from dataclasses import dataclass

from exporter.model import JobKey
from exporter.process.steps import Steps

_JOBS_PER_STEP = 1000


@dataclass(slots=True)
class _OtherShardJob:
    name: str
    missing: int = 0
    """How many complete listings in a row lacked it."""


class OtherShardJobs:
    """The jobs of one source that are not this shard's."""

    def __init__(self) -> None:
        self._jobs: dict[JobKey, _OtherShardJob] = {}

    def note(self, key: JobKey, name: str) -> None:
        """Take in that a listing has such a job."""
        self._jobs[key] = _OtherShardJob(name)

    def names(self) -> Iterator[str]:
        """Return the names of them all."""
        return (other.name for other in self._jobs.values())

    def forget(self, seen: Container[JobKey], unlisted: Container[str]) -> Steps[None]:
        """Let go, in steps, of those that two listings of their projects lacked."""
        for count, (key, other) in enumerate(list(self._jobs.items()), start=1):
            if count % _JOBS_PER_STEP == 0:
                yield
            if key not in seen and key.project not in unlisted:
                other.missing += 1
                if other.missing >= 2:
                    del self._jobs[key]
