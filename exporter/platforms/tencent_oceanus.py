"""Watch jobs of Tencent Cloud's Stream Compute Service, Oceanus: `oceanus` 2019-04-22.

Vendor pages: "DescribeJobs", "DescribeWorkSpaces", "DescribeJobEvents", data types; and, of Cloud
Monitor, "GetMonitorData" with the metrics of namespace QCE/TSTREAM.

The listing tells all that is known of a job: state, run, restarts, health, its last error. Details
cost nothing but with `monitor: true`, which brings the figures of fifty jobs at a time.
"""

import asyncio
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Annotated, Any, Self

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws
from exporter.model import Job, JobKey, State
from exporter.platforms import Platform
from exporter.source import Bill, CallCost, Details, Inventory, Source
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.vendors.tencent import events, monitor
from exporter.vendors.tencent.api import Service, invalid
from exporter.vendors.tencent.figures import MEASURED, FigureBook
from exporter.vendors.tencent.jobs import JobRow, job_reader, parse_jobs
from exporter.vendors.tencent.listing import PAGE_SIZE, Listings, Page, Reading
from exporter.vendors.tencent.memory import Memory
from exporter.vendors.tencent.monitor import Points, parse_points
from exporter.vendors.tencent.settings import (
    MONITOR,
    OCEANUS,
    TencentSettings,
    WorkSpaces,
    credentials,
)
from exporter.vendors.tencent.times import Zone, read_offset
from exporter.vendors.tencent.workspaces import LISTED_EVERY, WorkSpaceFinder

LIST = "DescribeJobs"
READ_MONITOR = "GetMonitorData"
_FREE_CALLS = 1_000_000
"""Of GetMonitorData, a month, for a main account with all that it watches."""
_DOLLARS_PER_CALL = 0.035 / 10_000


def _offset(text: str) -> str:
    try:
        read_offset(text)
    except ValueError as exc:
        raise PydanticCustomError("time_zone", "{reason}", {"reason": str(exc)}) from None
    return text


class Settings(TencentSettings):
    """Which work spaces are watched, all without `workspaces`, and whether Cloud Monitor is asked.

    `time_zone` is what the times of the API are in; without it running jobs tell.
    """

    workspaces: WorkSpaces = ()
    monitor: bool = False
    time_zone: Annotated[str, AfterValidator(_offset)] | None = None

    @model_validator(mode="after")
    def _monitor_is_somewhere(self) -> Self:
        if self.monitor and self.endpoint_of(MONITOR) is None:
            raise PydanticCustomError(
                "monitor_endpoint",
                "monitor_endpoint is required: endpoint is not a public one, and another cloud "
                "must not be asked",
            )
        return self


class OceanusSource:
    """The jobs of some work spaces, or of all of an account in one region."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._settings = settings
        self._connector = connector
        runtime = connector.runtime
        provider, guard = credentials(settings, connector)

        def service(name: str, version: str) -> Service:
            return Service(
                connector,
                name=name,
                version=version,
                endpoint=settings.endpoint_of(name) or "",
                region=settings.region,
                provider=provider,
                guard=guard,
            )

        self._oceanus = service(OCEANUS, "2019-04-22")
        self._monitor = service(MONITOR, "2018-07-24") if settings.monitor else None
        self._work_spaces = WorkSpaceFinder(self._oceanus, runtime.monotonic)
        self._listings = Listings(runtime.monotonic)
        zone = settings.time_zone
        self._memory = Memory(Zone(None if zone is None else read_offset(zone)))
        self._rows: dict[str, dict[JobKey, Job]] = {}
        self._figures = FigureBook(
            self._read_monitor, interval=settings.detail_interval, clock=runtime.clock
        )

    async def fetch_inventory(self) -> Inventory:
        """List the jobs of every work space, or ask for the configured ids.

        Raises FetchError when no work space answered.
        """
        flaws = Flaws()
        if self._settings.jobs.ids:
            return self._inventory(await self._ask_for_ids(flaws), (), flaws)
        spaces, doubt = self._settings.workspaces, None
        if not spaces:
            spaces, doubt = await self._work_spaces.find(flaws)
        readings = await asyncio.gather(*(self._list(space, spaces, flaws) for space in spaces))
        answers = dict(zip(spaces, readings, strict=True))
        refused = [each for each in answers.values() if isinstance(each, FetchError)]
        if refused and len(refused) == len(answers):
            raise refused[0]
        incomplete: list[tuple[str, FetchError]] = []
        listed: list[Job] = []
        for space, answer in answers.items():
            if isinstance(answer, FetchError):
                incomplete.append((space, answer))
                continue
            rows = [row for row in answer.rows if row.job.project == space]
            jobs = self._memory.settle(rows)
            listed += jobs
            if answer.failure is not None:
                incomplete.append((space, answer.failure))
            else:
                self._memory.keep(space, jobs)
                self._rows[space] = {}
            self._rows.setdefault(space, {}).update((job.key, job) for job in jobs)
        for space in self._rows.keys() - answers.keys():
            # A work space that is gone: whether its jobs are too is asked job by job.
            del self._rows[space]
        failures = () if doubt is None else (doubt,)
        inventory = self._inventory(listed, tuple(incomplete), flaws, failures)
        self._figures.keep(key for rows in self._rows.values() for key in rows)
        return inventory

    async def fetch_details(self, job: Job) -> Details:
        """Tell what the listing does not: why a job failed, and the figures of one that runs.

        Raises FetchError; `gone` when the platform does not know a job that is not listed.
        """
        flaws = Flaws()
        known = self._rows.get(job.project, {}).get(job.key) or await self._confirm(job, flaws)
        failures: tuple[FetchError, ...] = ()
        withdrawn: tuple[str, ...] = ()
        if known.state is State.FAILED and not known.error_text:
            known, failures = await self._explain(known, flaws)
        elif known.state is State.RUNNING and self._monitor is not None:
            failures = await self._figures.refresh(known, self._running(), flaws)
            known = self._figures.apply(known)
            withdrawn = tuple(name for name in MEASURED if getattr(known, name) in (None, ()))
        return Details(job=known, flaws=flaws, failures=failures, withdrawn=withdrawn)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()

    def _inventory(
        self,
        jobs: Iterable[Job],
        incomplete: tuple[tuple[str, FetchError], ...],
        flaws: Flaws,
        failures: tuple[FetchError, ...] = (),
    ) -> Inventory:
        # The same id in two work spaces is two jobs; twice in one it is the later row.
        found = {job.key: self._figures.apply(job) for job in jobs}
        return Inventory(
            jobs=tuple(found.values()), incomplete=incomplete, failures=failures, flaws=flaws
        )

    async def _list(
        self, space: str, spaces: tuple[str, ...], flaws: Flaws
    ) -> Reading[JobRow] | FetchError:
        async def fetch(offset: int) -> Page[JobRow]:
            asked = {"WorkSpaceId": space, "Offset": offset, "Limit": PAGE_SIZE}
            return await self._page(asked, space, flaws, spaces)

        try:
            return await self._listings.read(LIST, space, fetch)
        except FetchError as exc:
            return exc

    async def _page(
        self,
        asked: Mapping[str, object],
        space: str,
        flaws: Flaws,
        spaces: tuple[str, ...] = (),
    ) -> Page[JobRow]:
        clock = self._connector.runtime.clock
        rows = RowReader(
            paths=[("Response", "JobSet")],
            start=lambda: job_reader(space, clock(), flaws, spaces),
        )
        response = await self._oceanus.ask(LIST, asked, rows)
        page = parse_jobs(response, space, clock(), flaws, spaces)
        return Page(
            rows=tuple((row.job.job_id, row) for row in page.rows),
            size=page.size,
            total=page.total,
        )

    async def _ask_for_ids(self, flaws: Flaws) -> tuple[Job, ...]:
        ids = tuple(dict.fromkeys(self._settings.jobs.ids))
        chunks = [ids[begin : begin + PAGE_SIZE] for begin in range(0, len(ids), PAGE_SIZE)]
        pages = await asyncio.gather(*(self._by_ids(chunk, "", flaws) for chunk in chunks))
        jobs = self._memory.settle(row for rows in pages for row in rows)
        for job_id in sorted(set(ids) - {job.job_id for job in jobs}):
            flaws.note(f"jobs.ids {job_id}", "a job that exists")
        self._rows = {}
        for job in jobs:
            self._rows.setdefault(job.project, {})[job.key] = job
        return jobs

    async def _by_ids(self, ids: tuple[str, ...], space: str, flaws: Flaws) -> list[JobRow]:
        """Return those of some jobs that exist. Raises FetchError when the answer is of others."""
        asked: dict[str, object] = {"JobIds": list(ids), "Limit": PAGE_SIZE}
        if space:
            asked["WorkSpaceId"] = space
        try:
            page = await self._page(asked, space, flaws)
        except UnreadableError as exc:
            raise invalid(LIST, str(exc)) from exc
        found = [row for _, row in page.rows if row.job.job_id in ids]
        if page.size and len(found) < page.size:
            raise invalid(LIST, "expected the jobs asked for, and no others")
        return found

    async def _confirm(self, job: Job, flaws: Flaws) -> Job:
        """Look for a job that the last listing did not have."""
        try:
            rows = await self._by_ids((job.job_id,), job.project, flaws)
        except FetchError as exc:
            if exc.reason is not Reason.NOT_FOUND or exc.gone:
                raise
            # It is the work space that is not there: the id alone tells of the job.
            rows = await self._by_ids((job.job_id,), "", flaws)
        if not rows:
            raise FetchError(Reason.NOT_FOUND, LIST, detail="no such job", gone=True)
        return self._memory.settle(rows)[0]

    async def _explain(self, job: Job, flaws: Flaws) -> tuple[Job, tuple[FetchError, ...]]:
        now = self._connector.runtime.clock()
        try:
            response = await self._oceanus.ask(events.OPERATION, events.question(job, now))
            return events.parse_failure(response, job, flaws), ()
        except FetchError as exc:
            return job, (exc,)
        except UnreadableError as exc:
            return job, (invalid(events.OPERATION, str(exc)),)

    def _running(self) -> list[Job]:
        return [
            job
            for rows in self._rows.values()
            for job in rows.values()
            if job.state is State.RUNNING
        ]

    async def _read_monitor(self, asked: Mapping[str, object], flaws: Flaws) -> dict[str, Points]:
        response: Mapping[str, Any] = {}
        if self._monitor is not None:
            response = await self._monitor.ask(READ_MONITOR, asked)
        try:
            return parse_points(response, flaws)
        except UnreadableError as exc:
            raise invalid(READ_MONITOR, str(exc)) from exc


def _open(settings: Settings, connector: Connector) -> Source:
    return OceanusSource(settings, connector)


def _cost(settings: Settings, jobs: int) -> CallCost:
    if settings.jobs.ids:
        listing = float(ceil(len(set(settings.jobs.ids)) / PAGE_SIZE))
    else:
        spaces = max(1, len(settings.workspaces))
        listing = float(spaces * max(1, ceil(jobs / spaces / PAGE_SIZE)))
        if not settings.workspaces:
            listing += settings.poll_interval / max(LISTED_EVERY, settings.poll_interval)
    if not settings.monitor or not jobs:
        return CallCost(per_inventory=listing, per_details=0)
    calls = len(monitor.METRICS) * ceil(jobs / monitor.MOST_JOBS_PER_CALL) / jobs
    bill = Bill(
        what=f"calls of {READ_MONITOR}",
        per_details=calls,
        free_per_month=_FREE_CALLS,
        dollars_each=_DOLLARS_PER_CALL,
    )
    return CallCost(per_inventory=listing, per_details=calls, bill=bill)


PLATFORM = Platform(name="tencent_oceanus", settings=Settings, open=_open, cost=_cost)
