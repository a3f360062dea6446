"""Credentials go to the hosts that the configuration names, and to nobody else."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.model import ClusterCounts
from exporter.platforms import load
from exporter.platforms.apache_flink import Settings
from exporter.runtime import Runtime
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.platforms.flink_discovery.fleet import JobManagers, named
from tests.upstream.transport_peer import serving
from tests.virtual_time import run, virtual_world

PLATFORM = load("apache_flink")
LIST = "http://sd.example/targets"


class _World(JobManagers):
    """JobManagers, and the service that tells of them."""

    def __init__(self, targets: list[str]) -> None:
        super().__init__()
        self.targets = targets

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "sd.example":
            self.requests.append(request)
            return httpx.Response(200, json=[{"targets": self.targets}])
        return await super().handle_async_request(request)

    def credentials(self) -> dict[str, set[str | None]]:
        """Return what each host was sent."""
        found: dict[str, set[str | None]] = {}
        for request in self.requests:
            found.setdefault(request.url.host, set()).add(request.headers.get("authorization"))
        return found


def _poll(world: _World, discovery: dict[str, Any], **options: Any) -> Inventory:
    async def scenario() -> Inventory:
        settings = Settings.model_validate(
            {"name": "f", "platform": "apache_flink", "discovery": discovery, **options}
        )
        runtime = virtual_world(world)
        connector = Connector(
            settings,
            runtime=runtime,
            telemetry=Telemetry(),
            guards=GuardBook(clock=runtime.monotonic),
            patient=True,
        )
        source = PLATFORM.open(settings, connector)
        inventory = await source.fetch_inventory()
        await source.fetch_details(inventory.jobs[0])
        await source.aclose()
        return inventory

    return run(scenario())


def _counts(inventory: Inventory) -> ClusterCounts:
    assert inventory.clusters is not None
    return inventory.clusters


@pytest.mark.parametrize("kind", ["files", "http"])
def test_list_that_points_elsewhere_gets_no_credentials_and_is_named(
    kind: str, tmp_path: Path
) -> None:
    strangers = ["evil.org:8081", "169.254.169.254:80", "[::ffff:a9fe:a9fe]:80", "2852039166:80"]
    targets = ["jm.good.org:8081", *strangers, "u:p@jm.good.org:1", "jm.good.org.evil.org:1"]
    world = _World(targets)
    (tmp_path / "t.json").write_text(json.dumps([{"targets": targets}]))
    places: dict[str, Any] = {"files": {"paths": [str(tmp_path / "t.json")]}, "http": {"url": LIST}}
    inventory = _poll(
        world,
        {kind: places[kind], "hosts": [r".*\.good\.org"]},
        auth={"bearer": {"token": "t0ken"}},
    )
    sent = world.credentials()
    assert sent.pop("jm.good.org") == {"Bearer t0ken"}
    assert sent == ({} if kind == "files" else {"sd.example": {None}})
    told = named(_counts(inventory))
    assert told.pop("jm.good.org:8081") == ("reached", "")
    assert {name: condition for name, (condition, _) in told.items()} == dict.fromkeys(
        [*strangers, "jm.good.org:1", "jm.good.org.evil.org:1"], "skipped"
    )
    assert "link-local" in told["2852039166:80"][1]
    assert "discovery.hosts" in told["evil.org:8081"][1]


def test_credentials_of_the_service_and_of_the_job_managers_stay_apart() -> None:
    world = _World(["jm:8081"])
    service = {"url": LIST, "auth": {"basic": {"username": "u", "password": "p"}}}
    _poll(world, {"http": service, "hosts": ["jm"]}, auth={"bearer": {"token": "t0ken"}})
    assert world.credentials() == {"sd.example": {"Basic dTpw"}, "jm": {"Bearer t0ken"}}
    world = _World(["jm:8081"])
    _poll(world, {"http": service})
    assert world.credentials() == {"sd.example": {"Basic dTpw"}, "jm": {None}}


def test_list_may_lead_to_the_service_itself_without_its_credentials() -> None:
    world = _World(["sd.example:80", "jm:8081"])
    service = {"url": LIST, "auth": {"bearer": {"token": "s3cret"}}}
    _poll(world, {"http": service})
    paths = {(r.url.path, r.headers.get("authorization")) for r in world.requests}
    assert ("/targets", "Bearer s3cret") in paths
    assert ("/jobs/overview", None) in paths
    assert ("/jobs/overview", "Bearer s3cret") not in paths


def test_name_that_leads_to_a_refused_address_is_skipped_and_named(
    tmp_path: Path,
) -> None:
    """Over real connections: `localhost` is a name like any other."""

    async def scenario() -> Inventory:
        async with serving() as peer:
            (tmp_path / "t.json").write_text(json.dumps([{"targets": [f"localhost:{peer.port}"]}]))
            settings = Settings.model_validate(
                {
                    "name": "f",
                    "platform": "apache_flink",
                    "timeout": 5,
                    "discovery": {"files": {"paths": [str(tmp_path / "t.json")]}},
                }
            )
            runtime = Runtime(environ={})
            connector = Connector(
                settings,
                runtime=runtime,
                telemetry=Telemetry(),
                guards=GuardBook(clock=runtime.monotonic),
                patient=True,
            )
            source = PLATFORM.open(settings, connector)
            inventory = await source.fetch_inventory()
            await source.aclose()
            assert peer.connections == 0
            return inventory

    counts = _counts(asyncio.run(scenario()))
    assert (counts.unreached, counts.skipped) == (0, 1)
    assert "its name leads to a loopback address" in counts.named[0].reason
