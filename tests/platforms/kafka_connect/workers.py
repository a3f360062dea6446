"""Some simulated workers of one cluster, and a source that watches them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import httpx

from exporter.auth.guard import GuardBook
from exporter.collecting.collector import SourceCollector
from exporter.collecting.store import Store
from exporter.model import Job, Snapshot, State
from exporter.platforms.kafka_connect import ConnectSource, Settings
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.kafka_connect.bodies import SimulatedConnector, SimulatedTask
from exporter.simulator.kafka_connect.cluster import WORKERS, ConnectCluster
from exporter.simulator.kafka_connect.service import ConnectLogin, Worker
from exporter.source import Details, Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

T = TypeVar("T")
POLL_INTERVAL = 30.0


def connector(
    name: str = "orders",
    state: str = "RUNNING",
    *tasks: str,
    worker_id: str = WORKERS[0],
    task_worker: str = WORKERS[0],
    **given: Any,
) -> SimulatedConnector:
    """Return a connector whose tasks are in these states."""
    return SimulatedConnector(
        name=name,
        state=state,
        worker_id=worker_id,
        tasks=tuple(
            SimulatedTask(task_id=number, state=word, worker_id=task_worker)
            for number, word in enumerate(tasks)
        ),
        **given,
    )


@dataclass(slots=True)
class World(httpx.AsyncBaseTransport):
    """Two workers at their advertised addresses; those in `dead` refuse connections."""

    version: str = "4.3.0"
    login: ConnectLogin | None = None
    dead: set[str] = field(default_factory=set)
    hanging: set[str] = field(default_factory=set)
    requests: list[httpx.Request] = field(default_factory=list)
    strange: dict[str, httpx.Response] = field(default_factory=dict)
    """What is answered at hosts where there is no worker."""
    listing: object = None
    """What is answered as the listing, if it is not the true one."""
    statuses: dict[str, object] = field(default_factory=dict)
    """What is answered to some paths."""
    extra_entries: dict[str, object] = field(default_factory=dict)
    """What is added to the true listing."""
    cluster: ConnectCluster = field(init=False)
    workers: dict[str, Worker] = field(init=False)
    _apps: dict[str, httpx.ASGITransport] = field(init=False)

    def __post_init__(self) -> None:
        fleet = Fleet(seed=1, started_at=EPOCH, jobs=0)
        self.cluster = ConnectCluster(fleet, version=self.version)
        self.workers = {
            worker_id: Worker(
                self.cluster, faults=FaultInjection(), clock=lambda: EPOCH, access=self.login
            )
            for worker_id in WORKERS
        }
        self._apps = {
            worker_id: httpx.ASGITransport(app=worker.app())
            for worker_id, worker in self.workers.items()
        }

    def show(self, *connectors: SimulatedConnector) -> None:
        """Let these be all connectors there are."""
        self.cluster.extra = {each.name: each for each in connectors}

    def asked(self, path: str) -> list[str]:
        """Return the hosts that were asked for a path, in order."""
        return [each.url.netloc.decode() for each in self.requests if each.url.path == path]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the worker at that address would."""
        self.requests.append(request)
        place = request.url.netloc.decode()
        if place in self.hanging:
            await asyncio.sleep(3600)
        if place in self.strange:
            return self.strange[place]
        if place in self.dead or place not in self._apps:
            raise httpx.ConnectError("refused", request=request)
        if request.url.path in self.statuses:
            return httpx.Response(200, json=self.statuses[request.url.path])
        if request.url.path == "/connectors" and self.listing is not None:
            return httpx.Response(200, json=self.listing)
        answer = await self._apps[place].handle_async_request(request)
        if request.url.path != "/connectors" or not self.extra_entries:
            return answer
        return httpx.Response(200, json=json.loads(await answer.aread()) | self.extra_entries)


@dataclass(slots=True, kw_only=True)
class Watch:
    """A source, and the collector that polls it whenever the test says so."""

    source: ConnectSource
    world: World
    telemetry: Telemetry
    store: Store
    log: RecordingLog
    collector: SourceCollector

    async def poll(self, times: int = 1) -> Snapshot:
        """Poll, with the usual time in between; return what is published."""
        for _ in range(times):
            await asyncio.sleep(POLL_INTERVAL)
            await self.collector.poll()
        return self.store.snapshots["connect"]

    async def states(self, times: int = 1) -> dict[str, State]:
        """Poll, and return the state of each connector that is shown."""
        return {job.job_name: job.state for job in (await self.poll(times)).jobs}

    async def job(self, name: str = "orders") -> Job:
        """Poll, and return a connector."""
        (found,) = (job for job in (await self.poll()).jobs if job.job_name == name)
        return found


def watching(
    world: httpx.AsyncBaseTransport, story: Callable[[Watch], Awaitable[T]], **given: Any
) -> T:
    """Tell a story with a source that watches the workers of a world."""
    addresses = [f"http://{each}" for each in WORKERS]
    usual = {"endpoints": addresses, "cluster": "c"} if "endpoint" not in given else {}
    settings = Settings.model_validate(
        {"name": "connect", "platform": "kafka_connect", **usual, **given}
    )

    async def tell() -> T:
        runtime, telemetry = virtual_world(world), Telemetry()
        made = Connector(
            settings, runtime=runtime, telemetry=telemetry, guards=GuardBook(clock=runtime.clock)
        )
        source, store, log = ConnectSource(settings, made), Store(), RecordingLog()
        collector = SourceCollector(
            settings,
            source,
            supersedes=False,
            store=store,
            telemetry=telemetry,
            runtime=runtime,
            log=log,
            stall=made.stall,
        )
        collector.announce()
        try:
            return await story(
                Watch(
                    source=source,
                    world=cast("World", world),
                    telemetry=telemetry,
                    store=store,
                    log=log,
                    collector=collector,
                )
            )
        finally:
            await source.aclose()

    return run(tell())


def list_once(world: World, **given: Any) -> Inventory:
    """Return what one listing finds."""

    async def story(watch: Watch) -> Inventory:
        return await watch.source.fetch_inventory()

    return watching(world, story, **given)


def ask_about(world: World, job: Job, **given: Any) -> Details:
    """Return what asking for a connector after a listing brings."""

    async def story(watch: Watch) -> Details:
        await watch.source.fetch_inventory()
        return await watch.source.fetch_details(job)

    return watching(world, story, **given)
