"""Serve a simulated service on a real socket, and spoil what a test wants spoiled.

A door is where a connection arrives: it can be shut (refused), clogged (nobody accepts), or show
another certificate. What comes through it is answered by the service, or by a `Spoil`.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Self

from starlette.types import ASGIApp

from tests.faults.exchange import Asked, Exchange, Spoil, honest

_HANDSHAKE = b"\x16"
"""How TLS begins, where it is not spoken."""
Choose = Callable[[Asked], bool]


class FaultyListener:
    """A listening socket before an application; `context` makes it speak TLS."""

    def __init__(self, app: ASGIApp, *, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        """Every request that arrived whole."""
        self.context = context
        self._app = app
        self._choose: Choose = lambda _: False
        self._spoil: Spoil = honest
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._clog: list[socket.socket] = []
        self.connections = 0
        """How many connections were made so far."""
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    def spoil(self, spoil: Spoil, choose: Choose = lambda _: True) -> None:
        """Answer the requests chosen with `spoil` from now on."""
        self._spoil, self._choose = spoil, choose

    def mend(self) -> None:
        """Answer everything as the service does from now on."""
        self.spoil(honest, lambda _: False)

    async def open(self) -> None:
        """Listen, at the same port as before if there was one."""
        self._server = await asyncio.start_server(
            self._welcome, "127.0.0.1", self.port, ssl=self.context, limit=2**20
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Stop listening and break off every connection."""
        for each in self._clog:
            each.close()
        self._clog = []
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.break_off()

    async def break_off(self) -> None:
        """Break off every connection; new ones are welcome."""
        tasks = list(self._connections)
        for writer in self._connections.values():
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def clog(self) -> None:
        """Let nobody in, without refusing: the queue of connections is full and stays so."""
        await self.shut()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(0)
        self._clog = [listener]
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", self.port))
            self._clog.append(filler)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        self.connections += 1
        # A connection that is broken off, by either side, is what these tests are about.
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
            async for asked in _requests(reader, writer):
                self.asked.append(asked)
                spoil = self._spoil if self._choose(asked) else honest
                await spoil(Exchange(asked=asked, reader=reader, writer=writer, app=self._app))
        del self._connections[task]
        writer.close()


async def _requests(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncIterator[Asked]:
    while True:
        try:
            first = await reader.readexactly(1)
            if first == _HANDSHAKE:
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return
            head = first + await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        line, *lines = head[:-4].split(b"\r\n")
        method, target, _ = line.decode("latin-1").split(" ")
        headers = tuple(
            (name, value.strip()) for name, _, value in (x.partition(b":") for x in lines)
        )
        length = next((int(v) for name, v in headers if name.lower() == b"content-length"), 0)
        body = await reader.readexactly(length)
        yield Asked(method=method, target=target, headers=headers, body=body)
