"""Start the servers that are compared, each in a process of its own."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    port: int
    process_id: int

    @property
    def memory(self) -> float:
        """Return the megabytes that its process holds."""
        return memory_of(self.process_id)

    def get(self, path: str) -> bytes:
        """Ask it once."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=300) as answer:
            body: bytes = answer.read()
            return body


def memory_of(process_id: int | str, name: str = "VmRSS") -> float:
    """Return the megabytes that a process holds, or held at most (VmHWM)."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(name)


@contextlib.contextmanager
def serving(kind: str, jobs: int) -> Iterator[Server]:
    """Run the exporter's web application, or the client library's."""
    command = [sys.executable, "-m", "benchmarks.support.serve", kind, str(jobs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Server(json.loads(process.stdout.readline())["port"], process.pid)
        process.stdin.close()


def has_pushgateway() -> bool:
    """Say whether Debian's package prometheus-pushgateway is there."""
    return shutil.which("prometheus-pushgateway") is not None


@contextlib.contextmanager
def pushgateway(series: bytes) -> Iterator[Server]:
    """Run a Pushgateway that holds these series."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "prometheus-pushgateway",
            f"--web.listen-address=127.0.0.1:{port}",
            "--persistence.file=",
            "--log.level=error",
        ]
        with subprocess.Popen(command, cwd=folder) as process:
            try:
                _wait(port)
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}/metrics/job/bench", data=series, method="PUT"
                )
                with urllib.request.urlopen(request, timeout=300):
                    yield Server(port, process.pid)
            finally:
                process.terminate()


def _wait(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(ConnectionError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise TimeoutError(port)
