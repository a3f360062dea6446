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

How far a run lags, and what goes through it, only Flink knows. With `input_delay` the JobManager of
each stream that runs is asked through FlinkApiProxy, as `apache_flink` asks one directly.
"""

import asyncio
from math import ceil
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws, Record
from exporter.model import Job
from exporter.platforms import Platform
from exporter.settings import expecting
from exporter.source import CallCost, Details, Inventory, Source
from exporter.upstream.connector import Connector
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals.alibaba import names_no_such_api
from exporter.vendors.alibaba import (
    AlibabaSettings,
    Places,
    Product,
    invalid,
    split_ids,
    ververica_endpoint,
)
from exporter.vendors.alibaba_listing import PAGE_SIZE, Listed, Listings, Page, read_pages
from exporter.vendors.flink.cluster import details_cost
from exporter.vendors.flink.settings import FigureSettings
from exporter.vendors.ververica import (
    ENDED,
    DeploymentRow,
    parse_deployment,
    parse_deployments,
    parse_latest_run,
    row_reader,
)
from exporter.vendors.ververica_figures import ProxiedFigures

_BATCH = "batch"
_BATCH_RUNS = "10"


class Settings(AlibabaSettings, FigureSettings):
    """Where the workspace is, and which of its namespaces; `workspace` is its id, not its name."""

    input_delay: bool = False
    """Unlike where Flink is asked directly: each call counts against the quota of the account."""
    workspace: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"),
        expecting("the id of a workspace: up to 64 letters, digits, dashes or underscores"),
    ]
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
        wanted = settings.wanted
        self._figures = (
            ProxiedFigures(self._product, connector.runtime, wanted) if wanted.anything else None
        )

    async def fetch_inventory(self) -> Inventory:
        """List the deployments of every namespace, or ask for each configured one.

        Raises FetchError when no namespace answered.
        """
        if self._ids:
            inventory = await self._listings.gather(self._ids, self._fetch_each)
        else:
            places = self._settings.namespaces
            inventory = await self._listings.gather(places, self._fetch_namespace)
        if self._figures is not None and not inventory.incomplete:
            self._figures.keep_only({job.key for job in inventory.jobs})
        return inventory

    async def fetch_details(self, job: Job) -> Details:
        """Ask for the latest run of a deployment.

        Raises FetchError; `gone` when a listing by the deployment's name does not have it.
        """
        flaws = Flaws()
        row = self._listings.row(job.key) or await self._confirm(job)
        try:
            run = await self._fetch_run(row, flaws)
        except FetchError as exc:
            if exc.reason is Reason.NOT_FOUND:
                await self._confirm(job)
            raise
        if self._figures is None:
            return Details(job=run, flaws=flaws)
        return await self._figures.add(run, flaws)

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
        for status in ENDED:
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
        rows = RowReader(paths=[("data",)], start=lambda: row_reader(namespace, self._now(), flaws))
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


def _open(settings: Settings, connector: Connector) -> Source:
    return FlinkSource(settings, connector)


def _cost(settings: Settings, jobs: int) -> CallCost:
    ids = split_ids(settings.jobs.ids, settings.namespaces)
    wanted = settings.wanted
    details = 1 + (details_cost(wanted, settings.detail_interval) if wanted.anything else 0.0)
    if ids:
        return CallCost(per_inventory=sum(map(len, ids.values())), per_details=details)
    namespaces = len(settings.namespaces)
    pages = max(1, ceil(jobs / namespaces / PAGE_SIZE))
    # The filtered listings hold ended deployments only, and are asked for while one is in doubt.
    return CallCost(per_inventory=namespaces * (pages + len(ENDED)), per_details=details)


PLATFORM = Platform(name="alibaba_flink", settings=Settings, open=_open, cost=_cost)
