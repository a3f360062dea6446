"""Watch the jobs of Apache Flink clusters through their own REST API.

Flink documentation, "REST API" (docs/ops/rest_api), versions 1.13 to 2.3. How a cluster is asked is
in `exporter.vendors.flink.cluster`; here is which one, or how many are found, and as whom.
"""

import asyncio
from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.plain import plain_auth
from exporter.auth.settings import FlinkAuthSettings
from exporter.discovery.admission import Admission
from exporter.discovery.clusters import Cluster, Discovery
from exporter.discovery.kinds import DiscoverySettings, open_discovery
from exporter.discovery.refreshing import Refreshing
from exporter.discovery.surroundings import Surroundings
from exporter.model import Job
from exporter.platforms import Platform
from exporter.settings import Endpoint
from exporter.source import CallCost, Details, Inventory, Source
from exporter.upstream.addresses import AddressRules
from exporter.upstream.client import ApiClient
from exporter.upstream.connector import Connector
from exporter.upstream.lanes import Lane, Lanes
from exporter.upstream.late_connector import LateConnector
from exporter.upstream.refusals import flink
from exporter.upstream.stall import StallLimit
from exporter.vendors.flink import history as history_server
from exporter.vendors.flink.cluster import FlinkCluster, details_cost
from exporter.vendors.flink.departures import Departures
from exporter.vendors.flink.fleet import FlinkFleet
from exporter.vendors.flink.jobs import JOB_ID
from exporter.vendors.flink.managers import JobManagers
from exporter.vendors.flink.member import BackOff, Member
from exporter.vendors.flink.settings import FigureSettings
from exporter.vendors.flink.witness import Witness

_LONGEST_LOOK = 4
"""Time-outs that a look for clusters may take."""
_LONGEST_PATIENCE = 0.5
"""Time-outs after which nobody waits for a cluster, however long the others take."""
_LONGEST_BACK_OFF = 0.5
"""Of `stale_after`: a cluster that is back again is seen before its jobs are gone."""


class Settings(FigureSettings):
    """A Flink cluster, by the addresses of its JobManagers, or how many clusters are found."""

    rate_limit: Annotated[float, Field(gt=0, le=10000)] = 50.0
    endpoints: tuple[Endpoint, ...] = ()
    discovery: DiscoverySettings | None = None
    auth: FlinkAuthSettings | None = None
    history_endpoint: Endpoint | None = None
    history_auth: FlinkAuthSettings | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ways = (self.endpoint is not None, bool(self.endpoints), self.discovery is not None)
        if sum(ways) != 1:
            raise PydanticCustomError(
                "endpoint", "give exactly one of endpoint, endpoints or discovery"
            )
        if not all(JOB_ID.fullmatch(job_id) for job_id in self.jobs.ids):
            raise PydanticCustomError("ids", "jobs.ids: a job id of Flink is 32 hex digits")
        if self.discovery is not None:
            self._check_discovery(self.discovery)
        elif self.history_endpoint is not None:
            raise PydanticCustomError(
                "history_endpoint",
                "history_endpoint: for discovery only, where it tells how clusters that left ended",
            )
        if self.history_auth is not None and self.history_endpoint is None:
            raise PydanticCustomError("history_auth", "history_auth: only with history_endpoint")
        return self

    def _check_discovery(self, discovery: DiscoverySettings) -> None:
        if self.jobs.ids:
            raise PydanticCustomError(
                "ids", "jobs.ids: not with discovery, where an id does not tell the cluster"
            )
        if self.auth is not None and not discovery.hosts:
            raise PydanticCustomError(
                "hosts", "discovery.hosts: required with auth, which goes to no other hosts"
            )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the addresses of the JobManagers that are configured."""
        return self.endpoints if self.endpoint is None else (self.endpoint,)

    @property
    def loopback_of_others(self) -> bool | None:
        """Say whether addresses that were found may be of this machine."""
        return None if self.discovery is None else self.discovery.allow_loopback

    @property
    def connections(self) -> int:
        """Return how many connections there can be: a silent cluster keeps one for itself."""
        found = 0 if self.discovery is None else self.discovery.max_clusters
        return self.concurrency + found


class FlinkSource:
    """The jobs of one Flink cluster."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._ids = settings.jobs.ids
        self._connector = connector
        auth = plain_auth(settings.auth)
        managers = JobManagers(
            [
                connector.api(address, read_refusal=flink.read_refusal, auth=auth)
                for address in settings.addresses
            ]
        )
        self._cluster = FlinkCluster(
            managers,
            connector.runtime.clock,
            wanted=settings.wanted,
            sleep=connector.runtime.sleep,
        )

    async def fetch_inventory(self) -> Inventory:
        """List the jobs, or ask for those that are chosen by id. Raises FetchError."""
        return await self._cluster.fetch_inventory(self._ids)

    async def fetch_details(self, job: Job) -> Details:
        """Ask for everything about one job. Raises FetchError."""
        return await self._cluster.fetch_details(job)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()


class FlinkFleetSource:
    """The jobs of all Flink clusters that are found."""

    def __init__(
        self,
        settings: Settings,
        found_by: DiscoverySettings,
        connector: Connector,
        discovery: Discovery,
        *,
        witness: Witness | None = None,
    ) -> None:
        """Take what finds the clusters, and who can tell of jobs whose cluster has left, if any."""
        self._settings = settings
        self._connector = connector
        self._auth = plain_auth(settings.auth)
        runtime = connector.runtime
        self._lanes = Lanes(
            pace=connector.limits.bucket,
            slots=asyncio.Semaphore(settings.concurrency),
            doubtful=asyncio.Semaphore(settings.concurrency),
            longest=settings.timeout * _LONGEST_PATIENCE,
            clock=runtime.monotonic,
            sleep=runtime.sleep,
        )
        self._back_off = BackOff(
            interval=settings.poll_interval,
            limit=settings.stale_after * _LONGEST_BACK_OFF,
            random=runtime.random,
        )
        refreshing = Refreshing(
            discovery,
            Admission(
                hosts=found_by.hosts,
                rules=AddressRules(allow_loopback=found_by.allow_loopback),
                max_clusters=found_by.max_clusters,
            ),
            refresh=found_by.refresh,
            timeout=settings.timeout * _LONGEST_LOOK,
            monotonic=runtime.monotonic,
        )
        self._witness = witness
        departures = None
        if witness is not None:
            departures = Departures(
                witness, patience=settings.stale_after, monotonic=runtime.monotonic
            )
        self._fleet = FlinkFleet(
            refreshing,
            self._member,
            lanes=self._lanes,
            stale_after=settings.stale_after,
            ended_retention=settings.ended_retention,
            clock=runtime.clock,
            monotonic=runtime.monotonic,
            departures=departures,
            patient=connector.patient,
        )

    async def fetch_inventory(self) -> Inventory:
        """List the jobs of all clusters that answer soon. Raises FetchError."""
        return await self._fleet.fetch_inventory()

    async def fetch_details(self, job: Job) -> Details:
        """Ask for everything about one job. Raises FetchError."""
        return await self._fleet.fetch_details(job)

    async def check_witness(self) -> None:
        """Make sure that who is to tell how clusters ended can do so. Raises FetchError."""
        if self._witness is not None:
            await self._witness.check()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._fleet.aclose()
        await self._connector.aclose()

    def _member(self, cluster: Cluster) -> Member:
        settings, connector = self._settings, self._connector
        lane = Lane(self._lanes)
        # Each cluster may hang by itself; the source hears of every answer.
        hangs = settings.timeout * (1 if len(cluster.addresses) == 1 else 2)
        stall = StallLimit(hangs, told=connector.stall.heard)
        limits = replace(connector.limits, bucket=lane, slots=lane, stall=stall)
        managers = JobManagers(
            [
                connector.api(
                    address,
                    read_refusal=flink.read_refusal,
                    auth=self._auth,
                    limits=limits,
                    server_name=cluster.server_name,
                )
                for address in cluster.addresses
            ]
        )
        flink_cluster = FlinkCluster(
            managers,
            connector.runtime.clock,
            project=cluster.name,
            wanted=settings.wanted,
            sleep=connector.runtime.sleep,
        )
        return Member(
            cluster,
            flink_cluster,
            lane=lane,
            stall=stall,
            back_off=self._back_off,
            monotonic=connector.runtime.monotonic,
        )


def _open(settings: Settings, connector: Connector) -> Source:
    found_by = settings.discovery
    if found_by is None:
        return FlinkSource(settings, connector)
    surroundings = Surroundings(settings=settings, connector=connector, refresh=found_by.refresh)
    discovery = open_discovery(found_by, surroundings)
    witness = _history(settings, connector)
    return FlinkFleetSource(settings, found_by, connector, discovery, witness=witness)


def _history(settings: Settings, connector: Connector) -> Witness | None:
    if settings.history_endpoint is None:
        return None
    # Unlike the clusters the configuration names it, so it may be anywhere; and it shares nothing
    # with them: waiting for one that hangs must not make them wait.
    late = LateConnector(connector, settings.tls, history_server.CONFIG)
    endpoint, auth = settings.history_endpoint, plain_auth(settings.history_auth)

    async def api() -> ApiClient:
        beside = await late.get()
        return beside.api(endpoint, read_refusal=flink.read_refusal, auth=auth)

    return history_server.HistoryServer(api, connector.runtime.clock, close=late.aclose)


def _cost(settings: Settings, jobs: int) -> CallCost:
    # A job of several sources or sinks takes a call more for each, as does one whose sources know
    # of no event time for each vertex that reads from them.
    listings = float(len(settings.jobs.ids) or 1)
    if settings.discovery is not None:
        # The calls of the discovery go elsewhere, but count.
        listings = settings.poll_interval / max(settings.discovery.refresh, settings.poll_interval)
    return CallCost(
        per_inventory=listings,
        per_cluster=0.0 if settings.discovery is None else 1.0,
        per_details=details_cost(settings.wanted, settings.detail_interval),
    )


async def _check(source: Source) -> None:
    """Ask whether the HistoryServer is one: otherwise it is asked when a cluster has left only."""
    if isinstance(source, FlinkFleetSource):
        await source.check_witness()


PLATFORM = Platform(
    name="apache_flink",
    settings=Settings,
    open=_open,
    cost=_cost,
    supersedes=True,
    rescales=True,
    check=_check,
)
