"""Clouds whose answers are spoiled at random harm neither the page nor what comes after."""

import asyncio
from pathlib import Path
from random import Random

import httpx
import pytest

from exporter.app import App
from exporter.configuration.config import parse
from exporter.simulator.clouds import build_clouds, configuration
from fuzz.mutation import mutate
from fuzz.page import read_page, show_people
from tests.e2e.simulated_clouds import HOSTS, Network
from tests.fuzzing.replay import surprises
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

SPOILT_SECONDS = 60
LONGEST_REST = 600.0
"""Seconds after which a key that was rejected by mistake has been tried again."""


class Spoiler:
    """Spoils a share of the answers of every cloud, as long as `share` is not 0."""

    def __init__(self, seed: int) -> None:
        self.share = 0.0
        self.spoilt = 0
        self._random = Random(seed)

    async def __call__(self, response: httpx.Response) -> httpx.Response:
        body = await response.aread()
        if self._random.random() >= self.share:
            return response
        self.spoilt += 1
        changed = mutate(body, self._random, 1 << 20) or body[: len(body) // 2]
        headers = [(k, v) for k, v in response.headers.raw if k.lower() != b"content-length"]
        return httpx.Response(response.status_code, headers=headers, content=changed)


class Spoiling(httpx.AsyncBaseTransport):
    """The network of the clouds with a spoiler in between."""

    def __init__(self, network: httpx.AsyncBaseTransport, spoiler: Spoiler) -> None:
        self._network = network
        self._spoiler = spoiler

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._spoiler(await self._network.handle_async_request(request))


async def _faults(seed: int, share: float) -> list[str]:
    """Spoil answers for some time, then none until all is well; return what surprised."""
    loop = asyncio.get_running_loop()
    clouds = build_clouds(clock=lambda: EPOCH + loop.time(), seed=seed, jobs=6)
    text = configuration({host: f"http://{host}" for host in HOSTS})
    spoiler, log = Spoiler(seed), RecordingLog()
    app = App(
        lambda: parse(text, environ={}, directory=Path()),
        runtime=virtual_world(Spoiling(Network(clouds), spoiler), seed=seed),
        log=log,
    )
    await app.start()
    try:
        spoiler.share = share
        for _ in range(SPOILT_SECONDS // 3):
            await asyncio.sleep(3)
            read_page(
                app.exposition.scrape()[0],
                app.exposition.scrape(accept="application/openmetrics-text")[0],
            )
            for snapshot in app.store.snapshots.values():
                show_people(snapshot, EPOCH + loop.time())
        assert spoiler.spoilt > 20
        spoiler.share = 0.0
        async with asyncio.timeout(LONGEST_REST):
            # What is waited for is several polls away.
            while not all(  # noqa: ASYNC110
                each.up and each.jobs for each in app.store.snapshots.values()
            ):
                await asyncio.sleep(1)
        return surprises(log)
    finally:
        await app.stop()


@pytest.mark.parametrize(("seed", "share"), [(1, 0.1), (2, 0.3), (3, 0.3), (4, 1.0)])
def test_answers_spoilt_at_random_are_survived_and_soon_forgotten(seed: int, share: float) -> None:
    assert run(_faults(seed, share)) == []
