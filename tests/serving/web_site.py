"""The web application over a few snapshots, asked without a network."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
from prometheus_client import CollectorRegistry, Gauge

from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.model import Snapshot, State
from exporter.serving.web import build_web
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

MARKUP = "<script>alert('x')</script>&\"'"


class Site:
    """The application over a few snapshots, with switches for what the rest of it would do."""

    def __init__(self, *snapshots: Snapshot, path: str = "/metrics") -> None:
        self.store = Store()
        for each in snapshots:
            self.store.put(each)
        self.now = EPOCH
        self.ready = True
        self.problem: Exception | None = None
        self.reloads = 0
        own = CollectorRegistry()
        Gauge("own", "The exporter's own.", registry=own).set(1)
        self.app = build_web(
            store=self.store,
            exposition=Exposition(self.store, own, clock=self.clock),
            clock=self.clock,
            ready=lambda: self.ready,
            reload=self.reload,
            telemetry_path=path,
        )

    def clock(self) -> float:
        return self.now

    async def reload(self) -> None:
        self.reloads += 1
        if self.problem is not None:
            raise self.problem

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send one request to the application, without a network."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
                return await http.request(
                    method, path, headers={"accept-encoding": "", **(headers or {})}
                )

        return asyncio.run(send())

    def json(self, path: str) -> Any:
        answer = self.ask(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        return answer.json()


def two_sources() -> Site:
    return Site(
        snapshot(
            job("orders", job_id="1"),
            job("clicks", job_id="2", state=State.FAILED, error_text="boom"),
            labels=(("team", "a"),),
        ),
        snapshot(
            job("orders", job_id="3", project="q"),
            job("idle", job_id="4", state=State.SUSPENDED),
            source="blink",
            platform="alibaba_blink",
        ),
    )
