"""One simulated cluster, and answers recorded from a real one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from exporter.simulator.apache_flink import service as apache_flink
from exporter.simulator.apache_flink.cluster import Cluster
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase, View

START = 1_700_000_000.0
HEALTHY = "device_telemetry"
RECORDED = Path(__file__).parents[2] / "fixtures" / "apache_flink" / "recorded"


class Runtime:
    """One simulated cluster of twelve jobs, and a browser."""

    def __init__(self, **options: Any) -> None:
        self.now = START + 1
        self.fleet = Fleet(seed=1, started_at=START)
        self.faults = FaultInjection(started_at=START)
        self.cluster = Cluster(self.fleet)
        self.app = apache_flink.build(
            fleet=self.fleet,
            faults=self.faults,
            clock=lambda: self.now,
            cluster=self.cluster,
            **options,
        )

    def response(self, path: str, **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport) as client:
                return await client.get(f"http://localhost:8081{path}", headers=headers)

        return asyncio.run(send())

    def get(self, path: str) -> Any:
        response = self.response(path)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, path: str) -> tuple[int, str]:
        response = self.response(path)
        return response.status_code, response.json()["errors"][0]

    def listed(self, name: str) -> list[Any]:
        rows = self.get("/jobs/overview")["jobs"]
        same = [row for row in rows if row["name"] == name]
        return sorted(same, key=lambda row: int(row["start-time"]), reverse=True)

    def jid(self, name: str = HEALTHY) -> str:
        return str(self.listed(name)[0]["jid"])

    def view(self, name: str = HEALTHY) -> View:
        view = self.fleet.named(name, self.now)
        assert view is not None
        return view

    def set(self, name: str, phase: Phase) -> None:
        self.fleet.set_phase(name, phase, self.now)

    def source_metrics(self, name: str, wanted: str = "", agg: str = "max") -> Any:
        jid = self.jid(name)
        vertex = self.get(f"/jobs/{jid}")["vertices"][0]["id"]
        query = f"?get={wanted}&agg={agg}" if wanted else ""
        return self.get(f"/jobs/{jid}/vertices/{vertex}/subtasks/metrics{query}")


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def shape(value: Any) -> Any:
    """Reduce an answer to its keys, lists to what their first element looks like."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return None


def ms(seconds: float) -> int:
    return round(1000 * seconds)
