"""Start the exporter with standard streams, files and limits as bad as they come."""

import contextlib
import http.client
import json
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e.exporter_process import ROOT, free_port

PATIENCE = 60.0
_JOB = {
    "jid": "0" * 32,
    "name": "orders",
    "state": "RUNNING",
    "start-time": 1_700_000_000_000,
    "end-time": -1,
    "duration": 1000,
    "last-modification": 1_700_000_000_000,
    "tasks": {"running": 1, "total": 1},
}
_ANSWERS = {"/jobs/overview": {"jobs": [_JOB]}, "/config": {"flink-version": "2.0.0"}}


class _Flink(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = _ANSWERS.get(self.path)
        body = json.dumps(found or {"errors": ["not now"]}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def flink() -> Iterator[str]:
    """Yield the address of a cluster with one job."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Flink) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def until(holds: Callable[[], bool], shown: Callable[[], object] = lambda: "") -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, shown()
        time.sleep(0.05)


class Exporter:
    """The exporter as a process."""

    def __init__(
        self,
        config: Path,
        *arguments: str,
        prefix: tuple[str, ...] = (),
        nofile: int = 0,
        **streams: Any,
    ) -> None:
        self.port = free_port()

        def limit() -> None:
            if nofile:
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))

        command = [*prefix, sys.executable, "-m", "exporter", f"--config.file={config}"]
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [*command, listen, *arguments], cwd=ROOT, preexec_fn=limit, **streams
        )

    def __enter__(self) -> "Exporter":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(timeout=30)

    def ask(
        self, path: str, method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, str]:
        """Make a request over a new connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body or None, named)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def until_ready(self, shown: Callable[[], object] = lambda: "") -> None:
        """Wait until every source has been polled."""

        def ready() -> bool:
            assert self.process.poll() is None, shown()
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.ask("/-/ready")[0] == 200
            return False

        until(ready, shown)

    def value(self, name: str) -> float:
        """Return the value of the only series of a metric."""
        page = self.ask("/metrics")[1]
        found = re.search(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", page, re.MULTILINE)
        assert found, page[-2000:]
        return float(found[1])

    def polls_go_on(self) -> None:
        """See two more polls succeed."""
        before = self.value("streaming_source_polls_total")
        until(lambda: self.value("streaming_source_polls_total") >= before + 2)
        assert self.value("streaming_source_up") == 1

    def reload(self) -> None:
        """Ask for a reload by signal."""
        self.process.send_signal(signal.SIGHUP)

    def ends(self, within: float = 10.0) -> float:
        """Send SIGTERM; return the seconds until the process has ended well."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=within) == 0
        return time.monotonic() - started


def configured(folder: Path, flink_address: str, more: str = "") -> Path:
    """Write a configuration with one source; return its place."""
    path = folder / "exporter.yml"
    path.write_text(
        "defaults: {poll_interval: 1s, timeout: 2s}\n"
        f"sources: [{{name: flink, platform: apache_flink, endpoint: '{flink_address}'}}]\n{more}"
    )
    return path
