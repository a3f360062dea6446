"""Watch the connectors of Kafka Connect clusters: self-run, Strimzi's, Confluent's and its cloud's.

Apache Kafka documentation, "Kafka Connect REST API", 2.3 to 4.3; Confluent Cloud API `connect/v1`,
"List of Connectors". One call tells the state of every connector and task. It tells neither when
something began nor how often it was restarted, nor how far it is behind. A connector is a job, and
its name is its id.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.plain import plain_auth
from exporter.auth.settings import FlinkAuthSettings
from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.platforms import Platform
from exporter.process.steps import Steps, in_steps
from exporter.settings import Endpoint
from exporter.source import CallCost, Details, Inventory, SourceSettings
from exporter.upstream.addresses import AddressRules
from exporter.upstream.client import Http
from exporter.upstream.connector import Connector, ssl_context
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals import kafka_connect
from exporter.vendors.kafka_connect.advertised import AdvertisedWorkers
from exporter.vendors.kafka_connect.jobs import describe
from exporter.vendors.kafka_connect.listing import (
    ConnectorStatus,
    entry_reader,
    listing_in_steps,
    parse_status,
    workers_in_steps,
)
from exporter.vendors.kafka_connect.states import unknown_words
from exporter.vendors.kafka_connect.workers import LISTING, ROOT, Workers

STATUS = "/connectors/{name}/status"

_CLOUD = re.compile(r"/connect/v1/environments/[^/]+/clusters/([^/]+)$")
"""The path of Confluent Cloud's API, which ends in the id of the Kafka cluster."""
_ROWS_PER_STEP = 100
_LONGEST_LOOK = 3.0
"""Seconds that a worker may take to say who it is; it does so within milliseconds."""
_LOOKED_AT_AT_ONCE = 64
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")


class Settings(SourceSettings):
    """One Connect cluster, by the addresses of its workers or of what is before them."""

    endpoints: tuple[Endpoint, ...] = ()
    cluster: Annotated[str, StringConstraints(max_length=249)] = ""
    check_workers: bool = True
    auth: FlinkAuthSettings | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.endpoint is not None) == bool(self.endpoints):
            raise PydanticCustomError("endpoint", "give exactly one of endpoint or endpoints")
        if len({bool(_CLOUD.search(each)) for each in self.addresses}) > 1:
            raise PydanticCustomError(
                "endpoints", "endpoints: workers of one cluster, or Confluent Cloud, not both"
            )
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the addresses that are configured."""
        return self.endpoints if self.endpoint is None else (self.endpoint,)

    @property
    def cloud_cluster(self) -> str:
        """Return the id of the Kafka cluster, if these are connectors of Confluent Cloud."""
        found = _CLOUD.search(self.addresses[0])
        return found[1] if found else ""

    @property
    def looks_at_workers(self) -> bool:
        """Say whether workers are asked at the addresses that they advertise."""
        return self.check_workers and not self.cloud_cluster


class ConnectSource:
    """The connectors of one Connect cluster."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._settings = settings
        self._connector = connector
        auth = plain_auth(settings.auth)
        self._workers = Workers(
            [
                connector.api(address, read_refusal=kafka_connect.read_refusal, auth=auth)
                for address in settings.addresses
            ],
            has_health=not settings.cloud_cluster,
        )
        self._query = [("expand", "status"), ("expand", "info")]
        if settings.cloud_cluster:
            # The cloud wants all in one word; Apache's workers pass over that, with status 200.
            self._query = [("expand", "info,status,id")]
        self._project = settings.cluster or settings.cloud_cluster
        self._advertised = AdvertisedWorkers(self._look_at, endpoints=settings.addresses)
        self._http: Http | None = None
        self._gone_workers: frozenset[str] = frozenset()
        self._ran: frozenset[str] = frozenset()
        """Connectors that were seen running, by their ids, as long as they are listed."""
        self._rows: dict[str, Job] = {}

    async def fetch_inventory(self) -> Inventory:
        """List all connectors and tasks, by way of a worker that is well. Raises FetchError."""
        flaws = Flaws()
        rows = RowReader(paths=[()], start=lambda: entry_reader(flaws), named=True)
        document = await self._workers.list_all(self._query, rows)
        try:
            found = await in_steps(listing_in_steps(document, flaws))
        except UnreadableError as exc:
            detail = f"this is no {kafka_connect.API}: {exc}; check endpoint"
            raise FetchError(Reason.INVALID_RESPONSE, LISTING, detail=detail) from exc
        await self._learn_project(flaws)
        if self._settings.looks_at_workers:
            worker_ids = await in_steps(workers_in_steps(found))
            self._gone_workers = await self._advertised.find_gone(worker_ids)
        return Inventory(jobs=tuple(await in_steps(self._describe_all(found, flaws))), flaws=flaws)

    async def fetch_details(self, job: Job) -> Details:
        """Return what the listing told, or ask for a connector that it told nothing of.

        Raises FetchError; with `gone` set when the worker does not know the connector.
        """
        row, flaws = self._rows.get(job.job_id), Flaws()
        if row is not None and row.native_status:
            return Details(job=row, flaws=flaws)
        silent = Job(
            project=job.project,
            job_id=job.job_id,
            job_name=job.job_name,
            name_digest=job.name_digest,
            observed_timestamp=self._now(),
        )
        if job.job_id != job.job_name or not _askable(job.job_name):
            # Jetty 12 refuses a name with a slash: the next listing has to tell.
            return Details(job=silent, flaws=flaws)
        document = await self._workers.ask(STATUS, ("connectors", job.job_id, "status"))
        try:
            found = parse_status(document, job.job_id, flaws)
        except UnreadableError as exc:
            raise FetchError(Reason.INVALID_RESPONSE, STATUS, detail=str(exc)) from exc
        if row is None:
            # A status outlives its connector by some seconds: the listing wins.
            return Details(job=silent, flaws=flaws)
        return Details(job=self._describe(found), flaws=flaws)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
        await self._connector.aclose()

    async def _learn_project(self, flaws: Flaws) -> None:
        """Name the cluster as its Kafka is named, unless it has a name; Connect tells none."""
        if not self._project:
            document = await self._workers.ask(ROOT, ())
            self._project = Record(document, "root", flaws).text("kafka_cluster_id")

    async def _look_at(self, address: str) -> object:
        """Ask a worker at its own address who it is: without credentials, nobody configured it."""
        settings, connector = self._settings, self._connector
        if self._http is None:
            context = await connector.runtime.aside(lambda: ssl_context(settings.tls), settings.tls)
            hosts = (urlsplit(each).hostname or "" for each in settings.addresses)
            local = any(_LOOPBACK.fullmatch(host) for host in hosts)
            rules = AddressRules(allow_loopback=local)
            self._http = self._http or connector.open_http(context, rules=rules)
        limits = replace(
            connector.limits,
            # Workers that are gone must not make the listing wait, nor seem to hang.
            slots=asyncio.Semaphore(_LOOKED_AT_AT_ONCE),
            timeout=min(_LONGEST_LOOK, settings.timeout),
            stall=None,
        )
        api = connector.api(
            address, read_refusal=kafka_connect.read_refusal, http=self._http, limits=limits
        )
        return await api.get_json(ROOT, (), give_up_after=0.0)

    def _describe_all(self, found: Sequence[ConnectorStatus], flaws: Flaws) -> Steps[list[Job]]:
        chosen, rows = frozenset(self._settings.jobs.ids), {}
        ran = set()
        for count, each in enumerate(found, start=1):
            for word in unknown_words(each):
                flaws.note_state(word)
            if not chosen or each.name in chosen:
                rows[each.job_id] = self._describe(each)
            if each.word.casefold() == State.RUNNING or each.job_id in self._ran:
                ran.add(each.job_id)
            if count % _ROWS_PER_STEP == 0:
                yield
        self._ran = frozenset(ran)
        self._rows = rows
        return list(rows.values())

    def _describe(self, found: ConnectorStatus) -> Job:
        return describe(
            found,
            project=self._project,
            observed=self._now(),
            ran_before=found.job_id in self._ran,
            gone_workers=self._gone_workers,
        )

    def _now(self) -> float:
        return self._connector.runtime.clock()


def _askable(name: str) -> bool:
    return "/" not in name and bool(name.strip("."))


def cost(settings: Settings, jobs: int) -> CallCost:
    """Count calls: the health and the listing, and one to each worker; none about single jobs."""
    if settings.cloud_cluster:
        return CallCost(per_inventory=1.0, per_details=0.0)
    workers = len(settings.addresses) if settings.check_workers else 0
    return CallCost(per_inventory=2.0 + workers, per_details=0.0)


PLATFORM = Platform(name="kafka_connect", settings=Settings, open=ConnectSource, cost=cost)
