"""Serve requests in the loop of a test, by a clock that is moved by hand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from exporter.listening.connections import Connections
from exporter.listening.protocol import BoundedProtocol
from tests.auth.tools import Clock

HOST = b"Host: exporter\r\n"
GET = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"


async def until(fact: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells of."""
    async with asyncio.timeout(20):
        while not fact():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class Place:
    """A server in the loop of the test, whose clock is moved by hand."""

    def __init__(self) -> None:
        self.clock = Clock(0.0)
        self.connections = Connections(monotonic=self.clock, most=5)
        self.state = ServerState()
        self.fresh = True
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        self.release = asyncio.Event()
        self.read_first = True
        self.port = 0

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['method']} {scope['path']}")
        if scope["path"] == "/v1/report":
            body = b""
            while self.read_first:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            self.bodies.append(body)
        if scope["path"] == "/slow":
            await self.release.wait()
        if scope["path"] == "/endless":
            await send({"type": "http.response.start", "status": 200})
            for piece in (b"a" * 70_000, b"", b"b", b"c"):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
            return
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/half":
            await send({"type": "http.response.body", "body": b"o", "more_body": True})
            await self.release.wait()
            await send({"type": "http.response.body", "body": b"k"})
            return
        await send({"type": "http.response.body", "body": b"ok"})

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.connections.sweep()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        config = uvicorn.Config(
            self.app,
            http=BoundedProtocol,
            ws="none",
            interface="asgi3",
            log_config=None,
            # The server's own idea of patience must not count.
            timeout_keep_alive=0,
        )

        def speak() -> BoundedProtocol:
            return BoundedProtocol(
                config,
                self.state,
                {},
                connections=self.connections,
                fresh=lambda: self.fresh,
                bodies_at=(b"/v1/",),
            )

        loop = asyncio.get_running_loop()
        server = await loop.create_server(speak, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            self.release.set()
            server.close()
            for connection in list(self.state.connections):
                connection.transport.abort()
            await until(lambda: not self.state.connections and not self.state.tasks)


class Caller:
    """One connection to the place."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def status(self) -> int:
        """Read the next answer; return its status, or 0 when the connection has ended."""
        try:
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        self.head = head
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or b"0")
        self.body = await self.reader.readexactly(length)
        return int(head.split()[1])

    async def ended(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), 20) == b""
        except ConnectionError:
            return True


@contextlib.asynccontextmanager
async def calling(place: Place) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


def scene(body: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        place = Place()
        async with place.open():
            await body(place)

    asyncio.run(play())
