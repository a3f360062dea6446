"""One request as it arrived at a door, and the ways to answer it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: its target is what stood in the request line."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Return the target without its query, still encoded."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str:
        """Return the value of a header by its lower-case name, empty without."""
        found = (value for key, value in self.headers if key.lower().decode() == name)
        return next(found, b"").decode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer, before it is written."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def wire(self) -> bytes:
        """Return the answer as it goes over the wire, with its true length."""
        return self.head(len(self.body)) + self.body

    def head(self, length: int | None) -> bytes:
        """Return the status line and the headers, saying that the body is of this length."""
        reason = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [] if length is None else [f"Content-Length: {length}"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def with_body(self, body: bytes) -> "Told":
        """Return the answer with another body."""
        return replace(self, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that waits for its answer, and the connection it came over."""

    asked: Asked
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    app: ASGIApp

    async def truth(self) -> Told:
        """Return what the simulated service answers."""
        return await ask(self.app, self.asked)

    async def tell(self, told: Told) -> None:
        """Write a whole answer."""
        await self.write(told.wire())

    async def write(self, data: bytes) -> None:
        """Write some bytes of an answer."""
        self.writer.write(data)
        await self.writer.drain()

    async def until_left(self) -> None:
        """Wait until the other side hangs up."""
        await self.reader.read()

    def cut(self) -> None:
        """Break the connection off."""
        transport: asyncio.WriteTransport = self.writer.transport
        transport.abort()


Spoil = Callable[[Exchange], Awaitable[None]]
"""Answers one request in place of the service."""


async def honest(exchange: Exchange) -> None:
    """Answer as the service does."""
    await exchange.tell(await exchange.truth())


async def ask(app: ASGIApp, asked: Asked) -> Told:
    """Return what an ASGI application answers to a request."""
    path, _, query = asked.target.partition("?")
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in asked.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": asked.body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *parts = messages
    return Told(
        status=start["status"],
        headers=tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in start["headers"]
            if name != b"content-length"
        ),
        body=b"".join(part.get("body", b"") for part in parts),
    )
