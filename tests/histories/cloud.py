"""A cloud that answers from the truth, with the manners of its kind and whatever weather there is.

Listings are paged and put together by the exporter's own readers; only the pages are made here.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job, JobKey
from exporter.pacing import Clock, Sleep
from exporter.source import Details, Inventory
from exporter.upstream.connector import Connector
from exporter.upstream.refusals.plain import read_refusal
from exporter.vendors.alibaba_listing import Listed
from exporter.vendors.alibaba_listing import Page as NumberedPage
from exporter.vendors.huawei_inventory import Page as PageOfRows
from exporter.vendors.tencent.listing import Page as ShortPage
from tests.histories import answers
from tests.histories.clouds import Kind, Paging
from tests.histories.history import Weather
from tests.histories.parts import Parts
from tests.histories.truth import PROJECTS, Facts, JobTruth, Truth

RETRY_AFTER = 45.0
_MOMENT = 1e-3


class Listener(Protocol):
    """Who hears what the cloud says."""

    def listing_begins(self, now: float) -> None:
        """Hear that the cloud is asked for a listing."""

    def listed(self, inventory: Inventory, begun: float, now: float) -> None:
        """Hear what a listing has brought."""

    def listing_failed(self, error: Exception, now: float) -> None:
        """Hear that it has brought nothing."""

    def answered(self, job: Job, *, whole: bool, then: float, now: float) -> None:
        """Hear what was said of one job."""

    def refused(self, key: JobKey, error: FetchError, now: float) -> None:
        """Hear that nothing was said of one job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Some weather from one moment to another."""

    weather: Weather
    begins: float
    ends: float
    job: JobTruth | None = None


class Sky:
    """The weather as it comes and goes."""

    def __init__(self) -> None:
        self.spells: list[Spell] = []

    def at(self, weather: Weather, now: float) -> bool:
        """Say whether there is such weather now."""
        return any(each.weather is weather for each in self._now(now))

    def hides(self, job: JobTruth, now: float) -> bool:
        """Say whether a listing leaves a job out."""
        return any(each.weather is Weather.HIDDEN and each.job is job for each in self._now(now))

    def during(self, weather: Weather, begin: float, end: float) -> bool:
        """Say whether there was such weather between two moments."""
        return any(
            each.weather is weather and each.begins <= end and each.ends >= begin
            for each in self.spells
        )

    def clears(self, weather: Weather, now: float) -> bool:
        """Say whether such weather ends in this moment."""
        return any(
            each.weather is weather and abs(each.ends - now) < _MOMENT for each in self.spells
        )

    async def hold_up(self, clock: Clock, sleep: Sleep) -> None:
        """Let a request wait until nothing hangs any more."""
        while hanging := [
            each.ends for each in self._now(clock()) if each.weather is Weather.HANGS
        ]:
            await sleep(max(hanging) - clock())

    def any_during(self, begin: float, end: float) -> bool:
        """Say whether there was any weather between two moments."""
        return any(each.begins <= end and each.ends >= begin for each in self.spells)

    def _now(self, now: float) -> Iterator[Spell]:
        return (each for each in self.spells if each.begins <= now < each.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a cloud is made in."""

    truth: Truth
    sky: Sky
    clock: Clock
    """Seconds of the story."""
    sleep: Sleep
    latency: float
    page_size: int
    listener: Listener
    parts: Parts


Rows = Callable[[int, str], Awaitable[list[tuple[JobTruth, Job]]]]


class PagesByToken:
    """The rows of one listing by their names: each page tells its last, where the next begins."""

    def __init__(self, rows: Rows, page_size: int) -> None:
        """Take what fetches all rows as they are, given how many pages came before.

        `told` holds the rows that were sent.
        """
        self._rows = rows
        self._page_size = page_size
        self._pages = 0
        self.told: dict[str, Job] = {}

    async def ask(self, operation: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a page of ListApplications."""
        rows = await self._rows(self._pages, PROJECTS[0])
        self._pages += 1
        after = fields.get("NextToken", "")
        rest = sorted(
            (row for _, row in rows if row.job_name > after), key=lambda row: row.job_name
        )
        page = rest[: self._page_size]
        self.told |= {row.job_name: row for row in page}
        answer: dict[str, Any] = {
            "ApplicationSummaries": [
                {"ApplicationName": row.job_name, "ApplicationStatus": row.native_status}
                for row in page
            ]
        }
        return answer | ({"NextToken": page[-1].job_name} if len(rest) > len(page) else {})


class Cloud:
    """The jobs of one account, as the collector asks for them."""

    def __init__(self, kind: Kind, around: Surroundings, connector: Connector) -> None:
        self._kind = kind
        self._around = around
        self._connector = connector
        self._listings = around.parts.listings()
        self._short_pages = around.parts.short_pages(around.clock, page_size=around.page_size)
        self._api = connector.api("http://story", read_refusal=read_refusal)

    async def fetch_inventory(self) -> Inventory:
        """List the jobs, page by page."""
        around = self._around
        begun = around.clock()
        around.listener.listing_begins(begun)
        try:
            inventory = await self._list()
        except Exception as exc:
            around.listener.listing_failed(exc, around.clock())
            raise
        around.listener.listed(inventory, begun, around.clock())
        return inventory

    async def fetch_details(self, job: Job) -> Details:
        """Tell of one job."""
        around, now = self._around, self._around.clock()
        known = self._listings.row(job.key) if self._kind.details_are_rows else None
        try:
            if known is None:
                await self._wait("Show")
                now = around.clock()
                self._refuse_if_it_storms(now)
                known, whole, then = self._tell(job.key, now)
            else:
                whole, then = True, known.observed_timestamp
        except FetchError as exc:
            around.listener.refused(job.key, exc, now)
            raise
        around.listener.answered(known, whole=whole, then=then, now=now)
        failures = () if whole else (FetchError(Reason.SERVER, "ShowPart", status=500),)
        return Details(job=known, flaws=Flaws(), failures=failures)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()

    async def _list(self) -> Inventory:
        parts, flaws = self._around.parts, Flaws()
        if self._kind.paging is Paging.NONE:
            rows = [row for _, row in await self._rows(0, PROJECTS[0])]
            return Inventory(jobs=tuple(rows), flaws=flaws)
        if self._kind.paging is Paging.BY_TOKEN:
            return await self._list_by_tokens(flaws)
        if self._kind.paging is Paging.BY_ROWS:
            rows_of = parts.rows("List", self._page_of_rows)
            inventory: Inventory = await parts.take_inventory(
                PROJECTS[0], flaws, rows_of, parts.rows.walk_rows
            )
            return inventory
        return await self._listings.gather(PROJECTS, self._list_project)

    async def _list_by_tokens(self, flaws: Flaws) -> Inventory:
        pages = PagesByToken(self._rows, self._around.page_size)
        control = self._around.parts.control_plane(pages)
        found, failure = await control.applications(flaws)
        incomplete = () if failure is None else ((PROJECTS[0], failure),)
        jobs = tuple(pages.told[name] for name in found)
        return Inventory(jobs=jobs, incomplete=incomplete, flaws=flaws)

    async def _list_project(self, project: str, flaws: Flaws) -> Listed:
        async def fetch(index: int) -> NumberedPage[Job]:
            begin = (index - 1) * self._around.page_size
            rows = await self._rows(begin, project)
            # The newest first.
            page = rows[::-1][begin : begin + self._around.page_size]
            return NumberedPage(rows=tuple((row.job_id, row) for _, row in page), total=len(rows))

        async def fetch_batch(index: int) -> NumberedPage[Job]:
            await self._rows(0, project)
            return NumberedPage(rows=(), total=0)

        if self._kind.paging is Paging.BY_SHORT_PAGE:
            return await self._list_short_pages(project)
        jobs: list[Job] = []
        failure = None
        # Whether one listing fails or not, the other is asked for.
        for fetch_page in (fetch, fetch_batch) if self._kind.batch_listing else (fetch,):
            try:
                jobs += await self._around.parts.read_pages("List", fetch_page)
            except FetchError as exc:
                failure = failure or exc
        return Listed(jobs=tuple(jobs), failure=failure)

    async def _list_short_pages(self, project: str) -> Listed:
        async def fetch(offset: int) -> ShortPage[Job]:
            rows = await self._rows(offset, project)
            page = rows[offset : offset + self._around.page_size]
            # Of all projects, whichever is asked for.
            total = sum(1 for _ in self._existing(self._around.clock()))
            return ShortPage(
                rows=tuple((row.job_id, row) for _, row in page), size=len(page), total=total
            )

        reading = await self._short_pages.read("List", project, fetch)
        return Listed(jobs=reading.rows, failure=reading.failure)

    async def _page_of_rows(self, offset: int) -> PageOfRows:
        rows = await self._rows(offset, PROJECTS[0])
        page = rows[offset : offset + self._around.page_size]
        return PageOfRows(jobs=tuple(row for _, row in page), size=len(page), total=len(rows))

    async def _rows(self, offset: int, project: str) -> list[tuple[JobTruth, Job]]:
        """Return all rows of a project as they are by the time the answer leaves."""
        around = self._around
        await self._wait("List")
        now = around.clock()
        self._refuse_if_it_storms(now)
        if around.sky.at(Weather.LISTING_FAILS, now):
            raise FetchError(Reason.TIMEOUT, "List")
        if around.sky.at(Weather.UNREADABLE, now):
            raise KeyError("jobs")
        if offset and around.sky.at(Weather.PAGES_FAIL, now):
            raise FetchError(Reason.SERVER, "List", status=502)
        if project == PROJECTS[1] and around.sky.at(Weather.PROJECT_FAILS, now):
            raise FetchError(Reason.AUTH, "List", status=403)
        return [
            (job, answers.row(self._kind, job, facts, now))
            for job, facts in self._existing(now)
            if job.project == project and not around.sky.hides(job, now)
        ]

    async def _wait(self, operation: str) -> None:
        """Wait for an answer: the real client does it where there is none to come."""
        around = self._around
        await around.sleep(around.latency)
        if around.sky.at(Weather.HANGS, around.clock()):
            await self._api.get(operation, ("hangs",))

    def _refuse_if_it_storms(self, now: float) -> None:
        if self._around.sky.at(Weather.OUTAGE, now):
            raise FetchError(Reason.CONNECTION, "Any")
        if self._around.sky.at(Weather.THROTTLED, now):
            raise FetchError(Reason.THROTTLED, "Any", status=429, retry_after=RETRY_AFTER)

    def _tell(self, key: JobKey, now: float) -> tuple[Job, bool, float]:
        around, kind = self._around, self._kind
        if around.sky.at(Weather.DETAILS_FAIL, now):
            raise FetchError(Reason.TIMEOUT, "Show")
        if around.sky.at(Weather.DETAILS_REFUSED, now):
            raise FetchError(Reason.AUTH, "Show", status=403)
        whole = not around.sky.at(Weather.DETAILS_IN_PART, now)
        for job, facts in self._existing(now):
            if key == JobKey(project=job.project, job_id=answers.job_id(kind, job, facts)):
                if kind.details_are_rows:
                    return answers.row(kind, job, facts, now), True, now
                then = max(job.created, now - kind.details_lag)
                old = job.at(then) or facts
                said = answers.details(kind, job, old, then=then, now=now, whole=whole)
                return said, whole, then
        raise FetchError(Reason.NOT_FOUND, "Show", status=404, gone=True)

    def _existing(self, now: float) -> Iterator[tuple[JobTruth, Facts]]:
        for job in self._around.truth.jobs:
            facts = job.at(now)
            if facts is not None:
                yield job, facts
