"""Poll the jobs of a simulated YARN in virtual time, with or without a HistoryServer."""

from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.auth.guard import GuardBook
from exporter.platforms.apache_flink import PLATFORM, Settings
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.yarn.access import YarnAccess
from exporter.simulator.yarn.applications import Application
from exporter.simulator.yarn.resource_manager import Availability, Yarn, build
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.discovery.yarn_stage import CLUSTER_ID, RM1, RM2, Listed, Router, application
from tests.platforms.polled_flink import PolledFlink
from tests.virtual_time import EPOCH, virtual_world

ZERO = "0" * 32
WEB_HISTORY = {"features": {"web-history": True}}


@dataclass
class Manager:
    """A JobManager in application mode, whose one job is what a test makes it."""

    jobs: list[dict[str, Any]]
    authorizations: set[str] = field(default_factory=set)

    def app(self) -> Starlette:
        """Return what answers."""
        return Starlette(routes=[Route("/{path:path}", self._answer)])

    async def _answer(self, request: Request) -> Response:
        self.authorizations.add(request.headers.get("authorization", ""))
        parts = request.url.path.strip("/").split("/")
        if parts == ["config"]:
            return JSONResponse({"flink-version": "2.3.0", "features": {"web-history": False}})
        if parts == ["jobs", "overview"]:
            return JSONResponse({"jobs": self.jobs})
        found = [job for job in self.jobs if job["jid"] == parts[1]]
        if not found:
            return JSONResponse({"errors": [f"Job {parts[1]} not found"]}, 404)
        if len(parts) == 2:
            return JSONResponse({**found[0], "vertices": [], "plan": {"nodes": []}})
        return JSONResponse([] if parts[2] == "metrics" else {})


def flink_job(jid: str = ZERO, **fields: Any) -> dict[str, Any]:
    """Return a job as its JobManager tells it."""
    job = {"jid": jid, "name": "orders job", "state": "RUNNING", "start-time": EPOCH * 1000}
    return {**job, "end-time": -1, **fields}


def with_job(
    number: int, name: str = "orders", *jobs: dict[str, Any], **fields: Any
) -> Application:
    """Return an application that runs, with a JobManager that has these jobs."""
    manager = Manager(list(jobs) or [flink_job(f"{number:032x}")])
    return application(number, name, job_manager=manager.app(), **fields)


class YarnBench(PolledFlink):
    """A source that finds its clusters on YARN, polled by a collector."""

    def __init__(
        self,
        *applications: Application,
        history: bool = False,
        access: YarnAccess | None = None,
        yarn: dict[str, Any] | None = None,
        discovery: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.listed = Listed(*applications)
        self.availability = Availability(addresses={"rm1": RM1, "rm2": RM2})
        self.archive: dict[str, Any] = {"/config": WEB_HISTORY}
        runtime = virtual_world(None)
        simulated = Yarn(
            applications=self.listed,
            clock=runtime.clock,
            availability=self.availability,
            access=access or YarnAccess(),
            cluster_id=CLUSTER_ID,
        )
        self.faults = FaultInjection()
        self.router = Router(
            {
                "rm1": build(simulated, name="rm1", faults=self.faults),
                "rm2": build(simulated, name="rm2"),
                "history": self._history,
            }
        )
        runtime = replace(runtime, transport=lambda: self.router)
        self.settings = Settings.model_validate(
            {
                "name": "f",
                "platform": "apache_flink",
                "input_delay": False,
                "discovery": {
                    "yarn": {"endpoints": [RM1, RM2], **(yarn or {})},
                    "refresh": 30,
                    **(discovery or {}),
                },
                **({"history_endpoint": "http://history:8082"} if history else {}),
                **settings,
            }
        )
        telemetry = Telemetry()
        connector = Connector(
            self.settings,
            runtime=runtime,
            telemetry=telemetry,
            guards=GuardBook(clock=runtime.monotonic),
        )
        super().__init__(
            PLATFORM.open(self.settings, connector),
            self.settings,
            connector,
            runtime=runtime,
            telemetry=telemetry,
        )
        self.seen: list[tuple[str, str]] = []
        """Every state that was published of every job, in order, by the name of its cluster."""

    async def run_for(self, seconds: float) -> None:
        """Poll, or go on polling, and look at what is published each second."""
        for _ in range(int(seconds)):
            await super().run_for(1.0)
            for job in self.snapshot.jobs:
                if (job.project, job.state.value) not in self.seen:
                    self.seen.append((job.project, job.state.value))

    @property
    def reasons(self) -> dict[str, str]:
        """Return why clusters are not reached, by their names."""
        counts = self.snapshot.clusters
        return {} if counts is None else {each.name: each.reason for each in counts.named}

    def _history(self, request: httpx.Request) -> httpx.Response:
        answer = self.archive.get(request.url.path)
        if answer is None:
            return httpx.Response(404, json={"errors": ["File not found."]})
        return httpx.Response(200, json=answer)
