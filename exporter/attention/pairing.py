"""Put each job of a source beside what was last published of it."""

from collections.abc import Iterator

from exporter.attention.by_job import JobId, job_id
from exporter.model import Job

Pair = tuple[Job | None, Job | None]
"""What a job was, None when it was not there, and what it is, None when it is there no longer."""


def pairs(old: tuple[Job, ...], new: tuple[Job, ...]) -> Iterator[Pair]:
    """Yield all jobs of two snapshots: those of the new one in their order, then those that left.

    Yields pairs of nothing too, while it looks for what cannot be found side by side.
    """
    common = 0
    for was, job in zip(old, new, strict=False):
        # At nearly every poll the same jobs come in the same order.
        if was is not job and (was.job_id != job.job_id or was.project != job.project):
            break
        common += 1
        yield was, job
    known: dict[JobId, Job] = {}
    for was in old[common:]:
        known[job_id(was)] = was
        yield None, None
    for job in new[common:]:
        yield known.pop(job_id(job), None), job
    for was in known.values():
        yield was, None
