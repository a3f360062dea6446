"""Stand in for many Flink clusters and whoever finds them, and poll them in virtual time."""

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx

from exporter.auth.guard import GuardBook
from exporter.discovery.clusters import Cluster, Clusters
from exporter.errors import FetchError
from exporter.model import ClusterCounts, State
from exporter.platforms.apache_flink import FlinkFleetSource, Settings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from exporter.vendors.flink.witness import Witness
from tests.platforms.polled_flink import PolledFlink
from tests.virtual_time import EPOCH, virtual_world

ZERO = "0" * 32
FOR_EVER = 1e6


def cluster(name: str, **fields: Any) -> Cluster:
    """Return a cluster whose JobManager is at its own name."""
    return Cluster(name=name, **{"addresses": (f"http://{name}:8081",), **fields})


def found(*names: str) -> Clusters:
    """Return what a complete look at these clusters finds."""
    return Clusters(living=tuple(cluster(name) for name in names))


class Script:
    """A discovery that finds what it is told to, the last thing again and again."""

    def __init__(self, *looks: Clusters | FetchError | float) -> None:
        """Take what each look finds; a number is how long it hangs."""
        self.looks = list(looks)
        self.made = 0
        self.closed = False

    async def find(self) -> Clusters:
        self.made += 1
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, float):
            await asyncio.sleep(look)
            raise AssertionError("nobody should wait for so long")
        if isinstance(look, FetchError):
            raise look
        return look

    async def aclose(self) -> None:
        self.closed = True


class JobManagers(httpx.AsyncBaseTransport):
    """The JobManagers of all clusters, each with one job, by the hosts they are at."""

    def __init__(self, *, seconds: float = 0.01) -> None:
        self.seconds = seconds
        self.slow: dict[str, float] = {}
        """How long those take that are not as quick as the others."""
        self.answers: dict[tuple[str, str], Any] = {}
        """What hosts answer to paths, other than usual: a status, a document or an exception."""
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[float, str, str]] = []
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, path = request.url.host, request.url.path
        self.asked.append((asyncio.get_running_loop().time(), host, path))
        self.requests.append(request)
        await asyncio.sleep(self.slow.get(host, self.seconds))
        answer = self.answers.get((host, path), self.answers.get((host, "*")))
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            return httpx.Response(answer, json={"errors": ["no"]})
        return httpx.Response(200, json=self._usual(host, path) if answer is None else answer)

    def listings_of(self, host: str) -> list[float]:
        """Return when the jobs of a host were listed."""
        return [at for at, each, path in self.asked if each == host and path == "/jobs/overview"]

    def job(self, host: str) -> dict[str, Any]:
        job = {"jid": ZERO, "name": f"job of {host}", "state": "RUNNING"}
        return {**job, "start-time": EPOCH * 1000, **self.jobs.get(host, {})}

    def _usual(self, host: str, path: str) -> Any:
        job = self.job(host)
        if path == "/jobs/overview":
            return {"jobs": [job]}
        if path == "/config":
            return {"flink-version": "2.3.0"}
        if path == f"/jobs/{job['jid']}":
            return {**job, "vertices": [], "plan": {"nodes": []}}
        if path.endswith("/metrics"):
            return []
        return {}


class FleetBench(PolledFlink):
    """A fleet that is polled by a collector."""

    def __init__(
        self,
        script: Script,
        managers: JobManagers,
        *,
        witness: Witness | None = None,
        patient: bool = False,
        discovery: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.script, self.managers = script, managers
        options = {"files": {"paths": ["x.json"]}, "refresh": 30, **(discovery or {})}
        self.settings = Settings.model_validate(
            {
                "name": "f",
                "platform": "apache_flink",
                "input_delay": False,
                "discovery": options,
                **settings,
            }
        )
        assert self.settings.discovery is not None
        runtime = virtual_world(managers)
        self.telemetry = Telemetry()
        connector = Connector(
            self.settings,
            runtime=runtime,
            telemetry=self.telemetry,
            guards=GuardBook(clock=runtime.monotonic),
            patient=patient,
        )
        source = FlinkFleetSource(
            self.settings, self.settings.discovery, connector, script, witness=witness
        )
        super().__init__(
            source, self.settings, connector, runtime=runtime, telemetry=self.telemetry
        )

    def state(self, name: str) -> State:
        return self.jobs[name].state

    def absent(self) -> tuple[str, ...]:
        return self.snapshot.absent

    @property
    def clusters(self) -> ClusterCounts:
        counts = self.snapshot.clusters
        assert counts is not None
        return counts

    def value(self, name: str, **labels: str) -> float:
        labels = {"source": "f", "platform": "apache_flink", **labels}
        return self.telemetry.registry.get_sample_value(name, labels) or 0.0


def named(counts: ClusterCounts) -> dict[str, tuple[str, str]]:
    """Return the condition of each cluster and why."""
    return {each.name: (each.condition.value, each.reason) for each in counts.named}


def names(count: int, prefix: str = "c") -> Iterable[str]:
    """Return so many names of clusters."""
    return [f"{prefix}{number:03d}" for number in range(count)]
