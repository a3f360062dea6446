"""Walk listings of numbered rows that change while they are walked."""

from collections.abc import Callable
from typing import Any

from exporter.fields import Flaws
from exporter.model import Job
from exporter.source import Inventory
from exporter.vendors.huawei_inventory import PAGE_SIZE, Listing, Page, take_inventory
from tests.virtual_time import run


def job(job_id: str) -> Job:
    """Return a job that has an id and nothing else."""
    return Job(project="p", job_id=job_id, job_name=job_id, observed_timestamp=0.0)


class Rows:
    """A listing of numbered rows, with `offset` as rows or as pages."""

    def __init__(self, names: list[str], *, pages_from: int | None = None) -> None:
        self.names = names
        self.pages_from = pages_from
        self.offsets: list[int] = []
        self.total: int | None = -1
        self.before: Callable[[int], None] = lambda asked: None
        self.understand: Callable[[int], int] = lambda offset: offset

    async def fetch(self, offset: int) -> Page:
        self.before(len(self.offsets))
        self.offsets.append(offset)
        offset = self.understand(offset)
        first = offset if self.pages_from is None else (offset - self.pages_from) * PAGE_SIZE
        names = self.names[first : first + PAGE_SIZE] if first >= 0 else []
        total = len(self.names) if self.total == -1 else self.total
        return Page(jobs=tuple(map(job, names)), size=len(names), total=total)

    def take(self, *walks: Any) -> Inventory:
        listing = Listing("ListThings", self.fetch)

        async def walk(listing: Listing) -> None:
            for each in walks or (Listing.walk_rows,):
                if not listing.complete:
                    await each(listing)

        return run(take_inventory("p", Flaws(), listing, walk))


def numbered(count: int) -> list[str]:
    """Return the names of so many rows."""
    return [str(number) for number in range(count)]


def ids(inventory: Inventory) -> list[str]:
    """Return the ids of all jobs listed, in their order."""
    return [each.job_id for each in inventory.jobs]
