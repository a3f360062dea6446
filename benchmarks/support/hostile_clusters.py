"""Stand in for Flink clusters: a good one of many jobs, and others that answer as badly as can be.

Run as a program it prints the port of each as JSON and serves until its standard input ends; then
it prints how often each was asked.
"""

import asyncio
import contextlib
import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

MARKER = "marker"
"""The job of the good cluster whose state changes."""
FLIP_EVERY = 25.0
STATES = ("RUNNING", "RESTARTING")
_LARGE = 60_000_000
_TRAILERS = 200_000_000
_ROWS = 1_000_000
_DASHES = 1024
_JOB = re.compile(rb"^GET /jobs/([0-9a-f]{32})(/\S+)? ")
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def state_at(moment: float) -> str:
    """Return the state of the marker at a time."""
    return STATES[int(moment / FLIP_EVERY) % 2]


def _row(number: int, name: str, state: str = "RUNNING") -> dict[str, object]:
    return {
        "jid": f"{number:032x}",
        "name": name,
        "state": state,
        "start-time": 1_753_000_000_000,
        "end-time": -1,
        "duration": 1_000_000,
        "last-modification": 1_753_000_000_000,
        "tasks": {"total": 4, "running": 4},
    }


def _whole(body: bytes, *more: bytes) -> bytes:
    lines = b"".join(line + b"\r\n" for line in more)
    return _OK + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


class _Good:
    def __init__(self, jobs: int) -> None:
        self._rows = ",".join(json.dumps(_row(n, f"prod_orders_{n:06}")) for n in range(1, jobs))

    async def __call__(self, request: bytes) -> AsyncIterator[bytes]:
        state = state_at(time.time())
        if b" /jobs/overview " in request:
            marker = json.dumps(_row(0, MARKER, state))
            yield _whole(f'{{"jobs":[{marker},{self._rows}]}}'.encode())
        elif (job := _JOB.match(request)) and not job[2]:
            number = int(job[1], 16)
            row = _row(number, f"prod_orders_{number:06}" if number else MARKER)
            if not number:
                row["state"] = state
            yield _whole(json.dumps({**row, "vertices": []}).encode())
        else:
            yield _whole(b"{}")


_Answer = Callable[[bytes], AsyncIterator[bytes]]


async def _large(request: bytes) -> AsyncIterator[bytes]:
    rows = json.dumps([_row(number, "x" * 1000) for number in range(100)])[1:-1].encode()
    lead, piece, end = b'{"jobs":[' + rows, b"," + rows, b"]}"
    count = (_LARGE - len(lead) - len(end)) // len(piece)
    yield _OK + b"Content-Length: %d\r\n\r\n" % (len(lead) + count * len(piece) + len(end)) + lead
    for _ in range(count):
        yield piece
    yield end


def _many_rows() -> _Answer:
    rows = ",".join(f'{{"jid":"{n:032x}","name":"a","state":"RUNNING"}}' for n in range(_ROWS))
    body = _whole(gzip.compress(f'{{"jobs":[{rows}]}}'.encode(), 1), b"Content-Encoding: gzip")

    async def answer(request: bytes) -> AsyncIterator[bytes]:
        yield body

    return answer


async def _trailers(request: bytes) -> AsyncIterator[bytes]:
    yield _OK + b"Transfer-Encoding: chunked\r\n\r\nb\r\n" + b'{"jobs":[]}' + b"\r\n0\r\n"
    line = b"X-Trailer: " + b"x" * 8000 + b"\r\n"
    for _ in range(_TRAILERS // len(line)):
        yield line
    yield b"\r\n"


async def _wait(request: bytes) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999999999\r\n"
    yield b"Content-Length: 0\r\n\r\n"


def _dashes() -> _Answer:
    rows = [_row(n, "-" * _DASHES + f"{n}") for n in range(2000)]
    body = _whole(json.dumps({"jobs": rows}).encode())

    async def answer(request: bytes) -> AsyncIterator[bytes]:
        yield body

    return answer


async def _depth(request: bytes) -> AsyncIterator[bytes]:
    yield _whole(b'{"jobs":' + b"[" * 4_000_000)


HOSTILE = ("60 MB", "a million rows", "trailers of 200 MB", "Retry-After", "dashes", "depth")


def _answers(jobs: int) -> dict[str, _Answer]:
    return {
        "good": _Good(jobs),
        "60 MB": _large,
        "a million rows": _many_rows(),
        "trailers of 200 MB": _trailers,
        "Retry-After": _wait,
        "dashes": _dashes(),
        "depth": _depth,
    }


@dataclass(slots=True)
class Clusters:
    """Clusters that run."""

    ports: dict[str, int]
    asked: dict[str, int] = field(default_factory=dict)


@contextlib.contextmanager
def clusters(jobs: int) -> Iterator[Clusters]:
    """Serve all clusters from a process of their own."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(jobs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        running = Clusters(json.loads(process.stdout.readline()))
        try:
            yield running
        finally:
            told, _ = process.communicate(timeout=60)
            running.asked = json.loads(told)


async def _main(jobs: int) -> None:
    asked: Counter[str] = Counter()
    servers, ports = [], {}
    for name, answer in _answers(jobs).items():

        async def serve(
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            name: str = name,
            answer: _Answer = answer,
        ) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    request = await reader.readuntil(b"\r\n\r\n")
                    asked[name] += 1
                    async for part in answer(request):
                        writer.write(part)
                        await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        ports[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()
    print(json.dumps(asked), flush=True)


if __name__ == "__main__":
    # Elsewhere it would have a machine of its own.
    os.nice(5)
    asyncio.run(_main(int(sys.argv[1])))
