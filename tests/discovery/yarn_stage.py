"""Put a simulated YARN before its discovery."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import httpx

from exporter.auth.guard import GuardBook
from exporter.discovery.clusters import Clusters
from exporter.discovery.yarn import YarnDiscovery
from exporter.discovery.yarn_resource_managers import Manager, ResourceManagers
from exporter.discovery.yarn_settings import YarnSettings
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.yarn.access import YarnAccess
from exporter.simulator.yarn.applications import Application
from exporter.simulator.yarn.resource_manager import Availability, Yarn, build
from exporter.source import SourceSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from exporter.upstream.refusals import yarn
from tests.virtual_time import EPOCH, run, virtual_world

T = TypeVar("T")
CLUSTER_ID = 1_700_000_000_000
RM1, RM2 = "http://rm1:8088", "http://rm2:8088"


def application(number: int, name: str = "orders", **fields: Any) -> Application:
    """Return an application of the simulated YARN that runs."""
    values = {
        "state": "RUNNING",
        "started_at": EPOCH - 3600,
        "master": f"10.0.0.{number}:30000",
        "queue": "streaming",
    }
    return Application(number=number, name=name, **{**values, **fields})


def identity(number: int) -> str:
    """Return the id of an application of the simulated YARN."""
    return f"application_{CLUSTER_ID}_{number:04d}"


class Listed:
    """Applications that a test changes as it likes."""

    def __init__(self, *applications: Application) -> None:
        self.now: dict[int, Application] = {}
        self.put(*applications)

    def put(self, *applications: Application) -> None:
        """Add applications, or put others in place of those with their numbers."""
        self.now.update({each.number: each for each in applications})

    def change(self, number: int, **fields: Any) -> None:
        """Change one application."""
        self.now[number] = replace(self.now[number], **fields)

    def at(self, now: float) -> list[Application]:
        """Return all applications."""
        return sorted(self.now.values(), key=lambda each: each.number, reverse=True)


class Router(httpx.AsyncBaseTransport):
    """Two hosts, each with whoever answers there; None is nobody."""

    def __init__(self, hosts: dict[str, Any]) -> None:
        self.hosts = hosts
        self.requests: list[httpx.Request] = []
        self.before: Callable[[httpx.Request], None] = lambda request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.before(request)
        answers = self.hosts.get(request.url.host)
        if answers is None:
            raise httpx.ConnectError("refused", request=request)
        if callable(answers) and not hasattr(answers, "routes"):
            response: httpx.Response = answers(request)
            return response
        return await httpx.ASGITransport(app=answers).handle_async_request(request)


class Stage:
    """A YARN of two ResourceManagers and what discovers its clusters."""

    def __init__(
        self,
        *applications: Application,
        access: YarnAccess | None = None,
        hadoop: int = 3,
        cpu_time: Callable[[], float] = time.thread_time,
        **settings: Any,
    ) -> None:
        self.listed = Listed(*applications)
        self.availability = Availability(addresses={"rm1": RM1, "rm2": RM2})
        self.faults = {"rm1": FaultInjection(), "rm2": FaultInjection()}
        self.yarn = Yarn(
            applications=self.listed,
            clock=lambda: self.runtime.clock(),
            availability=self.availability,
            access=access or YarnAccess(),
            cluster_id=CLUSTER_ID,
            hadoop=hadoop,
        )
        hosts = {
            name: build(self.yarn, name=name, faults=self.faults[name]) for name in ("rm1", "rm2")
        }
        self.router = Router(hosts)
        self.runtime = virtual_world(self.router)
        self.settings = YarnSettings.model_validate({"endpoints": [RM1, RM2], **settings})
        source = SourceSettings(name="yarn", platform="apache_flink", rate_limit=1000)
        self.connector = Connector(
            source, runtime=self.runtime, telemetry=Telemetry(), guards=GuardBook()
        )
        managers = [
            Manager(endpoint=each, api=self.connector.api(each, read_refusal=yarn.read_refusal))
            for each in self.settings.endpoints
        ]
        self.managers = ResourceManagers(
            managers,
            application_type=self.settings.application_type,
            user=self.settings.user,
        )
        self.discovery = YarnDiscovery(
            self.settings, self.managers, self.runtime.clock, cpu_time=cpu_time
        )

    async def find(self) -> Clusters:
        """Look once."""
        return await self.discovery.find()

    async def names(self) -> list[str]:
        """Look once; return the names of the clusters that are there."""
        return [each.name for each in (await self.find()).living]


def staged(play: Callable[[Stage], Awaitable[T]], *applications: Application, **options: Any) -> T:
    """Play something before a YARN in virtual time."""

    async def perform() -> T:
        stage = Stage(*applications, **options)
        try:
            return await play(stage)
        finally:
            await stage.discovery.aclose()
            await stage.connector.aclose()

    return run(perform())
