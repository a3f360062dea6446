"""Who reads the API slowly, often or not at all costs little, and nobody else."""

import asyncio
import json
import socket

from exporter.collecting.store import Store
from exporter.exposition.sending import _PIECE
from exporter.listening.addresses import listen
from exporter.listening.connections import Connections, Patience
from exporter.serving.api import DocumentEndpoint
from exporter.serving.server import serving
from tests.jobs import job, snapshot
from tests.listening.served_protocol import until
from tests.virtual_time import EPOCH

COUNT = 8_000


def _store() -> Store:
    store = Store()
    jobs = [
        job(f"job {number}", job_id=f"{number}", error_text=f"{number * 7919 % 10**9:09}" * 100)
        for number in range(COUNT)
    ]
    store.put(snapshot(*jobs))
    return store


def _endpoint(most_made: int = 32) -> DocumentEndpoint:
    return DocumentEndpoint(
        _store(), clock=lambda: EPOCH, headers=(), of_jobs=True, most_made=most_made
    )


async def _ask(port: int, query: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    # What the reader itself takes without being read is next to nothing.
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(f"GET /api/v1/jobs{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return reader, writer


async def _read(port: int, query: str = "") -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /api/v1/jobs{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    whole = await reader.read(-1)
    writer.close()
    head, _, body = whole.partition(b"\r\n\r\n")
    return head, body


def _unchunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    while True:
        size, _, rest = body.partition(b"\r\n")
        if not int(size, 16):
            return b"".join(parts)
        parts.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]


def test_answers_are_whole_over_a_socket() -> None:
    async def scenario() -> None:
        with listen("127.0.0.1:0") as listener:
            async with serving(_endpoint(), [listener]):
                port = listener.getsockname()[1]
                head, body = await _read(port)
                assert b"content-length: %d" % len(body) in head
                assert len(json.loads(body)["jobs"]) == COUNT
                _, body = await _read(port, "?state=running")
                assert len(json.loads(_unchunked(body))["jobs"]) == COUNT
                _, body = await _read(port, "?state=failed")
                assert _unchunked(body) == b'{"jobs":[]}'

    asyncio.run(scenario())


def test_reader_who_does_not_read_holds_a_piece_and_is_ended() -> None:
    """Before, the whole answer was held for three minutes."""

    async def scenario(query: str) -> None:
        now = [0.0]
        connections = Connections(monotonic=lambda: now[0], patience=Patience(unread=15.0))
        with listen("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            async with serving(_endpoint(), [listener], connections=connections):
                _, writer = await _ask(port, query)
                await until(lambda: any(client.pending() for client in connections._answered))
                (client,) = connections._answered
                await asyncio.sleep(0.3)
                held = client.pending()
                assert 0 < held <= 2 * _PIECE
                connections.sweep()
                now[0] = 14.0
                connections.sweep()
                assert len(connections) == 1
                now[0] = 16.0
                connections.sweep()
                assert len(connections) == 0
                writer.close()

    for query in ("", "?state=running"):
        asyncio.run(scenario(query))


def test_readers_who_do_not_read_make_room_for_one_who_does() -> None:
    async def scenario() -> None:
        now = [0.0]
        connections = Connections(monotonic=lambda: now[0], most=5)
        with listen("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            async with serving(_endpoint(), [listener], connections=connections):
                held = [await _ask(port) for _ in range(5)]
                await until(
                    lambda: len([c for c in connections._answered if c.pending() > 1000]) == 5
                )
                await asyncio.sleep(0.3)
                connections.sweep()
                # Half a second, not the ten that an answer may take.
                now[0] = 0.5
                _, body = await _read(port)
                assert len(json.loads(body)["jobs"]) == COUNT
                assert len(connections) <= 5
                for _, writer in held:
                    writer.close()

    asyncio.run(scenario())


def test_many_who_want_different_things_written_are_asked_to_come_again() -> None:
    async def scenario() -> None:
        with listen("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            async with serving(_endpoint(most_made=2), [listener]):
                answers = await asyncio.gather(
                    *(_read(port, f"?state=running&n={n}") for n in range(8))
                )
                statuses = [head.split(b" ", 2)[1] for head, _ in answers]
                assert set(statuses) == {b"200", b"503"}
                refused = next(head for head, _ in answers if b" 503 " in head)
                assert b"retry-after: 1" in refused
                head, _ = await _read(port)
                assert b" 200 " in head

    asyncio.run(scenario())


def test_the_system_holds_little_for_each_of_many_readers() -> None:
    async def scenario() -> None:
        connections = Connections(monotonic=lambda: 0.0, most=8)
        with listen("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            async with serving(_endpoint(), [listener], connections=connections):
                writers = []
                for number in range(6):
                    writers.append((await _ask(port))[1])
                    await until(lambda number=number: len(connections) == number + 1)  # type: ignore[misc]
                options = [
                    client.transport.get_extra_info("socket").getsockopt(
                        socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT
                    )
                    for client in sorted(
                        [*connections._answered, *connections._awaited],
                        key=lambda each: each.transport.get_extra_info("peername")[1],
                    )
                ]
                assert options.count(128 * 1024) == 2
                for writer in writers:
                    writer.close()

    asyncio.run(scenario())
