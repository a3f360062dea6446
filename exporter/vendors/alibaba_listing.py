"""Read paged listings of Alibaba Cloud whole, and remember what each project's last one said.

Both products page by number (`pageIndex` from 1), so a row that is added or deleted while pages
are read shifts all later ones: some are seen twice, or not at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.errors import FetchError
from exporter.fields import Flaws
from exporter.model import Job, JobKey
from exporter.source import MOST_JOBS, Inventory
from exporter.vendors.alibaba import invalid

PAGE_SIZE = 100
_MOST_PAGES = MOST_JOBS // PAGE_SIZE

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page: its rows by id, how many more could not be read, and how many there are in all."""

    rows: tuple[tuple[str, Row], ...]
    unreadable: int = 0
    total: int | None = None


FetchPage = Callable[[int], Awaitable[Page[Row]]]


async def read_pages(operation: str, fetch: FetchPage[Row]) -> list[Row]:
    """Return every row of a listing once, given what fetches the page of a number.

    When rows shifted meanwhile (the total changed, or fewer rows came than it says) the listing is
    read once more and both readings are joined. A listing that is short the same way twice is
    taken as it is: its total then counts something else. Raises FetchError when the two readings
    differ and are still short, or when there is no end to the pages.
    """
    found: dict[str, Row] = {}
    first = await _read_once(operation, fetch, found)
    if first.whole:
        return list(found.values())
    second = await _read_once(operation, fetch, found)
    missing = (second.total or 0) - len(found) - second.unreadable
    if not second.whole and missing > 0 and second.ids != first.ids:
        raise invalid(operation, f"the listing kept changing, {missing} of {second.total} missing")
    return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    ids: frozenset[str]
    unreadable: int
    total: int | None
    whole: bool


async def _read_once(operation: str, fetch: FetchPage[Row], found: dict[str, Row]) -> _Reading:
    ids: set[str] = set()
    unreadable = 0
    totals: set[int | None] = set()
    for index in range(1, _MOST_PAGES + 1):
        page = await fetch(index)
        fresh = {row_id for row_id, _ in page.rows} - ids
        ids |= fresh
        found.update(page.rows)
        if len(found) > MOST_JOBS:
            raise invalid(operation, f"the listing has more than {MOST_JOBS} jobs")
        unreadable += page.unreadable
        totals.add(page.total)
        enough = page.total is not None and len(ids) + unreadable >= page.total
        # Some servers answer every number with the same page, or with the last one. The page size
        # tells nothing: servers have smaller limits than what they are asked for.
        if enough or not (fresh or (page.unreadable and page.total is not None)):
            whole = len(totals) == 1 and (enough or page.total is None)
            return _Reading(
                ids=frozenset(ids), unreadable=unreadable, total=page.total, whole=whole
            )
    raise invalid(operation, f"no end after {_MOST_PAGES} pages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What one project or namespace answered: its jobs, and why some may be missing."""

    jobs: tuple[Job, ...] = ()
    failure: FetchError | None = None


class Listings:
    """Gather the listings of a source's projects and keep the latest row of each job."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Job]] = {}

    def row(self, key: JobKey) -> Job | None:
        """Return the row of a job in its project's last listing; None when it was not there."""
        return self._rows.get(key.project, {}).get(key.job_id)

    async def gather(
        self, places: Iterable[str], fetch: Callable[[str, Flaws], Awaitable[Listed]]
    ) -> Inventory:
        """Ask all projects at the same time; one that fails does not hurt the others.

        Raises FetchError, the first one, when every project failed and nothing arrived.
        """
        flaws = Flaws()

        async def ask(place: str) -> Listed:
            try:
                return await fetch(place, flaws)
            except FetchError as exc:
                return Listed(failure=exc)

        async with asyncio.TaskGroup() as group:
            tasks = {place: group.create_task(ask(place)) for place in places}
        answers = {place: task.result() for place, task in tasks.items()}
        jobs = tuple(job for listed in answers.values() for job in listed.jobs)
        failures = [(p, listed.failure) for p, listed in answers.items() if listed.failure]
        if not jobs and len(failures) == len(answers):
            raise failures[0][1]
        for place, listed in answers.items():
            self._remember(place, listed)
        return Inventory(jobs=jobs, incomplete=tuple(failures), flaws=flaws)

    def _remember(self, place: str, listed: Listed) -> None:
        rows = {job.job_id: job for job in listed.jobs}
        # What a failed listing does not show may well be there still.
        kept = self._rows.get(place, {}) if listed.failure else {}
        self._rows[place] = {**kept, **rows}
