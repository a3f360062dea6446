"""Watch the jobs of an Apache Flink cluster through its own REST API.

Flink documentation, "REST API" (docs/ops/rest_api), versions 1.13 to 2.3. One call lists every job
with its state; details of one job take four more, and one for each of its sources where the input
delay is wanted. Operations are named by Flink's own paths. A run of a job is a job of its own to
Flink: a new submission has a new jid, and a restarted JobManager forgets the jobs that have ended.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

import httpx
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.plain import BasicAuth, BearerAuth
from exporter.auth.settings import FlinkAuthSettings
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record, read_rows, row_reader
from exporter.model import Job, State
from exporter.platforms import Platform
from exporter.process.steps import Steps, finished, in_steps
from exporter.settings import Endpoint
from exporter.source import CallCost, Details, Inventory, SourceSettings
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals import flink
from exporter.vendors.flink_delay import parse_vertices
from exporter.vendors.flink_delay_reader import DelayReader
from exporter.vendors.flink_graph import parse_flink_state, parse_graph, parse_task_counts
from exporter.vendors.flink_health import (
    RESTART_METRICS,
    parse_checkpoints,
    parse_exceptions,
    parse_restarts,
)
from exporter.vendors.flink_managers import JobManagers

CONFIG = "/config"
OVERVIEW = "/jobs/overview"
JOB = "/jobs/:jobid"
METRICS = "/jobs/:jobid/metrics"
CHECKPOINTS = "/jobs/:jobid/checkpoints"
EXCEPTIONS = "/jobs/:jobid/exceptions"

_JOB_ID = re.compile(r"[0-9a-f]{32}")
_INITIALIZING = "INITIALIZING"
_NO_NEWS = frozenset({flink.JOB_NOT_FOUND, flink.NO_CHECKPOINTING, flink.JOB_INITIALIZING})
"""Refusals of a part that are no failure: the next listing tells of a job that just vanished."""

_JOBS_PER_STEP = 100
_ROWS_PER_STEP = 2000
_CACHED = 3.0
"""Seconds that Flink keeps its answers about one job, unless `web.refresh-interval` differs."""
_SETTLED_AFTER = 60.0
"""Seconds a job runs before the names of its metrics are kept: operators register one by one."""


class Settings(SourceSettings):
    """A Flink cluster: the address of its JobManager, or of each one where there are several."""

    rate_limit: Annotated[float, Field(gt=0, le=10000)] = 50.0
    endpoints: tuple[Endpoint, ...] = ()
    auth: FlinkAuthSettings | None = None
    input_delay: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.endpoint is None) == (not self.endpoints):
            raise PydanticCustomError("endpoint", "give either endpoint or endpoints")
        if not all(_JOB_ID.fullmatch(job_id) for job_id in self.jobs.ids):
            raise PydanticCustomError("ids", "jobs.ids: a job id of Flink is 32 hex digits")
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the addresses of the JobManagers."""
        return self.endpoints if self.endpoint is None else (self.endpoint,)


class FlinkSource:
    """The jobs of one Flink cluster."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._settings = settings
        self._connector = connector
        self._clock = connector.runtime.clock
        auth = _auth(settings.auth)
        self._managers = JobManagers(
            [
                connector.api(address, read_refusal=flink.read_refusal, auth=auth)
                for address in settings.addresses
            ]
        )
        self._version = ""
        self._version_known = False
        self._version_refused = False
        self._listed: frozenset[str] = frozenset()
        self._delays = DelayReader(self._managers, self._clock)

    async def fetch_inventory(self) -> Inventory:
        """List the jobs, or ask for those that are chosen by id. Raises FetchError."""
        flaws = Flaws()
        try:
            if self._settings.jobs.ids:
                inventory = await self._fetch_chosen(flaws)
            else:
                inventory = await self._fetch_overview(flaws)
        except FetchError:
            # Who answers next may be another JobManager, of another version.
            self._version_known = False
            raise
        listed = frozenset(job.job_id for job in inventory.jobs)
        if self._listed - listed:
            # Jobs disappear when they expire, and when a JobManager is replaced.
            self._version_known = False
        self._listed = listed
        self._delays.keep_only(listed)
        refused = await self._learn_version(flaws)
        jobs = list(inventory.jobs)
        # From here on the list alone has the rows: each goes as soon as there is another for it.
        inventory = replace(inventory, jobs=())
        await in_steps(self._set_version(jobs))
        failures = () if refused is None else (refused,)
        return replace(inventory, jobs=tuple(jobs), failures=failures)

    async def fetch_details(self, job: Job) -> Details:
        """Ask for one job and, as far as it can have them, for its metrics and exceptions.

        Raises FetchError; with `gone` set when the cluster does not know the job.
        """
        flaws = Flaws()
        graph = await self._fetch_graph(job.job_id, flaws)
        found = parse_job(graph, self._clock(), flaws)
        if job.ended and not found.ended:
            # A run that ended does not live again: this comes out of Flink's cache, and is older.
            found = found.at(min(found.observed_timestamp, job.observed_timestamp - _CACHED))
        changes: dict[str, Any] = {
            "job_name": found.job_name or job.job_name,
            "engine_version": self._version,
        }
        failures: list[FetchError] = []

        async def add(part: Awaitable[dict[str, Any]]) -> None:
            # A part that fails does not hurt the others.
            try:
                changes.update(await part)
            except FetchError as exc:
                if exc.code not in _NO_NEWS:
                    failures.append(exc)

        await asyncio.gather(*(add(part) for part in self._parts(found, graph, flaws)))
        return Details(job=replace(found, **changes), flaws=flaws, failures=tuple(failures))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()

    def _set_version(self, jobs: list[Job]) -> Steps[None]:
        for place, job in enumerate(jobs):
            if job.engine_version != self._version:
                jobs[place] = replace(job, engine_version=self._version)
            if place % _JOBS_PER_STEP == 0:
                yield

    async def _fetch_overview(self, flaws: Flaws) -> Inventory:
        def start() -> Callable[[int, object], Job | None]:
            parse_row = _row_parser(self._clock(), flaws, self._version)
            return row_reader("overview.jobs", parse_row, flaws)

        rows = RowReader(paths=[("jobs",)], start=start)
        document = await self._managers.ask(OVERVIEW, ("jobs", "overview"), rows=rows)
        if not isinstance(document, Mapping) or not isinstance(document.get("jobs"), list):
            # Taken for an empty listing, an answer of somebody else would end every job.
            raise _unlike(OVERVIEW, "an object with a list of jobs")
        jobs = await in_steps(_overview(document, self._clock(), flaws))
        return Inventory(jobs=jobs, flaws=flaws)

    async def _fetch_chosen(self, flaws: Flaws) -> Inventory:
        jobs, failures = [], []

        async def fetch(job_id: str) -> None:
            try:
                graph = await self._fetch_graph(job_id, flaws)
                jobs.append(parse_job(graph, self._clock(), flaws))
            except FetchError as exc:
                if not exc.gone:
                    failures.append(exc)

        ids = self._settings.jobs.ids
        await asyncio.gather(*(fetch(job_id) for job_id in dict.fromkeys(ids)))
        if failures and not jobs:
            raise failures[0]
        incomplete = (("", failures[0]),) if failures else ()
        return Inventory(jobs=tuple(jobs), incomplete=incomplete, flaws=flaws)

    async def _fetch_graph(self, job_id: str, flaws: Flaws) -> Record:
        document = await self._managers.ask(JOB, ("jobs", job_id))
        if not isinstance(document, Mapping) or document.get("jid") != job_id:
            detail = "expected the job that was asked for"
            raise FetchError(Reason.INVALID_RESPONSE, JOB, detail=detail)
        return Record(document, "job", flaws)

    async def _learn_version(self, flaws: Flaws) -> FetchError | None:
        """Ask for the version unless it is known; return a refusal that is news and will last."""
        if self._version_known:
            return None
        try:
            document = await self._managers.ask(CONFIG, ("config",))
        except FetchError as exc:
            # A proxy may keep this path to itself, and says so with 401 or 403. Whatever is refused
            # for good is no reason to call the source down; until there is another answer the last
            # one holds.
            self._version_known = not exc.retryable and exc.reason is not Reason.TIMEOUT
            expected = exc.reason is Reason.AUTH or not self._version_known
            news = not expected and not self._version_refused
            self._version_refused = self._version_refused or news
            return exc if news else None
        self._version = Record(document, "config", flaws).text("flink-version") or self._version
        self._version_known = True
        self._version_refused = False
        return None

    def _parts(self, job: Job, graph: Record, flaws: Flaws) -> Iterator[Awaitable[dict[str, Any]]]:
        """Choose what else to ask: no question is sent whose answer is known to be empty."""
        yield self._exceptions(job, flaws)
        if job.native_status == _INITIALIZING:
            # Asked for the checkpoints of such a job, Flink answers 500.
            return
        yield self._checkpoints(job, flaws)
        if job.ended:
            # The metrics of an ended job are an empty list.
            return
        yield self._restarts(job, flaws)
        if job.state is State.RUNNING and self._settings.input_delay:
            yield self._delay(job, graph, flaws)

    async def _exceptions(self, job: Job, flaws: Flaws) -> dict[str, Any]:
        path = ("jobs", job.job_id, "exceptions")
        document = await self._managers.ask(EXCEPTIONS, path, {"maxExceptions": "1"})
        error = parse_exceptions(document, flaws)
        return {
            "last_error_timestamp": error.timestamp,
            "error_type": error.error_type,
            "error_text": error.text,
        }

    async def _checkpoints(self, job: Job, flaws: Flaws) -> dict[str, Any]:
        path = ("jobs", job.job_id, "checkpoints")
        checkpoints = parse_checkpoints(await self._managers.ask(CHECKPOINTS, path), flaws)
        return {
            "checkpoints_failed": checkpoints.failed,
            "last_checkpoint_completed_timestamp": checkpoints.completed_timestamp,
            "last_checkpoint_duration_seconds": checkpoints.duration_seconds,
            "last_checkpoint_size_bytes": checkpoints.size_bytes,
        }

    async def _restarts(self, job: Job, flaws: Flaws) -> dict[str, Any]:
        path = ("jobs", job.job_id, "metrics")
        query = {"get": ",".join(RESTART_METRICS)}
        return {
            "restart_times": parse_restarts(await self._managers.ask(METRICS, path, query), flaws)
        }

    async def _delay(self, job: Job, graph: Record, flaws: Flaws) -> dict[str, Any]:
        since = job.state_since_timestamp
        delay = await self._delays.read(
            job.job_id,
            parse_vertices(graph),
            settled=since is not None and job.observed_timestamp - since >= _SETTLED_AFTER,
            flaws=flaws,
        )
        return {"input_delay_seconds": delay}


def parse_overview(document: Mapping[str, Any], now: float, flaws: Flaws) -> tuple[Job, ...]:
    """Read the listing of all jobs: one row for each."""
    return finished(_overview(document, now, flaws))


def _overview(document: Mapping[str, Any], now: float, flaws: Flaws) -> Steps[tuple[Job, ...]]:
    rows = document.get("jobs")
    read = row_reader("overview.jobs", _row_parser(now, flaws), flaws)
    found: dict[str, Job] = {}
    for count, job in enumerate(read_rows(rows if isinstance(rows, list) else [], read), start=1):
        if job is not None:
            found[job.job_id] = job
        if count % _ROWS_PER_STEP == 0:
            yield
    return tuple(found.values())


def _row_parser(
    now: float, flaws: Flaws, engine_version: str = ""
) -> Callable[[Record], Job | None]:
    def parse_row(row: Record) -> Job | None:
        job_id = row.text("jid")
        if not _JOB_ID.fullmatch(job_id):
            row.missing("jid")
            return None
        native_status = row.text("state")
        return Job(
            project="",
            job_id=job_id,
            job_name=row.text("name"),
            state=parse_flink_state(native_status, flaws) or State.UNKNOWN,
            native_status=native_status,
            job_type=row.text("jobType"),
            engine_version=engine_version,
            duration_seconds=row.milliseconds("duration"),
            start_timestamp=row.time_milliseconds("start-time"),
            end_timestamp=row.time_milliseconds("end-time"),
            # Any task's change moves it too, so it does not date the job's state.
            updated_timestamp=row.time_milliseconds("last-modification"),
            tasks=parse_task_counts(row.record("tasks")),
            observed_timestamp=now,
        )

    return parse_row


def parse_job(graph: Record, now: float, flaws: Flaws) -> Job:
    """Read the job object of one job."""
    found = parse_graph(graph, flaws)
    return Job(
        project="",
        job_id=found.jid,
        job_name=found.name,
        state=found.state or State.UNKNOWN,
        native_status=found.native_state,
        job_type=graph.text("job-type"),
        duration_seconds=found.duration_seconds,
        start_timestamp=found.start_timestamp,
        end_timestamp=found.end_timestamp,
        state_since_timestamp=found.state_since_timestamp,
        parallelism=found.parallelism,
        tasks=found.tasks,
        observed_timestamp=now,
    )


def _auth(settings: FlinkAuthSettings | None) -> httpx.Auth | None:
    basic = settings and settings.basic
    bearer = settings and settings.bearer
    if basic and (password := basic.secret("password")):
        return BasicAuth(basic.username, password)
    if bearer and (token := bearer.secret("token")):
        return BearerAuth(token)
    return None


def _unlike(operation: str, expected: str) -> FetchError:
    detail = f"this is no {flink.API}: expected {expected}; check endpoint"
    return FetchError(Reason.INVALID_RESPONSE, operation, detail=detail)


def _cost(settings: Settings, jobs: int) -> CallCost:
    # The job, its restarts, checkpoints and exceptions; the metrics of its one source. A job of
    # several sources takes a call more for each, as does one whose sources know of no event time
    # for each vertex that reads from them.
    return CallCost(
        per_inventory=float(len(settings.jobs.ids) or 1),
        per_details=5.0 if settings.input_delay else 4.0,
    )


PLATFORM = Platform(
    name="apache_flink",
    settings=Settings,
    open=FlinkSource,
    cost=_cost,
    supersedes=True,
)
