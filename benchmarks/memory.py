"""How much memory jobs take, whether it grows, and what slow readers add to it."""

import json
import socket
import statistics
import subprocess
import sys
import time

from benchmarks.support.report import Report
from benchmarks.support.servers import Server, serving

_SIZES = {0: 3, 1_000: 10, 10_000: 6, 100_000: 3}
_READERS = 50


def run(report: Report) -> None:
    """Measure sizes, growth and slow readers."""
    rows = []
    for jobs, cycles in _SIZES.items():
        memory, most = _hold(jobs, cycles, 0.0)
        rows.append((jobs, memory[-1], most))
        bound = {10_000: 140.0, 100_000: 900.0}.get(jobs)
        if bound is not None:
            report.at_most(f"{jobs:,} jobs: MB after {cycles} polls", memory[-1], bound)
            report.at_most(f"{jobs:,} jobs: MB at most", most, bound)
    report.table("Memory of everything a poll leaves behind", ("jobs", "MB", "MB at most"), rows)
    _measure_growth(report)
    _measure_slow_readers(report)


def _measure_growth(report: Report) -> None:
    # Before, the history of jobs that left fills up to its bound, of 20,000 jobs.
    before, cycles, jobs = 90, 200, 5_000
    memory, most = _hold(jobs, before + cycles, 0.05)
    early = statistics.median(memory[before : before + 20])
    late = statistics.median(memory[-20:])
    report.table(
        f"{jobs:,} jobs, 5 % of them replaced at each of {before + cycles} polls",
        ("MB after 10 polls", f"after {before}", f"after {before + cycles}", "MB at most"),
        [(memory[9], early, late, most)],
    )
    report.at_most("growth over 200 polls with 5 % of jobs replaced at each, MB", late - early, 5.0)


def _measure_slow_readers(report: Report) -> None:
    with serving("exporter", 10_000) as server:
        # What one scrape needs is no news.
        server.get("/metrics")
        before = server.memory
        readers = [_begin_to_read(server) for _ in range(_READERS)]
        time.sleep(2)
        added = server.memory - before
        for reader in readers:
            reader.close()
    report.table(
        "Readers that stop reading a plain page of 10,000 jobs",
        ("readers", "MB before", "MB more"),
        [(_READERS, before, added)],
    )
    report.at_most("one slow reader adds, MB", added / _READERS, 1.0)


def _begin_to_read(server: Server) -> socket.socket:
    reader = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    reader.recv(1000)
    return reader


def _hold(jobs: int, cycles: int, share: float) -> tuple[list[float], float]:
    """Return the memory after each cycle, and the most there was."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.support.holder",
        str(jobs),
        str(cycles),
        str(share),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line["memory"] for line in lines[:-1]], lines[-1]["most"]
