"""Requests of the exporter on real sockets, and who listens there."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

import httpx

from exporter.auth.guard import GuardBook
from exporter.runtime import Runtime
from exporter.source import SourceSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from exporter.upstream.refusals.plain import read_refusal

HIDDEN = "hunter2-never-shown"


def new_connector(runtime: Runtime | None = None, **values: Any) -> Connector:
    runtime = runtime or Runtime(random=Random(1))
    settings = SourceSettings.model_validate({"name": "s", "platform": "p", "timeout": 5, **values})
    return Connector(
        settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook(clock=runtime.monotonic)
    )


async def ask(url: str, auth: httpx.Auth | None = None, **values: Any) -> Any:
    connector = new_connector(**values)
    try:
        api = connector.api(url, read_refusal=read_refusal, auth=auth)
        return await api.get_json("Op", ("path",))
    finally:
        await connector.aclose()


Welcome = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(welcome: Welcome, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Listen while the context is entered, and leave no connection behind."""
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            await welcome(reader, writer)
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


class Listener:
    """Answer every request with the same bytes, and remember what came."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") -> None:
        self.heads: list[str] = []
        self.connections = 0
        self.port = 0
        self._answer = answer

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Listener"]:
        """Listen while the context is entered."""
        async with listening(self._welcome) as self.port:
            yield self

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            writer.write(self._answer)
