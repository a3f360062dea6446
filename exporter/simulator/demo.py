"""Serve the simulated clouds on loopback, over real HTTP, for the demo."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.types import ASGIApp

from exporter.simulator.clouds import (
    HUAWEI_KEY,
    PROJECT_ID,
    build_clouds,
    configuration,
    edge_configuration,
)
from exporter.simulator.edge_agent import EdgeAgent
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.stories import STORIES, DeletedKey, Stage
from exporter.simulator.yarn.cloud import build_yarn, yarn_configuration

Serve = Callable[[ASGIApp, Sequence[socket.socket]], AbstractAsyncContextManager[None]]
_EDGE_SEED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a demo runs with."""

    configuration: str
    agent: EdgeAgent
    stage: Stage

    async def run(self, address: str) -> None:
        """Report edge jobs to an exporter at this address and tell the stories until cancelled."""
        async with httpx.AsyncClient(trust_env=False) as client:
            await asyncio.gather(self.agent.run(address, client), self.stage.play())


@contextlib.asynccontextmanager
async def clouds(
    *,
    clock: Callable[[], float],
    serve: Serve,
    seed: int = 1,
    story: str | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Demo]:
    """Serve every cloud on a free port; yield what goes on there, and what watches it.

    With a `story` only that one is told, from the beginning.
    """
    async with contextlib.AsyncExitStack() as stack:
        yarn = build_yarn(clock=clock, seed=seed)
        known = build_clouds(clock=clock, seed=seed)
        dli = DeletedKey(known.dli.app, HUAWEI_KEY)
        every = (*known.all(), *yarn.clouds)
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in every]
        servers = await stack.enter_async_context(_leaving_at_once())
        addresses = {}
        for cloud, listener in zip(every, listeners, strict=True):
            addresses[cloud.name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = serve(dli if cloud is known.dli else cloud.app, [listener])
            await server.__aenter__()
            servers.append(server)
        yarn.serve_at(addresses)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-edge-")))
        fleet = Fleet(seed=seed + _EDGE_SEED, started_at=clock(), jobs=12)
        yield Demo(
            configuration=configuration(addresses)
            + yarn_configuration(addresses)
            + edge_configuration(directory / "edge.db"),
            agent=EdgeAgent(
                fleet=fleet, project_id=PROJECT_ID, clock=clock, sleep=sleep, seed=seed
            ),
            stage=Stage(
                (STORIES[story].alone(),) if story else tuple(STORIES.values()),
                down=known.ververica.faults,
                throttled=known.foas.faults,
                rejected=dli,
                vanished=yarn.fleet,
                clock=clock,
                sleep=sleep,
            ),
        )


@contextlib.asynccontextmanager
async def _leaving_at_once() -> AsyncIterator[list[AbstractAsyncContextManager[None]]]:
    """Leave all contexts that are put into the list together: each takes its time to end."""
    entered: list[AbstractAsyncContextManager[None]] = []
    try:
        yield entered
    finally:
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in entered))
