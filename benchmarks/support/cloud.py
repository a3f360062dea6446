"""A DLI that answers at once, or after a fixed time, and does nothing else.

The simulator checks signatures and tells stories, which takes longer than asking does. Run as a
program it prints its port and serves until its standard input ends.
"""

import asyncio
import contextlib
import json
import re
import selectors
import subprocess
import sys
from collections.abc import Iterator

from exporter.simulator.clouds import PROJECT_ID
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.huawei.dli_graph import execution_graph
from exporter.simulator.huawei.dli_rows import detailed_row, light_row

_STARTED = 1_753_000_000.0
_PAGE = re.compile(rb"[?&]offset=(\d+)")
_JOB = re.compile(rb"/jobs/(\d+)(/execute-graph)?")
_MARK = 999_999_999
_HEAD = (
    "HTTP/1.1 {status} OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: api-gateway\r\n"
    "Content-Type: application/json;charset=utf-8\r\nContent-Length: {length}\r\n"
    "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n{more}\r\n"
)


def _answer(document: object, status: int = 200, more: str = "") -> bytes:
    body = json.dumps(document).encode()
    return _HEAD.format(status=status, length=len(body), more=more).encode() + body


class Dli:
    """The answers of a project with so many running jobs, made beforehand."""

    def __init__(self, jobs: int) -> None:
        fleet = Fleet(seed=1, started_at=_STARTED, jobs=20)
        running = (each for each in fleet.views(_STARTED) if each.phase is Phase.RUNNING)
        view = next(running)
        row = light_row(view, _STARTED)
        rows = [{**row, "job_id": 100_000 + n, "name": f"orders_{n:06}"} for n in range(jobs)]
        self._pages = {
            offset: _answer(
                {
                    "is_success": "true",
                    "job_list": {"total_count": jobs, "jobs": rows[offset : offset + 100]},
                }
            )
            for offset in range(0, jobs, 100)
        }
        detail = {**detailed_row(view, _STARTED, PROJECT_ID), "job_id": _MARK, "name": ""}
        self._detail = _answer({"is_success": "true", "job_detail": detail})
        graph = {"is_success": "true", "execute_graph": execution_graph(view, _STARTED)}
        self._graph = _answer(graph)
        token = {"token": {"expires_at": "2099-01-01T00:00:00.000000Z"}}
        self._token = _answer(token, 201, f"X-Subject-Token: {'t' * 2000}\r\n")

    def answer(self, head: bytes) -> bytes:
        """Answer a request, given its head."""
        line = head[: head.index(b"\r\n")]
        if line.startswith(b"POST"):
            return self._token
        if job := _JOB.search(line):
            if job[2]:
                return self._graph
            # A number of nine digits for one of six: the rest is blanks, which JSON allows.
            return self._detail.replace(b"%d" % _MARK, job[1].rjust(9))
        page = _PAGE.search(line)
        return self._pages[int(page[1]) if page else 0]


class _Connection(asyncio.Protocol):
    def __init__(self, dli: Dli, latency: float) -> None:
        self._dli = dli
        self._latency = latency
        self._waiting = b""
        self._body = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while True:
            if self._body:
                taken = min(self._body, len(self._waiting))
                self._waiting, self._body = self._waiting[taken:], self._body - taken
            head, end, rest = self._waiting.partition(b"\r\n\r\n")
            if not end or self._body:
                return
            length = re.search(rb"(?i)content-length: (\d+)", head)
            self._waiting, self._body = rest, int(length[1]) if length else 0
            answer = self._dli.answer(head)
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


@contextlib.contextmanager
def cloud(jobs: int, latency: float = 0.0) -> Iterator[str]:
    """Serve a project of so many jobs from a process of its own; give its address."""
    command = [sys.executable, "-m", __name__, str(jobs), str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


async def _serve(jobs: int, latency: float) -> None:
    dli = Dli(jobs)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(dli, latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def _exact_loop() -> asyncio.AbstractEventLoop:
    # With epoll every pause is rounded up to a whole millisecond, a twentieth of the latency.
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_exact_loop) as runner:
        runner.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
