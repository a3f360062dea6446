"""How many reports of edge jobs are taken, how fast, and what is left of them after kill -9.

Beside it Debian's prometheus-pushgateway, which takes the same facts as pushes of one group a job.
Both run in one process and are pushed to from 16 connections of another.
"""

import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.support.pusher import Order, Pushed, Pusher
from benchmarks.support.report import Report
from benchmarks.support.servers import has_pushgateway

PROJECT, TOKEN = "330e068af1334c9782f4226acc00a2e2", "token-of-the-project"
JOBS, CONNECTIONS = 1_000, 16
_SECONDS = 12.0
_KILLED_AFTER = 4.0
_MANY_JOBS = 10_000
_REPORT = """\
{"jobs": [{"create_time": %(n)d, "job_id": %(job)d, "status": "job_running", \
"metrics": {"total_read_rate": 12.5, "restart_times": 2}}], \
"msg_confirm_topic": "hw/events/messages/dli/message/confirm", "message_id": "m-%(n)d"}"""
_FIRST = 1_700_000_000_000
"""Numbers of reports are also their times in milliseconds."""
_STATES = ("created", "starting", "running", "restarting", "failed", "stopping", "stopped")
_PUSH = "".join(
    f'streaming_job_state{{state="{state}"}} {int(state == "running")}\n' for state in _STATES
) + (
    "streaming_job_read_records_per_second 12.5\n"
    "streaming_job_restart_times 2\n"
    "streaming_job_observed_timestamp_seconds %(n)d\n"
)


def run(report: Report) -> None:
    """Measure reports, pushes, what a kill leaves of both, and a start with many jobs."""
    rows, losses = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _exporter(folder) as (port, _):
            ours = _push(_reports(port, _SECONDS))
        rows.append(_row("this exporter", ours))
        losses.append(("this exporter", *_lost_reports(folder)))
    if has_pushgateway():
        with tempfile.TemporaryDirectory() as name, _pushgateway(Path(name)) as (port, _):
            theirs = _push(_pushes(port, _SECONDS))
        rows.append(_row("Pushgateway (Go)", theirs))
        report.at_least("reports per second against Pushgateway", ours.rate / theirs.rate, 1.0)
        with tempfile.TemporaryDirectory() as name:
            losses.append(("Pushgateway (Go)", *_lost_pushes(Path(name))))
    header = ("server", "acknowledged per second", "p50 ms", "p99 ms", "refused")
    report.table(f"Reports of {JOBS:,} jobs from {CONNECTIONS} connections", header, rows)
    report.table("After kill -9", ("server", "acknowledged", "lost"), losses)
    report.at_least("acknowledged reports per second", ours.rate, 5_000)
    report.at_most("p99 of a report, ms", ours.percentile(0.99), 20.0)
    report.at_most("acknowledged reports lost by kill -9", losses[0][2], 0)
    seconds = _restart()
    report.table("Restart", ("edge jobs", "seconds to ready"), [(_MANY_JOBS, seconds)])
    report.at_most("10,000 edge jobs, seconds from start to ready", seconds, 2.0)


def _row(server: str, pushed: Pushed) -> tuple[object, ...]:
    return (
        *(server, pushed.rate, pushed.percentile(0.5), pushed.percentile(0.99)),
        pushed.refused,
    )


def _push(order: Order) -> Pushed:
    return Pusher(order).result()


def _reports(port: int, seconds: float, jobs: int = JOBS, body: str = _REPORT) -> Order:
    return Order(
        port=port,
        method="POST",
        path=f"/v1/{PROJECT}/edgesrv/job-report",
        body=body,
        headers={"X-Auth-Token": TOKEN, "Content-Type": "application/json"},
        jobs=jobs,
        connections=CONNECTIONS,
        seconds=seconds,
        first=_FIRST,
    )


def _pushes(port: int, seconds: float) -> Order:
    return Order(
        port=port,
        method="PUT",
        path=f"/metrics/job/edge/project/{PROJECT}/job_id/%(job)d",
        body=_PUSH,
        headers={},
        jobs=JOBS,
        connections=CONNECTIONS,
        seconds=seconds,
    )


def _lost_reports(folder: Path) -> tuple[int, int]:
    """Kill the exporter while it is reported to; return what was acknowledged and what is gone."""
    with _exporter(folder) as (port, process):
        pusher = Pusher(_reports(port, 60.0, body=_REPORT.replace("m-", "k-")))
        time.sleep(_KILLED_AFTER)
        process.send_signal(signal.SIGKILL)
        pushed = pusher.result()
    with _exporter(folder):
        pass
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as connection:
        found = connection.execute("SELECT message_id FROM reports WHERE message_id LIKE 'k-%'")
        stored = {row[0] for row in found}
    return len(pushed.acknowledged), len({f"k-{n}" for n in pushed.acknowledged} - stored)


def _lost_pushes(folder: Path) -> tuple[int, int]:
    """Kill Pushgateway while it is pushed to; return the groups it had taken and those gone."""
    with _pushgateway(folder) as (port, process):
        pusher = Pusher(_pushes(port, 60.0))
        time.sleep(_KILLED_AFTER)
        process.send_signal(signal.SIGKILL)
        pushed = pusher.result()
    groups = {number % JOBS for number in pushed.acknowledged}
    with _pushgateway(folder) as (port, _):
        kept = json.loads(_get(port, "/api/v1/metrics"))["data"]
    return len(groups), len(groups) - len(kept)


def _restart() -> float:
    """Return the seconds from starting the program to ready, with many jobs in its journal."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = ", ".join(
            json.dumps({"job_id": number, "status": "job_running", "create_time": _FIRST + number})
            for number in range(_MANY_JOBS)
        )
        body = f'{{"jobs": [{jobs}], "message_id": "all"}}'
        with _exporter(folder) as (port, _):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/{PROJECT}/edgesrv/job-report",
                data=body.encode(),
                headers={"X-Auth-Token": TOKEN},
            )
            with urllib.request.urlopen(request, timeout=60):
                pass
        started = time.perf_counter()
        with _exporter(folder):
            return time.perf_counter() - started


@contextlib.contextmanager
def _exporter(folder: Path) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run the exporter from when it is ready."""
    config = folder / "exporter.yml"
    config.write_text(
        f"edge:\n  database: edge.db\n  rate_limit: 1000000\n"
        f"  max_body: 8MiB\n  projects: {{{PROJECT}: {{token: {TOKEN}}}}}\n"
    )
    port = _free_port()
    command = [sys.executable, "-m", "exporter", f"--config.file={config}", "--log.level=error"]
    with _running([*command, f"--web.listen-address=127.0.0.1:{port}"], folder, port) as process:
        yield port, process


@contextlib.contextmanager
def _pushgateway(folder: Path) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run Pushgateway as Debian does, with a file to persist to at its usual interval."""
    port = _free_port()
    command = [
        "prometheus-pushgateway",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--persistence.file={folder / 'pushgateway.data'}",
        "--log.level=error",
    ]
    with _running(command, folder, port) as process:
        yield port, process


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        try:
            for _ in range(6000):
                with contextlib.suppress(OSError):
                    _get(port, "/-/ready")
                    break
                time.sleep(0.01)
            yield process
        finally:
            process.terminate()
            process.wait()


def _get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        body: bytes = answer.read()
        return body


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
