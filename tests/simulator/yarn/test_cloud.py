"""The YARN of the demo runs jobs behind one of two ResourceManagers."""

import asyncio
from typing import Any

import httpx

from exporter.simulator.yarn.cloud import build_yarn, yarn_configuration

START = 1_700_000_000.0
ADDRESSES = {name: f"http://{name}" for name in ("yarn-1", "yarn-2", "history")}


class Rig:
    def __init__(self) -> None:
        self.now = START
        self.yarn = build_yarn(clock=lambda: self.now)
        self.yarn.serve_at(ADDRESSES)

    def get(self, name: str, path: str) -> Any:
        app = next(each.app for each in self.yarn.clouds if each.name == name)

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{name}") as client:
                return await client.get(path)

        return asyncio.run(ask())


def test_other_one_takes_over_after_a_while() -> None:
    rig = Rig()
    path = "/ws/v1/cluster/apps?states=RUNNING"
    running = rig.get("yarn-1", path).json()["apps"]["app"]
    assert len(running) > 1
    assert rig.get("yarn-2", path).headers["location"] == f"http://yarn-1{path}"
    rig.now = START + 601
    assert rig.get("yarn-1", path).headers["location"] == f"http://yarn-2{path}"
    running = rig.get("yarn-2", path).json()["apps"]["app"]
    listing = rig.get("yarn-2", f"/proxy/{running[0]['id']}/jobs/overview")
    assert listing.json()["jobs"]


def test_history_is_that_of_its_jobs() -> None:
    rig = Rig()
    rig.now = START + 3600
    assert rig.get("history", "/jobs/overview").json()["jobs"]


def test_configuration_names_them() -> None:
    text = yarn_configuration(ADDRESSES)
    assert all(address in text for address in ADDRESSES.values())
