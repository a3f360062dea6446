"""How long it takes from starting the program to its first answer."""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.support.report import Report

_ROUNDS = 7
_CONFIG = """
sources:
  - {name: flink, platform: apache_flink, endpoint: "http://127.0.0.1:9"}
  - {name: dli, platform: huawei_dli, region: cn-north-4, project_id: p,
     auth: {access_key: a, secret_key: b}}
"""


def run(report: Report) -> None:
    """Start it several times."""
    times, processor = zip(*(_start() for _ in range(_ROUNDS)), strict=True)
    report.table(
        f"From start to the first answer of /metrics, {_ROUNDS} times",
        ("least ms", "median ms", "most ms", "processor time ms"),
        [(min(times), statistics.median(times), max(times), min(processor))],
    )
    report.at_most("first answer after start, ms", statistics.median(times), 1000.0)


def _start() -> tuple[float, float]:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "exporter.yml"
        config.write_text(_CONFIG)
        command = [sys.executable, "-m", "exporter", f"--config.file={config}"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        started = time.monotonic()
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for_answer(port, started + 60)
                took = time.monotonic() - started
                used = _processor_seconds(process.pid)
            finally:
                process.terminate()
    return took * 1000, used * 1000


def _wait_for_answer(port: int, deadline: float) -> None:
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(ConnectionError),
            socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        ):
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if connection.recv(100).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.005)
    raise TimeoutError(port)


def _processor_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
