"""Serve the simulated clouds on loopback, over real HTTP, for the demo."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.types import ASGIApp

from exporter.simulator.clouds import build_clouds, configuration

Serve = Callable[[ASGIApp, Sequence[socket.socket]], AbstractAsyncContextManager[None]]


@contextlib.asynccontextmanager
async def clouds(*, clock: Callable[[], float], serve: Serve, seed: int = 1) -> AsyncIterator[str]:
    """Serve every cloud on a free port; yield the text of a configuration that watches them."""
    async with contextlib.AsyncExitStack() as stack:
        addresses = {}
        for cloud in build_clouds(clock=clock, seed=seed, incidents=True).all():
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            addresses[cloud.name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
            await stack.enter_async_context(serve(cloud.app, [listener]))
        yield configuration(addresses)
