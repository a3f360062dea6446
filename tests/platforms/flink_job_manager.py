"""Stand in for a JobManager of Flink, and open sources that ask it."""

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx

from exporter.auth.guard import GuardBook
from exporter.model import Job
from exporter.platforms.apache_flink import FlinkSource, Settings
from exporter.source import Details, Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.virtual_time import EPOCH, run, virtual_world

T = TypeVar("T")
Handler = Callable[[httpx.Request], httpx.Response]

RECORDED = Path(__file__).parents[1] / "fixtures" / "apache_flink" / "recorded"
JID = "0123456789abcdef0123456789abcdef"
OTHER_JID = "f" * 32
SOURCE_VERTEX = "a" * 32
SINK_VERTEX = "b" * 32
NO_WATERMARK = -(2.0**63)
END_OF_INPUT = 2.0**63
NOW_MS = EPOCH * 1000
NOT_FOUND = {"errors": [f"org.apache.flink.runtime.rest.NotFoundException: Job {JID} not found"]}
NO_LEADER = {"errors": ["Service temporarily unavailable due to an ongoing leader election."]}


def recorded(name: str) -> Any:
    """Return an answer of a real cluster."""
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def row(**fields: Any) -> dict[str, Any]:
    """Return a row of the listing of jobs."""
    return {"jid": JID, "name": "orders", "state": "RUNNING", **fields}


def graph(state: str = "RUNNING", **fields: Any) -> dict[str, Any]:
    """Return the object of a job with a source and a sink."""
    return {
        "jid": JID,
        "name": "orders",
        "state": state,
        "timestamps": {state: NOW_MS - 3_600_000},
        "plan": {
            "nodes": [
                {"id": SINK_VERTEX, "parallelism": 2, "inputs": [{"id": SOURCE_VERTEX}]},
                {"id": SOURCE_VERTEX, "parallelism": 2},
            ]
        },
        **fields,
    }


class Flink:
    """A JobManager that answers from a dictionary of paths and remembers what it was asked."""

    def __init__(self, **options: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: dict[str, Any] = {
            "/config": {"flink-version": "2.3.0"},
            "/jobs/overview": {"jobs": [row()]},
            f"/jobs/{JID}": graph(),
            f"/jobs/{JID}/metrics": [{"id": "numRestarts", "value": "3"}],
            f"/jobs/{JID}/checkpoints": {"counts": {"failed": 1}, "latest": {"completed": None}},
            f"/jobs/{JID}/exceptions": {"exceptionHistory": {"entries": []}},
        }
        self.metrics: dict[str, list[dict[str, Any]]] = {
            SOURCE_VERTEX: [
                {"id": "Source__in.currentEmitEventTimeLag", "min": 5.0, "max": 9000.0},
                figure("Source__in.numRecordsOut", 600.0),
            ],
            SINK_VERTEX: [figure("out__Writer.numRecordsIn", 200.0)],
        }
        self.source = open_source(self.handle, **{"endpoint": "http://flink:8081", **options})

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        answer = self.answers.get(path)
        if answer is None and "/vertices/" in path:
            answer = self._vertex(path.split("/")[4], request.url.params.get("get"))
        if answer is None:
            answer = (404, {"errors": [f"Unable to load requested file {path}."]})
        if isinstance(answer, Exception):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return httpx.Response(status, json=body)

    def _vertex(self, vertex: str, wanted: str | None) -> list[dict[str, Any]]:
        metrics = self.metrics.get(vertex, [])
        if wanted is None:
            return [{"id": metric["id"]} for metric in metrics]
        known = {metric["id"]: metric for metric in metrics}
        # One name that it does not know empties the answer of a real one.
        names = wanted.split(",")
        return [known[name] for name in names] if known.keys() >= set(names) else []

    def asked(self) -> list[str]:
        """Return what was asked since the last time, in the order of paths."""
        targets = sorted(unquote(request.url.raw_path.decode()) for request in self.requests)
        self.requests.clear()
        return targets

    def inventory(self) -> Inventory:
        return run(self.source(lambda source: source.fetch_inventory()))

    def details(self, jid: str = JID) -> Details:
        return run(self.source(lambda source: source.fetch_details(listed(jid))))


def open_source(
    handle: Handler, **options: Any
) -> Callable[[Callable[[FlinkSource], Coroutine[Any, Any, T]]], Coroutine[Any, Any, T]]:
    """Return what runs a question to a source that is new each time."""

    async def ask(question: Callable[[FlinkSource], Coroutine[Any, Any, T]]) -> T:
        source = connect(handle, **options)
        try:
            return await question(source)
        finally:
            await source.aclose()

    return ask


def connect(handle: Handler, **options: Any) -> FlinkSource:
    """Return a source that asks this JobManager in virtual time."""
    settings = Settings(name="flink", platform="apache_flink", **options)
    runtime = virtual_world(httpx.MockTransport(handle))
    connector = Connector(
        settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook(clock=runtime.monotonic)
    )
    return FlinkSource(settings, connector)


def listed(jid: str = JID) -> Job:
    """Return a job as a listing told it before."""
    return Job(project="", job_id=jid, job_name="orders", observed_timestamp=EPOCH)


def metric(name: str, least: object, greatest: object) -> dict[str, Any]:
    """Return a metric over all subtasks of a vertex."""
    return {"id": name, "min": least, "max": greatest}


def figure(name: str, total: object, *, subtasks: int = 2, **others: object) -> dict[str, Any]:
    """Return a metric with its sum over so many subtasks that have it."""
    mean = total / subtasks if isinstance(total, float) else total
    return {"id": name, "min": mean, "max": mean, "sum": total, "avg": mean, **others}


LAG = "Source__in.currentEmitEventTimeLag"
SOURCE = "Source__in.currentOutputWatermark"
