"""Watch deployments of Alibaba Cloud Realtime Compute for Apache Flink: `ververica` 2022-07-18.

Vendor pages: "ListDeployments" (GET /api/v2/namespaces/{namespace}/deployments), "ListJobs",
"GetDeployment", data structures "Deployment" and "Job".

A job is a deployment; each start makes a new run of it, which the vendor calls a job. A deployment
does not say what its latest run does, only how many of its runs are in which state, old ones
included. That is enough in most cases: a run that starts, runs or stops does so now; without one,
runs that all ended the same way leave no doubt. For what is left ListDeployments is repeated with
its filter on the latest run's status, a status at a time, until no doubt is left: at most three
more listings, of ended deployments only, where ListJobs would be one call for each. Restarts,
failures, times and health of a run come from ListJobs, which is asked for details, and for the
state itself where even this leaves a doubt: such a row has no state.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Annotated, Any, Self

from pydantic import StringConstraints, model_validator

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record, read_rows
from exporter.model import Job, State, StateMap, look_up
from exporter.platforms import Platform
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
    invalid,
    split_ids,
    usable_in_path,
    ververica_endpoint,
)
from exporter.vendors.alibaba_listing import PAGE_SIZE, Listed, Listings, Page, read_pages
from exporter.vendors.flink_graph import parse_flink_state

NO_RUN = "NO_JOB"
"""Our own word for a deployment that was never started: the vendor has none."""
STATES: StateMap = {
    NO_RUN.casefold(): State.CREATED,
    "starting": State.STARTING,
    "running": State.RUNNING,
    "failed": State.FAILED,
    "cancelling": State.STOPPING,
    "cancelled": State.STOPPED,
    "finished": State.FINISHED,
}
_GOING_ON = ("RUNNING", "STARTING", "CANCELLING")
_ENDED = ("CANCELLED", "FAILED", "FINISHED")

_BATCH = "batch"
_BATCH_RUNS = "10"
_MOST_RUNS = 1000
"""Runs of one answer that are looked at, the newest first: ten are asked for."""
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


class Settings(AlibabaSettings):
    """Where the workspace is, and which of its namespaces; `workspace` is its id, not its name."""

    workspace: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    namespaces: Places

    @model_validator(mode="after")
    def _ids_have_a_namespace(self) -> Self:
        split_ids(self.jobs.ids, self.namespaces)
        return self


class FlinkSource:
    """The deployments of some namespaces of one workspace."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._settings = settings
        self._connector = connector
        self._ids = split_ids(settings.jobs.ids, settings.namespaces)
        self._listings = Listings()
        self._missed: dict[str, frozenset[str]] = {}
        self._product = Product(
            settings,
            connector,
            endpoint=ververica_endpoint(settings.region or ""),
            version="2022-07-18",
            headers={"workspace": settings.workspace},
        )

    async def fetch_inventory(self) -> Inventory:
        """List the deployments of every namespace, or ask for each configured one.

        Raises FetchError when no namespace answered.
        """
        if self._ids:
            return await self._listings.gather(self._ids, self._fetch_each)
        return await self._listings.gather(self._settings.namespaces, self._fetch_namespace)

    async def fetch_details(self, job: Job) -> Details:
        """Ask for the latest run of a deployment.

        Raises FetchError; `gone` when a listing by the deployment's name does not have it.
        """
        flaws = Flaws()
        row = self._listings.row(job.key) or await self._confirm(job)
        try:
            return Details(job=await self._fetch_run(row, flaws), flaws=flaws)
        except FetchError as exc:
            if exc.reason is Reason.NOT_FOUND:
                await self._confirm(job)
            raise

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()

    async def _fetch_namespace(self, namespace: str, flaws: Flaws) -> Listed:
        listed = await self._list(namespace, flaws)
        rows = {row.job.job_id: row for row in listed}
        failure = None
        try:
            await self._settle_by_status(namespace, rows)
        except FetchError as exc:
            # What is known by now is true; what is not stays unknown until the next pass.
            failure = exc
        return Listed(jobs=tuple(row.job for row in rows.values()), failure=failure)

    async def _settle_by_status(self, namespace: str, rows: "dict[str, DeploymentRow]") -> None:
        for status in _ENDED:
            if not any(row.may_be(status) for row in rows.values()):
                continue
            filtered = await self._list(namespace, Flaws(), status=status)
            if any(row.ended is not None and status not in row.ended for row in filtered):
                # The filter is not obeyed, so that being listed proves nothing.
                return
            for row in filtered:
                if row.job.job_id in rows:
                    rows[row.job.job_id] = row.settled(status)

    async def _fetch_each(self, namespace: str, flaws: Flaws) -> Listed:
        async def ask(deployment_id: str) -> Job | FetchError:
            try:
                return await self._fetch_deployment(namespace, deployment_id, flaws)
            except FetchError as exc:
                return exc

        ids = self._ids[namespace]
        answers = dict(zip(ids, await asyncio.gather(*map(ask, ids)), strict=True))
        jobs: list[Job] = []
        failures: list[FetchError] = []
        absent: set[str] = set()
        in_doubt: set[str] = set()
        for deployment_id, answer in answers.items():
            if isinstance(answer, Job):
                jobs.append(answer)
            elif _may_mean_no_deployment(answer):
                (absent if _means_no_deployment(answer) else in_doubt).add(deployment_id)
            else:
                failures.append(answer)
        try:
            found = await self._look_for(namespace, frozenset(in_doubt))
        except FetchError as exc:
            failures.append(exc)
        else:
            jobs += found
            absent |= in_doubt - {job.job_id for job in found}
        for deployment_id in sorted(absent):
            flaws.note(f"jobs.ids {namespace}/{deployment_id}", "a deployment that exists")
        return Listed(jobs=tuple(jobs), failure=failures[0] if failures else None)

    async def _look_for(self, namespace: str, in_doubt: frozenset[str]) -> list[Job]:
        """Return those deployments that the listing of their namespace has.

        The same number says that a deployment and that its namespace does not exist, so that a
        namespace has to be listed before a deployment of it is missed. What no listing had before
        is looked for in all of it; of the others a page of one row tells that the namespace is
        still there. Raises FetchError when it is not listed.
        """
        missed = self._missed.pop(namespace, frozenset())
        found: list[Job] = []
        if in_doubt - missed:
            rows = await self._list(namespace, Flaws())
            found = [row.job for row in rows if row.job.job_id in in_doubt]
        elif in_doubt:
            await self._list_page(namespace, 1, Flaws(), pageSize="1")
        self._missed[namespace] = in_doubt - {job.job_id for job in found}
        return found

    async def _fetch_deployment(self, namespace: str, deployment_id: str, flaws: Flaws) -> Job:
        path = ("namespaces", namespace, "deployments", deployment_id)
        document = await self._product.ask("GetDeployment", path)
        record = Record(document.get("data"), "data", flaws)
        row = parse_deployment(record, namespace, self._now(), flaws)
        if row is None or row.job.job_id != deployment_id:
            raise invalid("GetDeployment", "expected the deployment asked for")
        return row.job

    async def _confirm(self, job: Job) -> Job:
        """Look for a deployment that the last listing did not have."""
        for row in await self._list(job.project, Flaws(), name=job.job_name):
            if row.job.job_id == job.job_id:
                return row.job
        raise FetchError(Reason.NOT_FOUND, "ListDeployments", detail="no such job", gone=True)

    async def _list(self, namespace: str, flaws: Flaws, **filters: str) -> "list[DeploymentRow]":
        async def fetch(index: int) -> "Page[DeploymentRow]":
            return await self._list_page(namespace, index, flaws, **filters)

        return await read_pages("ListDeployments", fetch)

    async def _list_page(
        self, namespace: str, index: int, flaws: Flaws, **filters: str
    ) -> "Page[DeploymentRow]":
        query = {
            "pageIndex": str(index),
            "pageSize": str(PAGE_SIZE),
            # The newest first: what is created meanwhile shifts rows, but hides none.
            "sortName": "gmt_create",
            **filters,
        }
        path = ("namespaces", namespace, "deployments")
        rows = RowReader(
            paths=[("data",)], start=lambda: _row_reader(namespace, self._now(), flaws)
        )
        document = await self._product.ask("ListDeployments", path, query, rows)
        return parse_deployments(document, namespace, self._now(), flaws)

    async def _fetch_run(self, row: Job, flaws: Flaws) -> Job:
        # A stream has one run at a time, and it is the newest; of a batch several can go on.
        size = _BATCH_RUNS if row.job_type.casefold() == _BATCH else "1"
        query = {
            "deploymentId": row.job_id,
            "pageIndex": "1",
            "pageSize": size,
            # No page states a default for either, and without them the first row may be any run.
            "sortName": "gmt_create",
            "sortOrder": "desc",
        }
        path = ("namespaces", row.project, "jobs")
        document = await self._product.ask("ListJobs", path, query)
        return parse_latest_run(document, row, self._now(), flaws)

    def _now(self) -> float:
        return self._connector.runtime.clock()


def _may_mean_no_deployment(exc: FetchError) -> bool:
    # A namespace that does not exist is a failure: its deployments may well. So is a gateway that
    # has no such call.
    code = exc.code.casefold()
    elsewhere = any(word in code for word in ("namespace", "workspace"))
    return exc.reason is Reason.NOT_FOUND and not elsewhere and not names_no_such_api(exc.code)


def _means_no_deployment(exc: FetchError) -> bool:
    return "deployment" in exc.code.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """One deployment of a listing; `ended` is how its runs have ended, None when it is not said."""

    job: Job
    ended: frozenset[str] | None

    def may_be(self, status: str) -> bool:
        """Say whether the latest run may be in a state, as far as the row tells."""
        return not self.job.native_status and self.ended is not None and status in self.ended

    def settled(self, status: str) -> "DeploymentRow":
        """Return the row as one listed under a status of the latest run."""
        return replace(self, job=_in_state(self.job, status)) if self.may_be(status) else self


def parse_deployments(
    document: Mapping[str, Any], namespace: str, observed: float, flaws: Flaws
) -> Page[DeploymentRow]:
    """Read one page of ListDeployments; raises FetchError when it is none."""
    data, total = _data("ListDeployments", document, flaws)
    rows = read_rows(data, _row_reader(namespace, observed, flaws))
    found = [(row.job.job_id, row) for row in rows if row is not None]
    return Page(rows=tuple(found), unreadable=len(rows) - len(found), total=total)


def _row_reader(
    namespace: str, observed: float, flaws: Flaws
) -> "Callable[[int, object], DeploymentRow | None]":
    def read(number: int, fields: object) -> "DeploymentRow | None":
        record = Record(fields, f"data[{number}]", flaws)
        return parse_deployment(record, namespace, observed, flaws)

    return read


def _data(
    operation: str, document: Mapping[str, Any], flaws: Flaws
) -> tuple[list[Any], int | None]:
    total = Record(document, operation, flaws).count("totalSize")
    data = document.get("data")
    # An empty object must not pass for an empty namespace.
    if data is None and total == 0:
        data = []
    if not isinstance(data, list):
        raise invalid(operation, f"expected a list as data; {NOT_THE_API}")
    return data, total


def parse_deployment(
    record: Record, namespace: str, observed: float, flaws: Flaws
) -> DeploymentRow | None:
    """Read a deployment; None, and noted, when it has no id.

    Its artifact, configuration and variables are left alone: they hold SQL and passwords.
    """
    deployment_id = record.text("deploymentId")
    if not usable_in_path(deployment_id):
        record.missing("deploymentId")
        return None
    summary = record.record("jobSummary")
    ended = frozenset(word for word in _ENDED if summary.count(word.casefold()))
    target = record.record("deploymentTarget")
    job = Job(
        project=namespace,
        job_id=deployment_id,
        job_name=record.text("name") or deployment_id,
        job_type=record.text("executionMode"),
        run_mode=target.text("mode"),
        queue=target.text("name"),
        engine_version=record.text("engineVersion"),
        created_timestamp=record.time_either("createdAt"),
        parallelism=_parallelism(record),
        observed_timestamp=observed,
    )
    native = _native_status(summary, ended)
    return DeploymentRow(
        job=_in_state(job, native) if native else job, ended=ended if summary else None
    )


def _native_status(summary: Record, ended: frozenset[str]) -> str:
    for word in _GOING_ON:
        if summary.count(word.casefold()):
            return word
    if not summary or len(ended) > 1:
        return ""
    return next(iter(ended), NO_RUN)


def _in_state(job: Job, native: str) -> Job:
    return replace(job, state=look_up(STATES, native), native_status=native)


def _parallelism(record: Record) -> int | None:
    # Present in basic mode only; an expert plan has one for each operator.
    basic = record.record("streamingResourceSetting").record("basicResourceSetting")
    return basic.count("parallelism")


def parse_latest_run(document: Mapping[str, Any], row: Job, observed: float, flaws: Flaws) -> Job:
    """Add to a deployment what ListJobs tells of its latest run; raises FetchError when it is none.

    The latest is the newest of those that go on, else the newest of all.
    """
    data, _ = _data("ListJobs", document, flaws)
    records = [Record(fields, f"data[{n}]", flaws) for n, fields in enumerate(data[:_MOST_RUNS])]
    if not records:
        return replace(_in_state(row, NO_RUN), observed_timestamp=observed)
    return parse_run(max(records, key=_recency), row, observed, flaws)


def _recency(record: Record) -> tuple[bool, float]:
    going_on = record.record("status").text("currentJobStatus").upper() in _GOING_ON
    return going_on, record.time_either("createdAt", "startTime") or 0.0


def parse_run(record: Record, row: Job, observed: float, flaws: Flaws) -> Job:
    """Add to a deployment what is known of one of its runs."""
    status = record.record("status")
    running, failure = status.record("running"), status.record("failure")
    native = status.text("currentJobStatus")
    state = look_up(STATES, native)
    if native and state is State.UNKNOWN:
        flaws.note_state(native)
    graph_state = running.text("observedFlinkJobStatus")
    reason, message = failure.text("reason"), failure.long_text("message")
    return replace(
        row,
        state=state,
        native_status=native,
        finer_state=parse_flink_state(graph_state, flaws),
        graph_state=graph_state,
        # A run says STREAM where its deployment says STREAMING: one word must do.
        job_type=row.job_type or record.text("executionMode"),
        engine_version=record.text("engineVersion") or row.engine_version,
        run_id=record.text("jobId"),
        restart_times=running.count("observedFlinkJobRestarts"),
        start_timestamp=record.time_either("startTime"),
        end_timestamp=record.time_either("endTime"),
        updated_timestamp=record.time_either("modifiedAt"),
        last_error_timestamp=failure.time_either("failedAt"),
        error_id=reason if _CODE.fullmatch(reason) else "",
        error_type=error_class(message),
        error_text=message,
        parallelism=_parallelism(record) or row.parallelism,
        health_score=status.number("healthScore"),
        observed_timestamp=observed,
    )


def _open(settings: Settings, connector: Connector) -> Source:
    return FlinkSource(settings, connector)


def _cost(settings: Settings, jobs: int) -> CallCost:
    ids = split_ids(settings.jobs.ids, settings.namespaces)
    if ids:
        return CallCost(per_inventory=sum(map(len, ids.values())), per_details=1)
    namespaces = len(settings.namespaces)
    pages = max(1, ceil(jobs / namespaces / PAGE_SIZE))
    # The filtered listings hold ended deployments only, and are asked for while one is in doubt.
    return CallCost(per_inventory=namespaces * (pages + len(_ENDED)), per_details=1)


PLATFORM = Platform(name="alibaba_flink", settings=Settings, open=_open, cost=_cost)
