"""Run the whole exporter against all simulated clouds, in memory and in virtual time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from exporter.app import App
from exporter.configuration.config import Config, parse
from exporter.simulator.clouds import Clouds, build_clouds, configuration
from tests.recording import RecordingLog
from tests.scrape import samples
from tests.virtual_time import EPOCH, virtual_world


class Network(httpx.AsyncBaseTransport):
    """Reach each cloud by the name of its host; a host in `down` refuses connections."""

    def __init__(self, clouds: Clouds) -> None:
        self.down: set[str] = set()
        self._hosts = {
            cloud.name: httpx.ASGITransport(app=cloud.app, raise_app_exceptions=True)
            for cloud in clouds.all()
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if host in self.down:
            raise httpx.ConnectError("connection refused", request=request)
        return await self._hosts[host].handle_async_request(request)


@dataclass(slots=True, kw_only=True)
class Sky:
    """The clouds and the exporter that watches them."""

    clouds: Clouds
    network: Network
    app: App
    log: RecordingLog
    text: list[str] = field(default_factory=list)

    def samples(self, family: str, **labels: str) -> dict[tuple[str, ...], float]:
        """Return the samples of a family by source, name and state, among those with the labels."""
        self.app.exposition.refresh()
        found = {}
        page = self.app.exposition.scrape()[0].decode()
        for _, found_labels, value in samples(page, family):
            if labels.items() <= found_labels.items():
                names = ("source", "job_name", "state")
                found[tuple(found_labels.get(name, "") for name in names)] = value
        return found

    def states(self, source: str) -> dict[str, str]:
        """Return the state of each job of a source by name."""
        return {
            name: state
            for (_, name, state), value in self.samples(
                "streaming_job_state", source=source
            ).items()
            if value == 1
        }

    def up(self) -> dict[str, float]:
        """Return which sources are up."""
        return {key[0]: value for key, value in self.samples("streaming_source_up").items()}


HOSTS = (
    *(
        "iam",
        "dli",
        "cloud_eye",
        "dataarts",
        "foas",
        "ververica",
        "flink",
        "kubernetes",
        "managers",
    ),
    "connect",
    *("kinesisanalytics", "cloudwatch", "sts"),
    *("oceanus", "monitor"),
)


@contextlib.asynccontextmanager
async def sky(
    *, seed: int = 1, jobs: int = 12, replace: tuple[str, str] = ("", "")
) -> AsyncIterator[Sky]:
    """Start an exporter over all clouds, with a text of its configuration replaced.

    Call inside a virtual loop.
    """
    loop = asyncio.get_running_loop()
    clouds = build_clouds(clock=lambda: EPOCH + loop.time(), seed=seed, jobs=jobs)
    network = Network(clouds)
    text = [configuration({host: f"http://{host}" for host in HOSTS}).replace(*replace)]

    def load() -> Config:
        return parse(text[0], environ={}, directory=Path())

    log = RecordingLog()
    app = App(load, runtime=virtual_world(network), log=log)
    await app.start()
    try:
        yield Sky(clouds=clouds, network=network, app=app, log=log, text=text)
    finally:
        await app.stop()
