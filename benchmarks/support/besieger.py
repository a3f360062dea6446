"""Besiege an exporter from a process of its own: `python -m benchmarks.support.besieger KIND PORT`.

The kind is `agent` or `readers`. It goes on until its standard input ends, and then prints as JSON
what became of all that it did.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from benchmarks.support.bodies import worst

PROJECT, TOKEN = "330e068af1334c9782f4226acc00a2e2", "token-of-the-project"
SENDERS, SLOW_BODIES, TRAILERS = 30, 10, 4
STILL, LOOPS, PAGES, SLOW_HEADS = 540, 16, 2, 40
_REPORT = f"POST /v1/{PROJECT}/edgesrv/job-report HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {TOKEN}\r\n"
_PAUSE = 1.0
_SMALL_BUFFER = 4096
_Done = Counter[str]


class Besieger:
    """Hostile clients in a process of their own."""

    def __init__(self, kind: str, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, kind, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def end(self) -> dict[str, int]:
        """End it; return what it did, and how often."""
        told, _ = self._process.communicate(timeout=60)
        done: dict[str, int] = json.loads(told)
        return done


@contextlib.contextmanager
def besieged(kinds: list[str], port: int) -> Iterator[dict[str, dict[str, int]]]:
    """Besiege a port while the context is entered; what was done is told when it is left."""
    besiegers = {kind: Besieger(kind, port) for kind in kinds}
    done: dict[str, dict[str, int]] = {}
    try:
        yield done
    finally:
        done.update({kind: besieger.end() for kind, besieger in besiegers.items()})


async def _open(port: int, *, buffer: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    found = socket.socket()
    if buffer:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    found.setblocking(False)
    await asyncio.get_running_loop().sock_connect(found, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=found, limit=_SMALL_BUFFER if buffer else 2**20)


async def _answer(reader: asyncio.StreamReader) -> str:
    """Read an answer to its end; return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length: " in head:
        left = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
        while left:
            data = await reader.read(min(left, 2**18))
            if not data:
                raise ConnectionError
            left -= len(data)
    return head.split(b" ", 2)[1].decode()


async def _again(what: str, done: _Done, work: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again, whatever comes of it."""
    while True:
        try:
            await work()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            done[f"{what}: ended by the exporter"] += 1
            await asyncio.sleep(_PAUSE * random.random())


def _agent(port: int, done: _Done) -> Iterator[Coroutine[Any, Any, None]]:
    bodies = list(worst().values())
    numbers = itertools.count()

    async def send() -> None:
        reader, writer = await _open(port)
        with contextlib.closing(writer):
            while True:
                body = bodies[next(numbers) % len(bodies)]
                # Each is news: a duplicate would be found out early.
                body = body.replace(b'"message_id":"', b'"message_id":"%d-' % next(numbers), 1)
                writer.write(f"{_REPORT}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                done[f"worst bodies: {await _answer(reader)}"] += 1

    async def send_slowly() -> None:
        reader, writer = await _open(port)
        with contextlib.closing(writer):
            writer.write(f"{_REPORT}Content-Length: 1000000\r\n\r\n".encode() + b"[" * 500_000)
            while not reader.at_eof():
                writer.write(b"[")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), _PAUSE)
        done["slow bodies: ended"] += 1

    async def send_trailers() -> None:
        reader, writer = await _open(port)
        with contextlib.closing(writer):
            writer.write(f"{_REPORT}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n".encode())
            for _ in range(1000):
                writer.write(b"X-Trailer: " + b"x" * 10_000 + b"\r\n")
                await writer.drain()
            writer.write(b"\r\n")
            done[f"trailers: {await _answer(reader)}"] += 1

    yield from (_again("worst bodies", done, send) for _ in range(SENDERS))
    yield from (_again("slow bodies", done, send_slowly) for _ in range(SLOW_BODIES))
    yield from (_again("trailers", done, send_trailers) for _ in range(TRAILERS))


def _readers(port: int, done: _Done) -> Iterator[Coroutine[Any, Any, None]]:
    async def be_still() -> None:
        _, writer = await _open(port, buffer=_SMALL_BUFFER)
        with contextlib.closing(writer):
            writer.write(b"GET /api/v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n")
            await writer.drain()
            # The library reads some thousand bytes by itself, and then no more.
            while not writer.is_closing():
                await asyncio.sleep(_PAUSE)
                writer.write(b"\r\n")
                await writer.drain()
        raise ConnectionError

    def asking(what: str, target: Callable[[], str]) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            reader, writer = await _open(port)
            with contextlib.closing(writer):
                while True:
                    writer.write(f"GET {target()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                    done[f"{what}: {await _answer(reader)}"] += 1

        return ask

    async def begin_slowly() -> None:
        _, writer = await _open(port)
        with contextlib.closing(writer):
            for character in "GET / HTTP/1.1\r\nHost: x\r\nX-More: " + "x" * 1000:
                writer.write(character.encode())
                await writer.drain()
                await asyncio.sleep(_PAUSE)

    loop, page = "loops over /api/v1/jobs", "loops over pages"
    ask_jobs = asking(loop, lambda: "/api/v1/jobs")
    ask_pages = asking(page, lambda: f"/?q={random.randrange(10**6)}")
    yield from (_again(loop, done, ask_jobs) for _ in range(LOOPS))
    yield from (_again(page, done, ask_pages) for _ in range(PAGES))
    yield from (_again("slow heads", done, begin_slowly) for _ in range(SLOW_HEADS))
    yield from (_again("do not read", done, be_still) for _ in range(STILL))


async def _main(kind: str, port: int) -> None:
    done: _Done = Counter()
    work = {"agent": _agent, "readers": _readers}[kind](port, done)
    tasks = [asyncio.create_task(each) for each in work]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(done), flush=True)


if __name__ == "__main__":
    # Elsewhere they would have machines of their own.
    os.nice(10)
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
