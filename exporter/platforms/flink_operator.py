"""Watch the jobs that the Apache Flink Kubernetes Operator runs, by its custom resources.

Flink Kubernetes Operator documentation, "Custom Resource Reference", flink.apache.org/v1beta1;
the products of other vendors that serve this group are read as well. One listing of each kind tells
the state of every job, what it should be, and the operator's last error; the JobManager of each job
adds restarts, checkpoints and delay, and knows better what the operator has not yet seen.

A job is a resource: it outlives its runs, of which each has an id of Flink's own. An application is
named by its FlinkDeployment, a job of a session cluster by its FlinkSessionJob.
"""

import asyncio
from dataclasses import replace
from math import ceil
from typing import Annotated, Literal, Self

import httpx
from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.kubernetes import RereadAccess
from exporter.auth.kubernetes_configured import kubernetes_access
from exporter.auth.plain import plain_auth
from exporter.auth.settings import KubernetesAuthSettings
from exporter.errors import FetchError, Reason
from exporter.expressions import Expression
from exporter.fields import Flaws, Record
from exporter.kubernetes.api import PAGE_SIZE, Kind, KubernetesApi
from exporter.kubernetes.namespaces import LABEL, NamespaceCheck, NamespaceNames
from exporter.model import Job, JobKey
from exporter.platforms import Platform
from exporter.process.steps import Steps, in_steps
from exporter.source import (
    CallCost,
    Details,
    Inventory,
)
from exporter.upstream.client import ApiClient, Http
from exporter.upstream.connector import Connector, ssl_context
from exporter.upstream.refusals import flink
from exporter.vendors.flink.cluster import details_cost
from exporter.vendors.flink.settings import FigureSettings
from exporter.vendors.flink_operator.inventory import KINDS, Listed, OperatorInventory
from exporter.vendors.flink_operator.jobs import (
    Described,
    describe,
    ends_what_lives,
    job_ids,
    join,
    may_ask,
    session_job_id,
    split_job_id,
)
from exporter.vendors.flink_operator.managers import (
    ManagerPlace,
    OperatorManagers,
    place_of,
    read_proxied,
)
from exporter.vendors.flink_operator.places import (
    PLACES,
    JobManagerSettings,
    split_ids,
    usual_details,
)
from exporter.vendors.flink_operator.resources import (
    DEPLOYMENTS,
    SESSION_JOBS,
    Resource,
    parse_resource,
)

_ROWS_PER_STEP = 100
_MOST_REMADE = 2


class Settings(FigureSettings):
    """Which API server, which namespaces of it, and how to ask the JobManagers."""

    rate_limit: Annotated[float, Field(gt=0, le=10000)] = 50.0
    namespaces: NamespaceNames = ()
    label_selector: Annotated[str, StringConstraints(max_length=1000)] = ""
    details: Literal["rest", "api_proxy", "none"] | None = None
    auth: KubernetesAuthSettings | None = None
    job_managers: JobManagerSettings = JobManagerSettings()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.details == "api_proxy" and self.job_managers != JobManagerSettings():
            raise PydanticCustomError(
                "job_managers", "job_managers is for details: rest; the API server is the way here"
            )
        split_ids(self.jobs.ids, self.namespaces)
        return self


class OperatorSource:
    """The Flink jobs of some namespaces of one Kubernetes cluster."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        runtime = connector.runtime
        provider = kubernetes_access(
            settings.endpoint, settings.auth, settings.tls, runtime=runtime
        )
        self._settings = settings
        self._connector = connector
        self._details = settings.details or usual_details(
            settings.job_managers, settings.endpoint, settings.auth, runtime.environ
        )
        self._api = KubernetesApi(connector, RereadAccess(provider, now=runtime.monotonic))
        self._check = NamespaceCheck(self._api, now=runtime.monotonic)
        self._ids = split_ids(settings.jobs.ids, settings.namespaces)
        self._inventory = OperatorInventory(
            self._api, settings.namespaces, settings.label_selector, self._check
        )
        self._manager_http: Http | None = None
        self._hosts = tuple(Expression(text) for text in settings.job_managers.hosts)
        self._managers = OperatorManagers(
            self._open_manager,
            clock=runtime.clock,
            now=runtime.monotonic,
            random=runtime.random,
            first_pause=settings.detail_interval,
            wanted=settings.wanted,
            sleep=connector.runtime.sleep,
        )
        self._described: dict[JobKey, Described] = {}
        self._before: dict[JobKey, Described] = {}
        """What the listing before the last one had."""
        self._prefixed: set[tuple[str, str]] = set()
        self._remade: dict[JobKey, int] = {}
        """Resources that were deleted and made anew, and how many listings left them out."""
        self._types: dict[JobKey, tuple[str, str]] = {}
        """What JobManagers call a job's run: STREAMING or BATCH."""

    async def fetch_inventory(self) -> Inventory:
        """List the resources of every namespace, or ask for each chosen one. Raises FetchError."""
        flaws = Flaws()
        if self._ids:
            listed = await self._fetch_chosen(flaws)
        else:
            listed = await self._inventory.list_all(flaws)
        jobs = await in_steps(self._describe_all(listed, flaws))
        return Inventory(
            jobs=tuple(jobs),
            incomplete=tuple(listed.incomplete),
            failures=tuple(listed.failures),
            flaws=flaws,
        )

    async def fetch_details(self, job: Job) -> Details:
        """Ask the JobManager of a job, if there is one to ask.

        Raises FetchError when the job is not in the last listing; with `gone` set when the API
        server does not know it, or knows another one of its name. Whatever is wrong with a
        JobManager is no failure of the job.
        """
        described = await self._latest(job)
        place = self._place(described)
        if place is None:
            return Details(job=described.job, flaws=Flaws())
        found = await self._managers.ask(place, described.job)
        if found is None:
            return Details(job=described.job, flaws=Flaws())
        if isinstance(found, FetchError):
            return Details(job=described.job, flaws=Flaws(), failures=(found,))
        if ends_what_lives(described, found.job):
            try:
                described = await self._look_again(described)
            except FetchError as exc:
                return Details(job=described.job, flaws=found.flaws, failures=(exc,))
            if described.job.run_id != found.job.job_id:
                return Details(job=described.job, flaws=found.flaws)
        self._types[described.job.key] = (described.job.run_id, found.job.job_type)
        return replace(found, job=join(described, found.job))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.aclose()
        if self._manager_http is not None:
            await self._manager_http.aclose()
        await self._connector.aclose()

    def _describe_all(self, listed: Listed, flaws: Flaws) -> Steps[list[Job]]:
        observed = self._now()
        shared = job_ids(self._inventory.known())
        self._prefixed = {key for key, both in shared.items() if both or key in self._prefixed}
        before, self._before = self._described, self._described
        found: dict[JobKey, Described] = {}
        for count, resource in enumerate(listed.resources, start=1):
            if resource.runs_job:
                described = self._describe(resource, observed, flaws)
                found[described.job.key] = described
            if count % _ROWS_PER_STEP == 0:
                yield
        incomplete = {namespace for namespace, _ in listed.incomplete}
        # What did not arrive is as it was.
        kept = {key: each for key, each in before.items() if key.project in incomplete}
        self._described = kept | found
        yield
        self._types = {key: each for key, each in self._types.items() if key in self._described}
        self._managers.keep_only(
            (place, each.job.run_id)
            for each in self._described.values()
            if (place := self._place(each)) is not None
        )
        yield
        rows = []
        for count, (key, described) in enumerate(found.items(), start=1):
            if not self._is_remade(key, before.get(key), described):
                rows.append(self._row(described))
            if count % _ROWS_PER_STEP == 0:
                yield
        return rows

    def _describe(self, resource: Resource, observed: float, flaws: Flaws) -> Described:
        job_id = resource.name
        if resource.kind == SESSION_JOBS and (resource.namespace, job_id) in self._prefixed:
            job_id = session_job_id(resource.name)
        run_id, job_type = self._types.get(
            JobKey(project=resource.namespace, job_id=job_id), ("", "")
        )
        same = resource.status is not None and resource.status.job_id == run_id
        return describe(
            resource,
            observed,
            flaws,
            job_id=job_id,
            job_type=job_type if same else "",
            own_parallelism=self._details == "none",
        )

    def _row(self, described: Described) -> Job:
        if described.needs_details and self._place(described) is not None:
            return described.row
        return described.job

    def _is_remade(self, key: JobKey, before: Described | None, now: Described) -> bool:
        """Say whether to leave out a resource that is another one than before.

        Without a run of its own it would be taken for the one before, with all that is known of
        that. Left out, it is asked for, gone by its id, and then new.
        """
        another = before is not None and before.resource.uid != now.resource.uid
        if another and before is not None and now.job.run_id in ("", before.job.run_id):
            self._remade[key] = 0
        if key not in self._remade:
            return False
        self._remade[key] += 1
        if self._remade[key] > _MOST_REMADE:
            del self._remade[key]
            return False
        return True

    async def _latest(self, job: Job) -> Described:
        """Return what is known of a job, asking for it if the last listing did not have it."""
        if self._remade.pop(job.key, None) is not None:
            raise _gone(job)
        described = self._described.get(job.key)
        if described is not None:
            return described
        before = self._before.get(job.key)
        name, only_session = split_job_id(job.job_id)
        kinds = (before.resource.kind,) if before else (SESSION_JOBS,) if only_session else KINDS
        flaws = Flaws()
        for kind in kinds:
            try:
                resource = await self._find(kind, job.project, name, flaws)
            except FetchError as exc:
                if exc.gone and kind is not kinds[-1]:
                    continue
                raise
            if resource.runs_job and (before is None or before.resource.uid == resource.uid):
                return self._describe(resource, self._now(), flaws)
        raise _gone(job)

    async def _look_again(self, described: Described) -> Described:
        resource, flaws = described.resource, Flaws()
        found = await self._find(resource.kind, resource.namespace, resource.name, flaws)
        again = describe(
            found,
            self._now(),
            flaws,
            job_id=described.job.job_id,
            job_type=described.job.job_type,
        )
        self._described[described.job.key] = again
        return again

    async def _find(self, kind: Kind, namespace: str, name: str, flaws: Flaws) -> Resource:
        document = await self._api.find(kind, namespace, name)
        resource = parse_resource(Record(document, kind.plural, flaws), kind, namespace, flaws)
        if resource is None:
            detail = "expected the resource that was asked for"
            raise FetchError(Reason.INVALID_RESPONSE, f"get {kind.resource}", detail=detail)
        return resource

    async def _fetch_chosen(self, flaws: Flaws) -> Listed:
        listed = Listed()

        async def fetch(key: JobKey) -> None:
            name, only_session = split_job_id(key.job_id)
            for kind in (SESSION_JOBS,) if only_session else KINDS:
                try:
                    resource = await self._find(kind, key.project, name, flaws)
                except FetchError as exc:
                    if not exc.gone:
                        listed.incomplete.append((key.project, exc))
                        return
                    self._inventory.forget(kind, key.project, name)
                    continue
                self._inventory.note(resource)
                if resource.runs_job:
                    if only_session:
                        self._prefixed.add((key.project, name))
                    listed.resources.append(resource)
                    return
            flaws.note(f"jobs.ids {key.project}/{key.job_id}", "a job that exists")

        await asyncio.gather(*(fetch(key) for key in self._ids))
        if listed.incomplete and not listed.resources:
            raise listed.incomplete[0][1]
        await self._fetch_clusters(listed, flaws)
        return listed

    async def _fetch_clusters(self, listed: Listed, flaws: Flaws) -> None:
        """Ask for the clusters of chosen session jobs, whose JobManagers they run on."""

        async def fetch(namespace: str, name: str) -> None:
            try:
                self._inventory.note(await self._find(DEPLOYMENTS, namespace, name, flaws))
            except FetchError:
                # Without it there are no details; the job itself is known.
                self._inventory.forget(DEPLOYMENTS, namespace, name)

        sessions = [each for each in listed.resources if each.kind == SESSION_JOBS]
        clusters = {(each.namespace, each.cluster) for each in sessions if each.cluster}
        if self._details != "none":
            await asyncio.gather(*(fetch(*each) for each in sorted(clusters)))

    def _place(self, described: Described) -> ManagerPlace | None:
        """Return whom to ask about a job; None when there is nobody, or nobody is to be asked."""
        if self._details == "none":
            return None
        resource = described.resource
        cluster: Resource | None = resource
        if resource.kind == SESSION_JOBS:
            cluster = self._inventory.find(DEPLOYMENTS, resource.namespace, resource.cluster)
        manager = cluster.status.manager if cluster and cluster.status else ""
        # A name with dots could be that of another host; the operator takes none.
        if not LABEL.fullmatch(resource.cluster) or not may_ask(resource, manager):
            return None
        return place_of(resource, cluster)

    async def _open_manager(self, place: ManagerPlace) -> ApiClient:
        if self._details == "api_proxy":
            # The API server takes its Authorization header off before it hands a request on.
            return await self._api.client("get services/proxy", place.proxy_path, read_proxied)
        given = self._settings.job_managers
        address = place.address
        if given.address is not None:
            values = {"name": place.name, "namespace": place.namespace, "port": str(place.port)}
            address = PLACES.sub(lambda match: values[match[1]], given.address)
        if self._manager_http is None:
            # Connections of their own: what the API server is shown is nobody else's business.
            context = await self._connector.runtime.aside(lambda: ssl_context(given.tls), given.tls)
            self._manager_http = self._manager_http or self._connector.open_http(context)
        host = httpx.URL(address).host
        chosen = any(expression.matches(host) for expression in self._hosts)
        return self._connector.api(
            address,
            read_refusal=flink.read_refusal,
            auth=plain_auth(given.auth) if chosen else None,
            http=self._manager_http,
        )

    def _now(self) -> float:
        return self._connector.runtime.clock()


def _gone(job: Job) -> FetchError:
    detail = "no such job, or another one of its name"
    return FetchError(Reason.NOT_FOUND, "get flinkdeployments", detail=detail, gone=True)


def _cost(settings: Settings, jobs: int) -> CallCost:
    details = details_cost(settings.wanted, settings.detail_interval)
    if settings.details == "none":
        details = 0.0
    if settings.jobs.ids:
        return CallCost(per_inventory=float(len(settings.jobs.ids)), per_details=details)
    scopes = len(settings.namespaces) or 1
    # All jobs may be of one kind; the other one costs a call even if there is none of it.
    pages = max(1, ceil(jobs / scopes / PAGE_SIZE))
    return CallCost(per_inventory=float(scopes * (pages + 1)), per_details=details)


PLATFORM = Platform(
    name="flink_operator", settings=Settings, open=OperatorSource, cost=_cost, rescales=True
)
