"""Open connectors for tests, and serve them on this machine."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from exporter.auth.guard import GuardBook
from exporter.errors import FetchError
from exporter.runtime import Runtime
from exporter.source import SourceSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from exporter.upstream.refusals.plain import read_refusal

HIDDEN = "hunter2-never-shown"


def _settings(**values: Any) -> SourceSettings:
    return SourceSettings.model_validate({"name": "s", "platform": "p", "timeout": 5, **values})


def open_connector(runtime: Runtime, **values: Any) -> tuple[Connector, Telemetry]:
    """Return a connector of a source with these settings, and where it counts."""
    telemetry = Telemetry()
    guards = GuardBook(clock=runtime.monotonic)
    settings = _settings(**values)
    return Connector(settings, runtime=runtime, telemetry=telemetry, guards=guards), telemetry


def requests_counted(telemetry: Telemetry) -> dict[tuple[str, str], float]:
    """Return the number of requests counted, by operation and code."""
    return {
        (sample.labels["operation"], sample.labels["code"]): sample.value
        for family in telemetry.registry.collect()
        for sample in family.samples
        if sample.name == "streaming_exporter_api_requests_total"
    }


@dataclass
class Peer:
    """A small HTTP server on this machine that remembers what it was asked."""

    port: int = 0
    lines: list[str] = field(default_factory=list)
    heads: list[Mapping[str, str]] = field(default_factory=list)


@contextlib.asynccontextmanager
async def serving(context: ssl.SSLContext | None = None, headers: str = "") -> AsyncIterator[Peer]:
    """Serve `{}` to whoever asks, over TLS when there is a context."""
    peer = Peer()
    conversations = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = await reader.readexactly(1)
        if start == b"\x16":
            # A TLS handshake: what comes back is the refusal of a plain web server.
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            return
        head = (start + await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        first, *others = head.rstrip("\r\n").split("\r\n")
        peer.lines.append(first)
        peer.heads.append({k.lower(): v for k, v in (each.split(": ", 1) for each in others)})
        answer = f"HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        writer.write(answer.encode())
        await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await converse(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer
    await asyncio.gather(*(each for each in conversations if each is not None))


async def ask_once(url: str, **values: Any) -> Any:
    """Ask a server once, with retries that do not wait; return its answer or the FetchError."""

    async def at_once(_: float) -> None:
        return

    connector, _ = open_connector(replace(Runtime(), sleep=at_once, random=Random(1)), **values)
    try:
        return await connector.api(url, read_refusal=read_refusal).get_json("Op", ("path",))
    except FetchError as exc:
        return exc
    finally:
        await connector.aclose()


def unused_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
