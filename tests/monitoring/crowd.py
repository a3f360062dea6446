"""Run several exporters that watch one simulated cluster, and let each of them die or go blind."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.app import App
from exporter.collecting.sharding import Shard
from exporter.configuration.config import Config, parse
from exporter.runtime import Runtime
from exporter.serving.server import serving
from tests.recording import RecordingLog

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """One exporter of a crowd: which it is, and whether it is there from the beginning."""

    name: str
    shard: Shard
    early: bool = True


class _Gate:
    """The way of one exporter to the cluster, which can be closed."""

    def __init__(self, cluster: ASGIApp) -> None:
        self._cluster = cluster
        self.closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = Response(status_code=503) if self.closed else self._cluster
        await app(scope, receive, send)


class _Running:
    """One exporter, and its place among those that Prometheus asks."""

    def __init__(
        self, member: Member, cluster: ASGIApp, configuration: Callable[[str], str]
    ) -> None:
        self.member = member
        self.gate = _Gate(cluster)
        self._configuration = configuration
        self._stack = contextlib.AsyncExitStack()
        # Nobody listens there yet, and nobody else can.
        self._place = socket.socket()
        self._place.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._place.getsockname()[1]}"

    async def start(self) -> None:
        """Start it."""
        listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        await self._stack.enter_async_context(serving(self.gate, [listener]))
        cluster = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = parse(self._configuration(cluster), environ={}, directory=Path())

        def load() -> Config:
            return config

        runtime = Runtime(environ={}, home=Path("/nonexistent"))
        app = App(load, runtime=runtime, log=RecordingLog(), shard=self.member.shard)
        await app.start()
        self._stack.push_async_callback(app.stop)
        self._place.listen()
        await self._stack.enter_async_context(serving(app.web(), [self._place]))

    async def stop(self) -> None:
        """End it; whoever asks it is refused from now on."""
        await self._stack.aclose()
        self._place.close()


class Crowd:
    """Exporters in a thread of their own as long as the context is entered.

    `configuration` is made from the address at which an exporter finds the cluster.
    """

    def __init__(
        self, cluster: ASGIApp, members: Sequence[Member], configuration: Callable[[str], str]
    ) -> None:
        self._members = {
            member.name: _Running(member, cluster, configuration) for member in members
        }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="crowd")

    def __enter__(self) -> Self:
        self._thread.start()
        self.start(*(name for name, each in self._members.items() if each.member.early))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop(*self._members)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def address(self, name: str) -> str:
        """Return where Prometheus asks an exporter, whether it is there or not."""
        return self._members[name].address

    def start(self, *names: str) -> None:
        """Start exporters, one after the other."""

        async def start() -> None:
            for name in names:
                await self._members[name].start()

        self._run(start)

    def stop(self, *names: str) -> None:
        """End exporters."""

        async def stop() -> None:
            await asyncio.gather(*(self._members[name].stop() for name in names))

        self._run(stop)

    def blind(self, *names: str) -> None:
        """Take the cluster away from exporters, which themselves are well."""
        for name in names:
            self._members[name].gate.closed = True

    def do(self, change: Callable[[float], T]) -> T:
        """Change something of the cluster, between two of its answers; it is given the time."""

        async def call() -> T:
            return change(time.time())

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def _run(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(60)
