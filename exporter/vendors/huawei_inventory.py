"""Take inventory of Huawei Cloud jobs: walk a listing, or ask for given ids one by one.

Listings have `limit` and `offset` and no cursor, so rows move between pages while jobs come and
go. Jobs are therefore kept by id, and a listing that grew shorter is looked at again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws, Record, read_rows, row_reader
from exporter.model import Job
from exporter.source import MOST_JOBS, Inventory
from exporter.upstream.client import NOT_THE_API

PAGE_SIZE = 100
"""The most rows a page may have; without a limit pages have ten."""
_AT_ONCE = 8
"""Pages of a long listing that are asked for at the same time."""
_MOST_PAGES = MOST_JOBS // PAGE_SIZE
"""No project has so many jobs: whatever goes on for longer does not end."""

_MOST_STEPS_BACK = 50
"""Nobody deletes so many jobs one by one while they are listed: such a total is no total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a listing; `size` counts its rows, also those that could not be read."""

    jobs: tuple[Job, ...]
    size: int
    total: int | None


FetchPage = Callable[[int], Awaitable[Page]]


def read_page(
    listing: object,
    place: str,
    total_name: str,
    parse_row: Callable[[Record], Job | None],
    flaws: Flaws,
) -> Page:
    """Read the rows of a page from its `jobs`; a row that `parse_row` cannot name is left out.

    Raises UnreadableError when there is no list: that is no empty one, which would take every job
    away. Only beside a total may it be absent or null.
    """
    rows = listing.get("jobs") if isinstance(listing, Mapping) else None
    record = Record(listing, place, flaws)
    total = record.count(total_name)
    if not isinstance(rows, list) and (rows is not None or total is None):
        raise UnreadableError(f"{place}.jobs: expected a list")
    jobs = read_rows(rows or [], row_reader(f"{place}.jobs", parse_row, flaws))
    return Page(jobs=tuple(job for job in jobs if job is not None), size=len(jobs), total=total)


class Listing:
    """The jobs of a listing as they are collected, page by page."""

    def __init__(self, operation: str, fetch: FetchPage) -> None:
        self._operation = operation
        self._fetch = fetch
        self._jobs: dict[str, Job] = {}
        self._total: int | None = None
        self._unreadable = 0
        self._pages = 0
        self._ended = False
        self._ahead: dict[int, Page | BaseException] = {}
        self.complete = False
        """Whether as many rows arrived as the platform says there are."""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Return what has arrived so far, each job once."""
        return tuple(self._jobs.values())

    @property
    def started(self) -> bool:
        """Say whether any page has arrived."""
        return self._pages > 0

    async def walk_rows(self) -> None:
        """Collect the listing with `offset` as the number of rows to leave out."""
        offset, stepped_back, steps_back = 0, False, 0
        # Of this walk alone: after another reading of `offset` every job may be known already.
        seen: set[str] = set()
        while True:
            total = self._total
            page, _ = await self._turn(offset)
            fresh = {job.job_id for job in page.jobs} - seen
            seen |= fresh
            vanished = 0 if total is None or page.total is None else total - page.total
            if vanished > 0:
                # Jobs were deleted and the rows behind them moved up, perhaps over the edge of a
                # page that we have seen: go back as far as they can have moved. What was asked
                # for at the same time is no longer where it was.
                self._ahead.clear()
                steps_back += 1
                if steps_back > _MOST_STEPS_BACK:
                    detail = f"the total became smaller {steps_back} times"
                    raise FetchError(Reason.INVALID_RESPONSE, self._operation, detail=detail)
                offset, stepped_back = max(0, offset - vanished), True
                continue
            if page.size == 0:
                self.complete = self._reached_end(page, offset)
                return
            if not fresh and not stepped_back:
                return
            stepped_back = False
            offset += page.size
            if self._reached_end(page, offset):
                self.complete = True
                return
            await self._look_ahead(page, offset)

    async def walk_pages(self) -> None:
        """Collect the listing with `offset` as the number of a page, the first being 0 or 1.

        Ends early when pages overlap, since `offset` counts rows then.
        """
        number, repeated = (0 if self.started else -1), False
        while True:
            number += 1
            page, fresh = await self._turn(number)
            if page.size == 0 and number > 0:
                return
            known = len(page.jobs) - fresh
            if known > fresh:
                # Page 1 can be page 0 once more; anything else like it is no page of its own.
                if fresh or repeated:
                    return
                repeated = True
            if self._reached_end(page, None):
                self.complete = True
                return

    def shortfall(self) -> FetchError | None:
        """Return why what arrived is not the whole listing, or None when it is.

        Totals count more than is listed at times, so an empty page ends a listing as well.
        """
        have = len(self._jobs) + self._unreadable
        if self.complete or (self._ended and (have or not self._total)):
            return None
        if self._total is not None and have >= self._total:
            return None
        of_total = "" if self._total is None else f" of {self._total}"
        detail = f"the listing repeats itself after {have}{of_total} jobs"
        return FetchError(Reason.INVALID_RESPONSE, self._operation, detail=detail)

    async def _look_ahead(self, page: Page, offset: int) -> None:
        """Ask for the pages that follow at the same time, as far as there must be some.

        Not before a second page has shown that `offset` counts rows. Nothing is lost by it:
        whatever order they are answered in, a job can only have moved from one page to the one
        before when the second of the two tells a smaller total.
        """
        end = min(page.total or 0, offset + _AT_ONCE * PAGE_SIZE)
        offsets = range(offset, end, PAGE_SIZE)
        known = self._pages > 1 and page.size == PAGE_SIZE
        if not known or offset in self._ahead or len(offsets) < 2:
            return
        pages = await asyncio.gather(*map(self._fetch, offsets), return_exceptions=True)
        self._ahead = dict(zip(offsets, pages, strict=True))

    async def _turn(self, offset: int) -> tuple[Page, int]:
        """Fetch one page and keep its jobs; return it and how many of them are new."""
        if self._pages >= _MOST_PAGES:
            detail = f"the listing has not ended after {_MOST_PAGES} pages"
            raise FetchError(Reason.INVALID_RESPONSE, self._operation, detail=detail)
        try:
            page = await self._next(offset)
        except UnreadableError as exc:
            detail = f"{exc}; {NOT_THE_API}"
            raise FetchError(Reason.INVALID_RESPONSE, self._operation, detail=detail) from exc
        before = len(self._jobs)
        self._jobs |= {job.job_id: job for job in page.jobs}
        if len(self._jobs) > MOST_JOBS:
            detail = f"the listing has more than {MOST_JOBS} jobs"
            raise FetchError(Reason.INVALID_RESPONSE, self._operation, detail=detail)
        self._pages += 1
        self._unreadable += page.size - len(page.jobs)
        self._ended = self._ended or page.size == 0
        if page.total is not None:
            self._total = page.total
        return page, len(self._jobs) - before

    async def _next(self, offset: int) -> Page:
        ready = self._ahead.pop(offset, None)
        if ready is None:
            return await self._fetch(offset)
        if isinstance(ready, BaseException):
            raise ready
        return ready

    def _reached_end(self, page: Page, rows_passed: int | None) -> bool:
        have = len(self._jobs) + self._unreadable
        passed = have if rows_passed is None else min(have, rows_passed)
        if page.total is None or page.total < (rows_passed or 0):
            # Without a total that can be true only a page that is not full tells.
            return 0 < page.size < PAGE_SIZE
        return passed >= page.total


async def take_inventory(
    project: str, flaws: Flaws, listing: Listing, walk: Callable[[Listing], Awaitable[None]]
) -> Inventory:
    """Walk a listing and return what arrived of it.

    Raises FetchError when not even the first page did.
    """
    failure: FetchError | None
    try:
        await walk(listing)
        failure = listing.shortfall()
    except FetchError as exc:
        if not listing.started:
            raise
        failure = exc
    incomplete = () if failure is None else ((project, failure),)
    return Inventory(jobs=listing.jobs, incomplete=incomplete, flaws=flaws)


async def ask_for_each(
    project: str, flaws: Flaws, job_ids: Iterable[str], ask: Callable[[str], Awaitable[Job]]
) -> Inventory:
    """Ask for each job by its id, all at once; leave out those that do not exist.

    Raises FetchError when every question failed.
    """

    async def try_one(job_id: str) -> Job | FetchError:
        try:
            return await ask(job_id)
        except FetchError as exc:
            return exc

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(try_one(job_id)) for job_id in dict.fromkeys(job_ids)]
    answers = [task.result() for task in tasks]
    failures = [each for each in answers if isinstance(each, FetchError) and not each.gone]
    if failures and len(failures) == len(answers):
        raise failures[0]
    return Inventory(
        jobs=tuple({each.key: each for each in answers if isinstance(each, Job)}.values()),
        incomplete=tuple((project, failure) for failure in failures),
        flaws=flaws,
    )
