"""Watch Blink jobs of Alibaba Cloud Realtime Compute: `foas`, version 2018-11-11.

Vendor pages: "ListInstance", "BatchGetInstanceRunSummary", "GetInstance"
(GET /api/v2/projects/{projectName}/jobs/{jobName}/instances/{instanceId}).

A job is its name: each start archives its instance and makes a new one. The plan is the cheapest
that is sound. ListInstance gives all that GetInstance does but AutoScaleParams, also of jobs that
do not run, so a listed job needs no call of its own. Jobs configured by name are asked for in bulk
by BatchGetInstanceRunSummary, whose rows have no times; only those that run then cost a
GetInstance, which fails for all others, with a code nobody documents: a 4xx of foas itself, not of
the gateway before it, means "not running" there. Whether a job that left the listing is gone is
asked of the run summaries too, which leave out what does not exist.

Batch jobs are watched as well (`batch: false` turns it off): two of the six documented states are
theirs alone, a failed one would otherwise go unseen, and one more call per project and poll is the
price, since ListInstance wants a job type.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any, Self

from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth import canonical
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record, read_rows
from exporter.model import Job, State, StateMap, look_up
from exporter.platforms import Platform
from exporter.settings import region_such_as
from exporter.source import CallCost, Details, Inventory, Source
from exporter.upstream.client import NOT_THE_API
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals.alibaba import names_no_such_api
from exporter.vendors.alibaba import (
    AlibabaSettings,
    Places,
    Product,
    error_class,
    foas_endpoint,
    invalid,
    list_paths,
    read_list,
    split_ids,
    upper_camel,
    usable_in_path,
)
from exporter.vendors.alibaba_listing import PAGE_SIZE, Listed, Listings, Page, read_pages

STATES: StateMap = {
    "unknown": State.CREATED,  # Put online and never started.
    "waiting": State.STARTING,
    "running": State.RUNNING,
    "failed": State.FAILED,
    "terminated": State.STOPPED,
    "paused": State.SUSPENDED,
    "success": State.FINISHED,
}
_EXPECTED_RUNNING = {
    "running": True,
    "paused": False,
    "terminated": False,
    "success": False,
    "failed": False,
}

_STREAM, _BATCH = "FLINK_STREAM", "FLINK_BATCH"
_NO_DELAY = -99_999_999
_LONGEST_NAMES = 2000
"""Encoded characters of job names in one URL, well below what gateways take."""


class Settings(AlibabaSettings):
    """Where the Blink projects are, and which.

    `region_id` is sent as the header RegionId, which only private clouds read.
    """

    projects: Places
    batch: bool = True
    region_id: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$"),
            region_such_as("cn-shanghai", "id"),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _ids_are_names(self) -> Self:
        for names in split_ids(self.jobs.ids, self.projects).values():
            # Run summaries take names joined by commas.
            if any("," in name for name in names):
                raise PydanticCustomError("ids", "jobs.ids: a job name holds no comma")
        return self

    @property
    def job_types(self) -> tuple[str, ...]:
        """Return the vendor's words for the kinds of jobs to ask for."""
        return (_STREAM, _BATCH) if self.batch else (_STREAM,)


class BlinkSource:
    """The jobs of some projects of one region."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._settings = settings
        self._connector = connector
        self._ids = split_ids(settings.jobs.ids, settings.projects)
        self._listings = Listings()
        self._product = Product(
            settings,
            connector,
            endpoint=foas_endpoint(settings.region or ""),
            version="2018-11-11",
            headers={"RegionId": settings.region_id} if settings.region_id else {},
        )

    async def fetch_inventory(self) -> Inventory:
        """List the instances of every project, or ask for the run summaries of configured jobs.

        Raises FetchError when no project answered.
        """
        if self._ids:
            return await self._listings.gather(self._ids, self._fetch_summaries)
        return await self._listings.gather(self._settings.projects, self._fetch_project)

    async def fetch_details(self, job: Job) -> Details:
        """Return what is known of a job, asking only for what its row does not say.

        Raises FetchError; `gone` when the run summaries do not know the job.
        """
        row = self._listings.row(job.key) or await self._confirm(job)
        asked_for = row.state is State.RUNNING and row.start_timestamp is None
        if not asked_for or not usable_in_path(row.run_id):
            return Details(job=row, flaws=Flaws())
        path = ("projects", row.project, "jobs", row.job_name, "instances", row.run_id)
        try:
            document = await self._product.ask("GetInstance", path)
        except FetchError as exc:
            if not _means_not_running(exc):
                raise
            return Details(job=row, flaws=Flaws())
        flaws = Flaws()
        instance = Record(_instance(document), "Instance", flaws)
        found = parse_instance(instance, self._origin(row.project, row.job_type), flaws)
        if found is None or found.key != row.key:
            raise invalid("GetInstance", "expected the instance asked for")
        return Details(job=found, flaws=flaws)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()

    async def _fetch_project(self, project: str, flaws: Flaws) -> Listed:
        jobs: list[Job] = []
        failure = None
        for job_type in self._settings.job_types:
            try:
                jobs += await self._fetch_instances(project, job_type, flaws)
            except FetchError as exc:
                failure = failure or exc
        return Listed(jobs=latest_by_name(jobs), failure=failure)

    async def _fetch_instances(self, project: str, job_type: str, flaws: Flaws) -> list[Job]:
        async def fetch(index: int) -> Page[Job]:
            query = {"jobType": job_type, "pageIndex": str(index), "pageSize": str(PAGE_SIZE)}
            path = ("projects", project, "instances")
            rows = RowReader(
                paths=list_paths("Instances", "Instance"),
                start=lambda: _row_reader(self._origin(project, job_type), flaws),
            )
            document = await self._product.ask("ListInstance", path, query, rows)
            return parse_instances(document, self._origin(project, job_type), flaws)

        return await read_pages("ListInstance", fetch)

    async def _fetch_summaries(self, project: str, flaws: Flaws) -> Listed:
        found: dict[str, Job] = {}
        wanted = self._ids[project]
        for job_type in self._settings.job_types:
            missing = [name for name in wanted if name not in found]
            for names in _chunks(missing):
                jobs = await self._ask_summaries(project, names, job_type, flaws)
                found.update((job.job_name, job) for job in jobs)
        for name in wanted:
            if name not in found:
                flaws.note(f"jobs.ids {project}/{name}", "a job that is online")
        return Listed(jobs=tuple(found.values()))

    async def _ask_summaries(
        self, project: str, names: list[str], job_type: str, flaws: Flaws
    ) -> tuple[Job, ...]:
        query = {"jobNames": ",".join(names), "jobType": job_type}
        path = ("projects", project, "runsummary")
        rows = RowReader(
            paths=list_paths("RunSummarys", "RunSummary"),
            start=lambda: _row_reader(self._origin(project, job_type), flaws),
        )
        document = await self._product.ask("BatchGetInstanceRunSummary", path, query, rows)
        page = parse_summaries(document, self._origin(project, job_type), flaws)
        return latest_by_name(job for _, job in page.rows if job.job_name in names)

    async def _confirm(self, job: Job) -> Job:
        """Ask for a job that the last listing did not have."""
        for job_type in self._settings.job_types:
            found = await self._ask_summaries(job.project, [job.job_name], job_type, Flaws())
            if found:
                return found[0]
        raise FetchError(
            Reason.NOT_FOUND, "BatchGetInstanceRunSummary", detail="no such job", gone=True
        )

    def _origin(self, project: str, job_type: str) -> "Origin":
        return Origin(project=project, job_type=job_type, observed=self._connector.runtime.clock())


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What an answer was asked for and when it came; its rows need not say."""

    project: str
    job_type: str
    observed: float


def _means_not_running(exc: FetchError) -> bool:
    refused = exc.status is not None and 400 <= exc.status < 500 and not exc.retryable
    # What the gateway cannot route, and what is in nobody's words, is not about the instance: it
    # would be the same for all of them, for ever.
    said_by_foas = exc.reason is Reason.NOT_FOUND or (exc.reason is Reason.SERVER and exc.code)
    return refused and bool(said_by_foas) and not names_no_such_api(exc.code)


def _chunks(names: list[str]) -> list[list[str]]:
    chunks: list[list[str]] = []
    length = _LONGEST_NAMES
    for name in names:
        length += len(canonical.encode(name)) + 3
        if length > _LONGEST_NAMES:
            chunks.append([])
            length = len(canonical.encode(name)) + 3
        chunks[-1].append(name)
    return chunks


def _instance(document: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = upper_camel(document)
    inner = fields.get("Instance")
    return upper_camel(inner) if isinstance(inner, Mapping) else fields


def parse_instances(document: Mapping[str, Any], origin: Origin, flaws: Flaws) -> Page[Job]:
    """Read one page of ListInstance.

    Raises FetchError when it is no such page: an empty object must not pass for an empty project.
    """
    rows = read_list(document, "Instances", "Instance")
    total = Record(upper_camel(document), "ListInstance", flaws).count("TotalCount")
    if rows is None and total != 0:
        raise invalid("ListInstance", f"expected a list of instances; {NOT_THE_API}")
    return _page(rows or [], total, origin, flaws)


def parse_summaries(document: Mapping[str, Any], origin: Origin, flaws: Flaws) -> Page[Job]:
    """Read the answer of BatchGetInstanceRunSummary: instances without times and versions.

    Raises FetchError when it is no such answer.
    """
    rows = read_list(document, "RunSummarys", "RunSummary")
    # XML without any row has no list at all, but always a request id.
    if rows is None and "RequestId" not in upper_camel(document):
        raise invalid("BatchGetInstanceRunSummary", "expected a list of run summaries")
    return _page(rows or [], None, origin, flaws)


def _page(rows: list[Any], total: int | None, origin: Origin, flaws: Flaws) -> Page[Job]:
    jobs = read_rows(rows, _row_reader(origin, flaws))
    found = tuple((job.run_id or job.job_name, job) for job in jobs if job is not None)
    return Page(rows=found, unreadable=len(jobs) - len(found), total=total)


def _row_reader(origin: Origin, flaws: Flaws) -> Callable[[int, object], Job | None]:
    def read(number: int, fields: object) -> Job | None:
        fields = upper_camel(fields) if isinstance(fields, Mapping) else fields
        return parse_instance(Record(fields, f"Instances[{number}]", flaws), origin, flaws)

    return read


def parse_instance(record: Record, origin: Origin, flaws: Flaws) -> Job | None:
    """Read one instance or run summary; None, and noted, when it does not say whose it is.

    Code, Properties, PlanJson and Packages are left alone: they hold passwords.
    """
    name = record.text("JobName")
    if not usable_in_path(name):
        record.missing("JobName")
        return None
    native = record.text("ActualState")
    state = look_up(STATES, native)
    if native and state is State.UNKNOWN:
        flaws.note_state(native)
    expected = record.text("ExpectState")
    error_text = record.long_text("LastErrorMessage")
    return Job(
        project=origin.project,
        job_id=name,
        job_name=name,
        state=state,
        native_status=native,
        expected_state=expected,
        expected_running=_EXPECTED_RUNNING.get(expected.casefold()),
        job_type=record.text("JobType") or origin.job_type,
        queue=record.text("QueueName"),
        engine_version=record.text("EngineVersion"),
        run_id=record.text("Id"),
        input_delay_seconds=_input_delay(record),
        start_timestamp=record.time_milliseconds("StartTime"),
        end_timestamp=record.time_milliseconds("EndTime"),
        updated_timestamp=record.time_milliseconds("LastOperateTime"),
        last_error_timestamp=record.time_milliseconds("LastErrorTime"),
        error_type=error_class(error_text),
        error_text=error_text,
        observed_timestamp=origin.observed,
    )


def _input_delay(record: Record) -> float | None:
    # The vendor's example shows -99999999 for a job that reports no delay. Smaller negatives stay
    # as they are: the source's clock ahead of Blink's, which a 0 would hide.
    number = record.number("InputDelay")
    return None if number is None or number <= _NO_DELAY else number / 1000


def latest_by_name(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Keep of each name the latest instance: batch jobs list all of two days."""
    latest: dict[str, Job] = {}
    for job in jobs:
        known = latest.get(job.job_name)
        if known is None or _age(known) <= _age(job):
            latest[job.job_name] = job
    return tuple(latest.values())


def _age(job: Job) -> tuple[float, int]:
    # An instance that waits for its start is newer than any that has started.
    start = job.start_timestamp if job.start_timestamp is not None else float("inf")
    return start, int(job.run_id) if job.run_id.isascii() and job.run_id.isdigit() else -1


def _open(settings: Settings, connector: Connector) -> Source:
    return BlinkSource(settings, connector)


def _cost(settings: Settings, jobs: int) -> CallCost:
    ids = split_ids(settings.jobs.ids, settings.projects)
    if ids:
        # Names that are no streams are asked for once more, as batch jobs.
        summaries = sum(len(_chunks(list(names))) for names in ids.values())
        return CallCost(per_inventory=summaries, per_details=1)
    projects = len(settings.projects)
    pages = max(1, ceil(jobs / projects / PAGE_SIZE)) + len(settings.job_types) - 1
    return CallCost(per_inventory=projects * pages, per_details=0)


PLATFORM = Platform(name="alibaba_blink", settings=Settings, open=_open, cost=_cost)
