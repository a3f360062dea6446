"""Watch Flink jobs of Huawei Cloud Data Lake Insight (DLI), API version v1.0.

Vendor pages: "Querying the List of Jobs" (dli_02_0234), "Querying Job Details" (dli_02_0235),
"Querying the Job Execution Plan" (dli_02_0236). Times are epoch milliseconds, null or 0 for none.
Every field is optional in practice: rows of a listing have a duration and no configuration, the
details have a configuration and no duration.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws, Record, row_reader
from exporter.model import Job, State, look_up
from exporter.pacing import TokenBucket
from exporter.platforms import Platform
from exporter.settings import Endpoint
from exporter.source import CallCost, Details, Inventory
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals.huawei import names_gateway
from exporter.vendors.cloud_eye import EVERY, RATE, CloudEye, calls_of_a_round
from exporter.vendors.dli_states import STATES
from exporter.vendors.flink.exchanged import Exchanged, parse_exchanged
from exporter.vendors.flink.graph import FlinkGraph, parse_graph
from exporter.vendors.huawei import HuaweiSettings, cloud_eye_beside, dli_endpoint
from exporter.vendors.huawei_inventory import (
    PAGE_SIZE,
    Listing,
    Page,
    ask_for_each,
    read_page,
    take_inventory,
)
from exporter.vendors.huawei_login import Login, log_in, open_api

_PLANNED = frozenset({"job_running", "job_savepointing", "job_cancel_fail"})
"""Statuses whose Flink job runs: only then is there an execution plan worth a call.

A job whose stopping failed still runs. Of one that is being stopped the plan can vanish at any
moment and would change nothing; what `job_idle` means is documented nowhere.
"""

_EXCHANGED = ("read_records", "written_records", "backpressure_level")
"""What vertices of the plan tell, in the fields of a Job."""

LIST = "ListFlinkJobs"
_ROWS = ("job_list", "jobs")
SHOW = "ShowFlinkJob"
PLAN = "ShowFlinkJobExecutionGraph"
_LONGEST_ERROR = 4096


class Settings(HuaweiSettings):
    """What a DLI source is told; the two filters are those of the listing, by name.

    With `cloud_eye` that is asked for rates, back pressure and latency, at `cloud_eye_endpoint`.
    """

    enterprise_project: str = ""
    queue: str = ""
    cloud_eye: bool = False
    cloud_eye_endpoint: Endpoint | None = None

    @model_validator(mode="after")
    def _cloud_eye_has_a_place(self) -> Self:
        if not self.cloud_eye and self.cloud_eye_endpoint is not None:
            raise PydanticCustomError("cloud_eye", "cloud_eye_endpoint is for cloud_eye: true")
        if self.cloud_eye and self.cloud_eye_place is None:
            raise PydanticCustomError(
                "cloud_eye",
                "cloud_eye_endpoint is required: endpoint is not the public one of region",
            )
        return self

    @property
    def cloud_eye_place(self) -> str | None:
        """Return where Cloud Eye is; None where the settings do not say."""
        return self.cloud_eye_endpoint or cloud_eye_beside(self.endpoint, self.region)


class DliSource:
    """The Flink jobs of one project."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        endpoint = settings.endpoint or dli_endpoint(settings.region or "")
        self._settings = settings
        self._connector = connector
        login = log_in(settings, connector)
        self._api = open_api(settings, connector, endpoint, login=login)
        self._jobs = ("v1.0", settings.project_id, "streaming", "jobs")
        self._cloud_eye = _open_cloud_eye(settings, connector, login)

    async def fetch_inventory(self) -> Inventory:
        """List all jobs, or ask for the configured ids. Raises FetchError."""
        inventory = await self._take_inventory()
        if self._cloud_eye is None:
            return inventory
        running = [job.job_id for job in inventory.jobs if _runs(job)]
        failures = await self._cloud_eye.look(running, inventory.flaws)
        return replace(
            inventory,
            jobs=self._cloud_eye.add_to(inventory.jobs),
            failures=(*inventory.failures, *failures),
        )

    async def _take_inventory(self) -> Inventory:
        project, ids, flaws = self._settings.project_id, self._settings.jobs.ids, Flaws()
        if ids:
            return await ask_for_each(project, flaws, ids, lambda asked: self._show(asked, flaws))
        listing = Listing(LIST, lambda offset: self._list(offset, flaws))
        return await take_inventory(project, flaws, listing, Listing.walk_rows)

    async def fetch_details(self, job: Job) -> Details:
        """Ask for a job and, while it runs, for its execution plan. Raises FetchError."""
        flaws = Flaws()
        detail = await self._show(job.job_id, flaws, job.job_name)
        if not _runs(detail if detail.native_status else job):
            return Details(job=detail, flaws=flaws)
        if self._cloud_eye is not None:
            self._cloud_eye.want(job.job_id)
        try:
            document = await self._api.get_json(PLAN, (*self._jobs, job.job_id, "execute-graph"))
        except FetchError as exc:
            return Details(job=detail, flaws=flaws, failures=() if _is_benign(exc) else (exc,))
        graph = parse_plan(document, flaws)
        job = add_plan(detail, graph, parse_plan_flow(document))
        # Of another run, or of before a restart, is what was told of these before; an answer that
        # does not even tell a state says nothing of them.
        withdrawn = tuple(name for name in _EXCHANGED if getattr(job, name) is None)
        return Details(job=job, flaws=flaws, withdrawn=withdrawn if graph.native_state else ())

    async def aclose(self) -> None:
        """Close the connections."""
        if self._cloud_eye is not None:
            await self._cloud_eye.aclose()
        await self._connector.aclose()

    async def _list(self, offset: int, flaws: Flaws) -> Page:
        query = [
            ("limit", str(PAGE_SIZE)),
            ("offset", str(offset)),
            # Oldest first: new jobs come at the end, where they move no rows.
            ("order", "asc"),
            # Details in a listing carry whole SQL texts, up to 1 MiB a job.
            ("show_detail", "false"),
        ]
        if self._settings.queue:
            query.append(("queue_name", self._settings.queue))
        if self._settings.enterprise_project:
            query.append(("sys_enterprise_project_name", self._settings.enterprise_project))
        project, clock = self._settings.project_id, self._connector.runtime.clock
        rows = RowReader(
            paths=[_ROWS],
            start=lambda: row_reader(".".join(_ROWS), _row_parser(project, clock(), flaws), flaws),
        )
        document = await self._api.get_json(LIST, self._jobs, query, rows=rows)
        return parse_list(document, project, clock(), flaws)

    async def _show(self, job_id: str, flaws: Flaws, job_name: str = "") -> Job:
        document = await self._api.get_json(SHOW, (*self._jobs, job_id))
        known = Job(
            project=self._settings.project_id,
            job_id=job_id,
            job_name=job_name or job_id,
            observed_timestamp=self._connector.runtime.clock(),
        )
        try:
            return parse_details(document, known, flaws)
        except UnreadableError as exc:
            raise FetchError(Reason.INVALID_RESPONSE, SHOW, detail=str(exc)) from exc


def _open_cloud_eye(settings: Settings, connector: Connector, login: Login) -> CloudEye | None:
    """Return who asks Cloud Eye, with limits of its own: it takes no call from the source."""
    if not settings.cloud_eye or settings.cloud_eye_place is None:
        return None
    runtime = connector.runtime
    limits = replace(
        connector.limits,
        bucket=TokenBucket(RATE, burst=RATE, clock=runtime.monotonic, sleep=runtime.sleep),
        slots=asyncio.Semaphore(1),
        stall=None,
    )
    api = open_api(settings, connector, settings.cloud_eye_place, login=login, limits=limits)
    return CloudEye(
        api,
        settings.project_id,
        clock=runtime.clock,
        monotonic=runtime.monotonic,
        patient=connector.patient,
    )


def _runs(job: Job) -> bool:
    return job.native_status.casefold() in _PLANNED


def _is_benign(error: FetchError) -> bool:
    """Say whether a refused plan only means that there is none: the job has just stopped.

    DLI itself says so, with a code of its own, and no page tells which. What the gateway before it
    says, such as that there is no such API, or what has no code, is not about the job: it would be
    the same for all of them, for ever.
    """
    refused = error.status is not None and 400 <= error.status < 500 and not error.retryable
    said_by_dli = error.code != "" and not names_gateway(error.code)
    return refused and said_by_dli and error.reason in (Reason.SERVER, Reason.NOT_FOUND)


def parse_list(document: Any, project: str, observed: float, flaws: Flaws) -> Page:
    """Read one page of the listing; raises UnreadableError when it is none."""

    listing = document.get("job_list") if isinstance(document, Mapping) else None
    parse_row = _row_parser(project, observed, flaws)
    return read_page(listing, "job_list", "total_count", parse_row, flaws)


def _row_parser(project: str, observed: float, flaws: Flaws) -> Callable[[Record], Job | None]:
    def parse_row(row: Record) -> Job | None:
        job_id = row.text("job_id")
        if not job_id:
            row.missing("job_id")
            return None
        known = Job(project=project, job_id=job_id, job_name=job_id, observed_timestamp=observed)
        return _parse_job(row, known, flaws)

    return parse_row


def parse_details(document: Any, known: Job, flaws: Flaws) -> Job:
    """Read the details of a job whose id is known.

    Raises UnreadableError when there are none.
    """
    detail = Record(document, "document", flaws).record("job_detail")
    if not detail:
        raise UnreadableError("job_detail: expected an object")
    return _parse_job(detail, known, flaws)


def _parse_job(row: Record, known: Job, flaws: Flaws) -> Job:
    native_status = row.text("status")
    state = look_up(STATES, native_status)
    if native_status and state is State.UNKNOWN:
        flaws.note_state(native_status)
    config = row.record("job_config")
    return known._replace(
        job_name=row.text("name") or known.job_name,
        state=state,
        native_status=native_status,
        job_type=row.text("job_type"),
        run_mode=row.text("run_mode"),
        queue=row.text("queue_name"),
        engine_version=config.text("flink_version"),
        # A job that never ran has a duration of 0 in listings.
        duration_seconds=row.milliseconds("duration") or None,
        restart_times=row.count("restart_times"),
        start_timestamp=row.time_milliseconds("start_time"),
        created_timestamp=row.time_milliseconds("create_time"),
        updated_timestamp=row.time_milliseconds("update_time"),
        error_text=_error_text(row) if state is State.FAILED else "",
        parallelism=_parallelism(config),
        compute_units=_compute_units(config),
    )


def _error_text(row: Record) -> str:
    return row.long_text("status_desc", limit=_LONGEST_ERROR)


def _parallelism(config: Record) -> int | None:
    inner = config.record("resource_config")
    return config.count("parallel_number") or inner.count("parallel_number") or None


def _compute_units(config: Record) -> float | None:
    if config.text("resource_config_version").casefold() == "v2":
        # Version 2 counts processors and memory instead.
        return None
    # 0 means that the job uses as many as were chosen.
    return config.count("real_cu_number") or config.count("cu_number") or None


def parse_plan(document: Any, flaws: Flaws) -> FlinkGraph:
    """Read the execution plan of a job, which is Flink's own description of it."""
    return parse_graph(Record(document, "document", flaws).record("execute_graph"), flaws)


def parse_plan_flow(document: Any) -> Exchanged:
    """Read what goes through a job from the vertices of its plan, which some editions have."""
    # What cannot be read of them was noted when the plan was.
    return parse_exchanged(Record(document, "document", Flaws()).record("execute_graph"))


def add_plan(job: Job, plan: FlinkGraph, flow: Exchanged | None = None) -> Job:
    """Return a job with what its execution plan adds to it."""
    flow = flow or Exchanged()
    return job._replace(
        finer_state=plan.state,
        graph_state=plan.native_state,
        run_id=plan.jid,
        duration_seconds=job.duration_seconds
        if plan.duration_seconds is None
        else plan.duration_seconds,
        start_timestamp=job.start_timestamp or plan.start_timestamp,
        end_timestamp=plan.end_timestamp,
        # The plan dates its own state, which is not shown while DLI speaks of another one.
        state_since_timestamp=plan.state_since_timestamp if job.state is State.RUNNING else None,
        parallelism=job.parallelism or plan.parallelism,
        tasks=plan.tasks,
        read_records=flow.read_records,
        written_records=flow.written_records,
        backpressure_level=flow.backpressure_level,
    )


def cost(settings: Settings, jobs: int) -> CallCost:
    """Count calls: full pages or one per id, then details and plan of each running job.

    Cloud Eye has a round a minute, or one a poll where those are further apart.
    """
    listing = len(settings.jobs.ids) or max(1, math.ceil(jobs / PAGE_SIZE))
    rounds = EVERY / max(EVERY, settings.poll_interval) if settings.cloud_eye else 0.0
    return CallCost(
        per_inventory=listing, per_details=2, per_minute=rounds * calls_of_a_round(jobs)
    )


PLATFORM = Platform(name="huawei_dli", settings=Settings, open=DliSource, cost=cost)
