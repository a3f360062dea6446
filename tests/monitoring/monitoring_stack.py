"""Run the exporter over real connections in a thread of its own, with the simulated clouds."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from exporter.app import App
from exporter.configuration.config import Config, parse
from exporter.runtime import Runtime
from exporter.serving.server import serving
from exporter.simulator.clouds import Clouds
from tests.recording import RecordingLog

T = TypeVar("T")


class Station:
    """The exporter, serving at `address` as long as the context is entered.

    `configuration` is made from the addresses of the clouds by their names; there may be none.
    """

    def __init__(
        self, configuration: Callable[[Mapping[str, str]], str], clouds: Clouds | None = None
    ) -> None:
        self._configuration = configuration
        self._clouds = clouds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="exporter")
        self.address = ""
        self.log = RecordingLog()

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def do(self, change: Callable[[float], T]) -> T:
        """Change something of the clouds, between two of their answers; it is given the time."""
        assert self._loop is not None

        async def call() -> T:
            return change(time.time())

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:
            self._failure = exc
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with self._addresses() as addresses:
            text = self._configuration(addresses)

            def load() -> Config:
                return parse(text, environ={}, directory=Path())

            runtime = Runtime(environ={}, home=Path("/nonexistent"))
            app = App(load, runtime=runtime, log=self.log)
            try:
                await app.start()
                with socket.create_server(("127.0.0.1", 0)) as listener:
                    self.address = f"127.0.0.1:{listener.getsockname()[1]}"
                    async with serving(app.web(), [listener]):
                        self._listening.set()
                        await self._stop.wait()
            finally:
                await app.stop()

    @contextlib.asynccontextmanager
    async def _addresses(self) -> AsyncIterator[dict[str, str]]:
        async with contextlib.AsyncExitStack() as stack:
            addresses = {}
            for cloud in self._clouds.all() if self._clouds is not None else ():
                listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                addresses[cloud.name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
                await stack.enter_async_context(serving(cloud.app, [listener]))
            yield addresses


def without_operator(text: str) -> str:
    """Return the configuration of all clouds but the operator and those that come after it.

    One process is all clouds, their JobManagers and the exporter here, many times as fast as usual.
    """
    before, operator, _ = text.partition("  - name: operator\n")
    assert operator
    return before
