"""Watch Flink clusters with one large answer each; print what that cost as JSON.

`python -m benchmarks.support.large_listing SHAPE ROWS CLUSTERS`
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter.app import App
from exporter.configuration.config import load
from exporter.process.garbage_collection import GarbageCollection
from exporter.runtime import Runtime

_LARGE = 60_000_000
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"


def _row(number: int, **more: object) -> dict[str, object]:
    started = 1_700_000_000_000 + number
    return {
        "jid": f"{number:032x}",
        "name": f"insert-into_default_catalog.default_database.sink_{number}",
        "state": "RUNNING",
        "start-time": started,
        "end-time": -1,
        "duration": 5000,
        "last-modification": started,
        "tasks": {"running": 3, "total": 3, "created": 0, "failed": 0, "finished": 0},
        **more,
    }


def _body(shape: str, rows: int) -> bytes:
    if shape == "jobs":
        return json.dumps({"jobs": [_row(number) for number in range(rows)]}).encode()
    if shape == "jobs of long texts":
        text = "y" * (_LARGE // rows)
        return json.dumps({"jobs": [_row(number, plan=text) for number in range(rows)]}).encode()
    if shape == "ids alone":
        return b'{"jobs":[%s]}' % b",".join(b'{"jid":"%032x"}' % n for n in range(rows))
    # Two bytes and a comma each, which take seventy decoded.
    return b'{"jobs":[%s]}' % b",".join([b"[]"] * rows)


async def _serve(body: bytes, listener: socket.socket) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"/jobs/overview" in head:
                    writer.write(_HEAD % len(body) + body)
                elif b"/config" in head:
                    config = b'{"flink-version": "1.20"}'
                    writer.write(_HEAD % len(config) + config)
                else:
                    writer.write(_MISSING)
                await writer.drain()

    server = await asyncio.start_server(answer, sock=listener)
    await server.serve_forever()


@contextlib.contextmanager
def _cluster(shape: str, rows: int) -> Iterator[int]:
    """Serve the answer in another process; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if not child:
        asyncio.run(_serve(_body(shape, rows), listener))
    port = int(listener.getsockname()[1])
    listener.close()
    try:
        yield port
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class _Silent:
    def bind(self, **_: object) -> "_Silent":
        return self

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def _configuration(port: int, clusters: int, folder: str) -> Path:
    file = Path(folder, "exporter.yml")
    each = f"platform: apache_flink, endpoint: 'http://127.0.0.1:{port}', timeout: 120s"
    rest = "poll_interval: 600s, stale_after: 2000s, rate_limit: 1"
    lines = [f"- {{name: s{number}, {each}, {rest}}}\n" for number in range(clusters)]
    file.write_text("sources:\n" + "".join(lines))
    return file


def _peak() -> float:
    """Return the most memory of this process, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)["VmHWM"].split()[0]) / 1024


async def _watch(file: Path, garbage: GarbageCollection) -> None:
    log: Any = _Silent()
    app = App(lambda: load(file, {}), runtime=Runtime(), log=log, rendered=garbage.rendered)
    longest = 0.0

    async def feel() -> None:
        nonlocal longest
        # Time of the processor: how busy the machine is otherwise says nothing about us.
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    began = time.perf_counter()
    await app.start()
    feeling = asyncio.create_task(feel())
    while not app.ready():  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    feeling.cancel()
    snapshots = app.store.snapshots.values()
    found = {
        "seconds": time.perf_counter() - began,
        "longest": longest,
        "memory": _peak(),
        "jobs": sum(len(snapshot.jobs) for snapshot in snapshots),
        "failure": next((snapshot.failure for snapshot in snapshots if snapshot.failure), ""),
    }
    print(json.dumps(found), flush=True)
    await app.stop()


def main(shape: str, rows: int, clusters: int) -> None:
    garbage = GarbageCollection(monotonic=time.monotonic)
    with (
        _cluster(shape, rows) as port,
        tempfile.TemporaryDirectory() as folder,
        garbage.in_charge(),
    ):
        asyncio.run(_watch(_configuration(port, clusters, folder), garbage))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
