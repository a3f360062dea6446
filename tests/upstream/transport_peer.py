"""Talk over real connections to a bare server that remembers every byte."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from exporter.upstream.transport import AiohttpTransport, PlainClient

HIDDEN = "hunter2-never-shown"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Peer:
    """A bare server that remembers heads and bodies as they came, and counts connections."""

    answer: bytes | Script = OK
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    resumed: list[bool] = field(default_factory=list)
    port: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        tls = writer.get_extra_info("ssl_object")
        if tls is not None:
            self.resumed.append(tls.session_reused)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length")]
                body = await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
                self.requests.append(head + body)
                self.asked.set()
                if isinstance(self.answer, bytes):
                    writer.write(self.answer)
                    await writer.drain()
                else:
                    await self.answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            if not self.open:
                self.idle.set()
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
            writer.close()


@contextlib.asynccontextmanager
async def serving(
    answer: bytes | Script = OK, context: ssl.SSLContext | None = None
) -> AsyncIterator[Peer]:
    peer = Peer(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await peer.converse(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks)


def _transport(context: ssl.SSLContext | None = None, **changes: Any) -> AiohttpTransport:
    values = {"connections": 8, **changes}
    return AiohttpTransport(context=context or ssl.create_default_context(), **values)


@contextlib.asynccontextmanager
async def client(context: ssl.SSLContext | None = None, **changes: Any) -> AsyncIterator["Asking"]:
    plain = PlainClient(_transport(context, **changes))
    try:
        yield Asking(plain)
    finally:
        await plain.aclose()


@dataclass
class Asking:
    client: PlainClient

    async def ask(self, url: str, method: str = "GET", **values: Any) -> httpx.Response:
        auth = values.pop("auth", None)
        request = httpx.Request(method, url, **values)
        answer = await self.client.send(request, auth=auth, follow_redirects=False, stream=True)
        try:
            await answer.aread()
        finally:
            await answer.aclose()
        return answer
