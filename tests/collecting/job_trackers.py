"""Keep ledgers for tests, and say in a word what they show and ask."""

from random import Random
from typing import Any

from exporter.collecting.detail_queue import DetailQueue
from exporter.collecting.job_tracker import JobTracker
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job, JobKey
from exporter.source import Inventory, JobSelection, SourceSettings

DAY = 86400.0


def job_tracker(*, supersedes: bool = False, selection: Any = None, **settings: Any) -> JobTracker:
    """Return an empty tracker of a source with these settings."""
    return JobTracker(
        SourceSettings(
            name="s", platform="x", jobs=JobSelection.model_validate(selection or {}), **settings
        ),
        supersedes=supersedes,
        random=Random(1),
    )


def listing(*jobs: Job, incomplete: str = "") -> Inventory:
    """Return what a listing tells, incomplete where a project is named."""
    failed = ((incomplete, FetchError(Reason.SERVER, "List")),) if incomplete else ()
    return Inventory(jobs=jobs, incomplete=failed, flaws=Flaws())


def names(jobs: tuple[Job, ...]) -> list[str]:
    """Return the names of jobs, in their order."""
    return [each.job_name for each in jobs]


def asked(detail_queue: DetailQueue) -> list[str]:
    """Return whom a queue asks about, in its order."""
    return names(tuple(detail_queue.in_order()))


def key(name: str) -> JobKey:
    """Return the key of the job of that name."""
    return JobKey(project="p", job_id=name)
