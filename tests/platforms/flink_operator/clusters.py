"""A simulated Kubernetes cluster, its JobManagers, and sources that watch it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from exporter.auth.guard import GuardBook
from exporter.model import Job, State
from exporter.platforms.flink_operator import OperatorSource, Settings
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.kubernetes.access import FLINK, Account, KubernetesAccess, Rule
from exporter.simulator.kubernetes.service import KubernetesCluster, build
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.operator_situations import JOB_ID, Situation
from tests.virtual_time import EPOCH, run, virtual_world

T = TypeVar("T")
API = "api.example.org"
TOKEN = "the-token-of-the-account"
NAMESPACES = Rule(resources=("namespaces",), group="", verbs=("get",))
PROXY = Rule(resources=("services/proxy",), group="", verbs=("get",))
HEALTHY: Mapping[str, Any] = {"lifecycle": "STABLE", "job": "RUNNING", "manager": "READY"}
Handler = Callable[[httpx.Request], httpx.Response]


def graph(state: str = "RUNNING", *, jid: str = JOB_ID, kind: str = "STREAMING") -> dict[str, Any]:
    """Return the object of a job without vertices."""
    times = {state: EPOCH * 1000 - 60_000}
    return {"jid": jid, "name": "an insert", "state": state, "timestamps": times, "job-type": kind}


@dataclass(slots=True)
class World(httpx.AsyncBaseTransport):
    """An API server at one host, and JobManagers that answer by path at all others."""

    rules: tuple[Rule, ...] = (FLINK, NAMESPACES, PROXY)
    cluster: KubernetesCluster = field(init=False)
    faults: FaultInjection = field(default_factory=FaultInjection)
    account: Account = field(init=False)
    managers: dict[str, Any] = field(default_factory=dict)
    """By path: a decoded answer, a status with one, or an exception."""
    before: Callable[[httpx.Request], None] = lambda request: None
    """Called with each request to the API server."""
    requests: list[httpx.Request] = field(default_factory=list)
    now: float = EPOCH
    _app: Any = field(init=False)

    def __post_init__(self) -> None:
        self.cluster = KubernetesCluster(clock=lambda: self.now)
        self.account = Account(name="exporter", token=TOKEN, rules=self.rules)
        access = KubernetesAccess([self.account], clock=lambda: self.now)
        self._app = httpx.ASGITransport(
            app=build(
                cluster=self.cluster, faults=self.faults, clock=lambda: self.now, access=access
            )
        )
        self.cluster.put("namespaces", {"metadata": {"name": "streams"}})
        self.managers = manager_answers()

    def put(self, situation: Situation, namespace: str = "streams") -> None:
        """Let a resource be in a situation."""
        self.cluster.put(situation.plural, situation.resource(namespace))

    def healthy(self, *names: str) -> None:
        """Let some applications run."""
        for name in names:
            self.put(healthy(name))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as whoever is asked."""
        self.requests.append(request)
        if request.url.host == API:
            self.before(request)
            found: httpx.Response = await self._app.handle_async_request(request)
            return found
        answer = self.managers.get(request.url.path, (404, {"errors": ["no such path"]}))
        if isinstance(answer, Exception):
            raise answer
        if answer == "silence":
            await asyncio.sleep(3600)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return httpx.Response(status, json=body)

    def asked(self, host: str = API) -> list[str]:
        """Return what was asked of a host since the last time."""
        found = [
            request.url.raw_path.decode() for request in self.requests if request.url.host == host
        ]
        self.requests.clear()
        return found

    def use(self, work: Callable[[OperatorSource], Awaitable[T]], **options: Any) -> T:
        """Open a source in virtual time, use it, close it."""

        async def using() -> T:
            source = self.open(**options)
            try:
                return await work(source)
            finally:
                await source.aclose()

        return run(using())

    def open(self, **options: Any) -> OperatorSource:
        """Return a source that watches this cluster."""
        given: dict[str, Any] = {
            "name": "ops",
            "platform": "flink_operator",
            "endpoint": f"https://{API}",
            "auth": {"bearer": {"token": TOKEN}},
            "namespaces": ["streams"],
            "details": "rest",
            "input_delay": False,
            **options,
        }
        runtime = virtual_world(self)
        guards = GuardBook(clock=runtime.monotonic)
        settings = Settings(**given)
        connector = Connector(settings, runtime=runtime, telemetry=Telemetry(), guards=guards)
        return OperatorSource(settings, connector)

    def inventory(self, **options: Any) -> Inventory:
        """Return what one listing finds."""
        return self.use(lambda source: source.fetch_inventory(), **options)


def healthy(name: str, **changes: Any) -> Situation:
    """Return an application that runs, or does something else."""
    return Situation(name=name, state=State.RUNNING, **{**HEALTHY, **changes})


def manager_answers(state: str = "RUNNING", **options: Any) -> dict[str, Any]:
    """Return what a JobManager says of one job."""
    return {
        f"/jobs/{JOB_ID}": graph(state, **options),
        f"/jobs/{JOB_ID}/metrics": [{"id": "numRestarts", "value": "3"}],
        f"/jobs/{JOB_ID}/checkpoints": {"counts": {"failed": 1}, "latest": {"completed": None}},
        f"/jobs/{JOB_ID}/exceptions": {"exceptionHistory": {"entries": []}},
    }


def by_id(found: Inventory) -> dict[str, Job]:
    """Return the jobs of a listing by their ids."""
    return {job.job_id: job for job in found.jobs}
