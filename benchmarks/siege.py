"""How the exporter fares under siege: hostile sources, a hostile agent and hostile readers at once.

The program watches a good cluster of 5,000 jobs beside clusters that answer as badly as can be;
thirty connections report the worst bodies, and six hundred read nothing or too much. Meanwhile it
is scraped twice a second over a new connection each time, and what it says of the good cluster has
to be true. `python -m benchmarks.siege --without sources agent` leaves some of it out, and
`--code FOLDER` besieges the program of another working copy.
"""

import argparse
import contextlib
import gzip
import http.client
import math
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.support.besieger import PROJECT, TOKEN, besieged
from benchmarks.support.hostile_clusters import HOSTILE, MARKER, STATES, clusters, state_at
from benchmarks.support.report import Report
from benchmarks.support.servers import memory_of

JOBS = 5_000
SECONDS = 60.0
PARTS = ("sources", "agent", "readers")
_ROOT = Path(__file__).parent.parent
_CALM = 20
_SCRAPE_EVERY = 0.5
_POLL_EVERY = 10.0
_LONGEST_SCRAPE = 10.0
"""Seconds after which Prometheus gives up by default."""
_POLL_TAKES = 15.0
"""Seconds within which the answer was made that a poll tells of when it has succeeded."""
_OLDEST = 60.0
"""Seconds since a poll succeeded; after two minutes its jobs would be withdrawn."""
_INFO, _STATE = b"\n# TYPE streaming_job_info gauge\n", b"\n# TYPE streaming_job_state gauge\n"
_TRUE = re.compile(rb'state="(\w+)"[^\n]*\} 1(?:\.0)?$')
_NAME = f'job_name="{MARKER}"'.encode()
_WORDS = dict(zip(STATES, ("running", "restarting"), strict=True))
_SUCCESS = re.compile(
    rb'^streaming_source_last_success_timestamp_seconds\{[^\n]*source="good"\} (\S+)$', re.MULTILINE
)
_UP = re.compile(rb'^streaming_source_up\{[^\n]*source="([^"]+)"\} (\S+)$', re.MULTILINE)


@dataclass(slots=True)
class _Scrapes:
    """How the scrapes went."""

    port: int
    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    states: set[str] = field(default_factory=set)
    ages: list[float] = field(default_factory=list)
    """Seconds since the good cluster was read, as each page says."""
    lies: list[str] = field(default_factory=list)
    up: dict[str, str] = field(default_factory=dict)

    def scrape(self) -> None:
        """Scrape once over a new connection."""
        before = time.monotonic()
        try:
            page = _get(self.port)
        except (OSError, ValueError, http.client.HTTPException) as exc:
            self.failures.append(f"{type(exc).__name__}: {exc}")
            # Who gives up has waited for as long as it could.
            self.milliseconds.append(_LONGEST_SCRAPE * 1000)
            return
        self.milliseconds.append((time.monotonic() - before) * 1000)
        self._judge(gzip.decompress(page), time.time())

    def _judge(self, page: bytes, now: float) -> None:
        self.jobs.append(_jobs(page))
        lines = (line for line in _family(page, _STATE).split(b"\n") if _NAME in line)
        states = [found[1].decode() for line in lines if (found := _TRUE.search(line))]
        self.states.update(states)
        found = _SUCCESS.search(page)
        read_at = float(found[1]) if found else 0.0
        self.ages.append(now - read_at)
        true = {_WORDS[state_at(read_at - ago / 10)] for ago in range(int(_POLL_TAKES * 10))}
        if len(states) != 1 or states[0] not in true:
            self.lies.append(f"{states} where {sorted(true)} would be true")
        self.up = {name.decode(): value.decode() for name, value in _UP.findall(page)}

    def percentile(self, share: float) -> float:
        """Return the milliseconds that this share of the scrapes stayed below."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def run(report: Report) -> None:
    """Besiege it with everything."""
    siege(report, PARTS, SECONDS, _ROOT)


def siege(report: Report, parts: Sequence[str], seconds: float, code: Path) -> None:
    """Besiege the program of a working copy for so long, with some of the parts."""
    with clusters(JOBS) as running:
        names = ("good", *(HOSTILE if "sources" in parts else ()))
        ports = {name: running.ports[name] for name in names}
        with _exporter(ports, code) as (process_id, port):
            _wait_until_ready(port)
            at_first = memory_of(process_id, "VmHWM")
            calm = _scrapes(port, _CALM * _SCRAPE_EVERY)
            with besieged([part for part in parts if part != "sources"], port) as done:
                besieged_scrapes = _scrapes(port, seconds)
            peak = memory_of(process_id, "VmHWM")
    _tell(report, calm, besieged_scrapes)
    report.table("Memory", ("before, MB", "at most, MB"), [(at_first, peak)])
    rows = [
        (kind, *what.split(": ", 1), count)
        for kind, told in done.items()
        for what, count in sorted(told.items())
    ]
    report.table("What the besiegers did", ("", "what", "came of it", "times"), rows)
    report.table(
        "The clusters",
        ("", "asked", "up"),
        [(name, running.asked.get(name, 0), besieged_scrapes.up.get(name, "")) for name in names],
    )
    _judge(report, besieged_scrapes, peak, seconds)


def _tell(report: Report, calm: _Scrapes, scrapes: _Scrapes) -> None:
    rows = [
        (
            name,
            len(each.milliseconds),
            len(each.failures),
            *(each.percentile(share) for share in (0.5, 0.99, 1.0)),
        )
        for name, each in (("before", calm), ("under siege", scrapes))
    ]
    header = ("", "scrapes", "failed", "p50 ms", "p99 ms", "most ms")
    report.table(f"Scrapes of {JOBS:,} jobs, gzip, each over a new connection", header, rows)
    for failure in (*scrapes.failures[:5], *scrapes.lies[:5]):
        print(f"   {failure}", flush=True)


def _judge(report: Report, scrapes: _Scrapes, peak: float, seconds: float) -> None:
    report.at_most("p99 of a scrape under siege, ms", scrapes.percentile(0.99), 500.0)
    report.at_most("memory under siege, MB", peak, 512.0)
    report.at_most("scrapes that failed", len(scrapes.failures), 0)
    report.at_least("scrapes a second", len(scrapes.milliseconds) / seconds, 0.9)
    report.at_least("jobs of the good cluster, at least", min(scrapes.jobs, default=0), JOBS)
    report.at_most("scrapes that told a state that was not", len(scrapes.lies), 0)
    report.at_most("oldest that a page was, s", max(scrapes.ages, default=math.inf), _OLDEST)
    report.at_least("states that were seen", len(scrapes.states), len(STATES))


def _scrapes(port: int, seconds: float) -> _Scrapes:
    scrapes = _Scrapes(port)
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        scrapes.scrape()
        time.sleep(max(0.0, now + _SCRAPE_EVERY - time.monotonic()))
    return scrapes


def _configuration(ports: dict[str, int]) -> str:
    # Few details are asked for: what is besieged is what every poll and every scrape needs.
    lines = [
        f"defaults: {{poll_interval: {_POLL_EVERY:g}s, detail_interval: 10m, stale_after: 2m}}",
        *("edge:", "  database: edge.db", f"  projects: {{{PROJECT}: {{token: {TOKEN}}}}}"),
        "sources:",
    ]
    for name, port in ports.items():
        source = f"{name.replace(' ', '-')}, platform: apache_flink, rate_limit: 5"
        more = ', jobs: {include: [".*-.*-.*-prod"]}' if name == "dashes" else ""
        lines.append(f'  - {{name: {source}, endpoint: "http://127.0.0.1:{port}"{more}}}')
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _exporter(ports: dict[str, int], code: Path) -> Iterator[tuple[int, int]]:
    """Run the program; give its process and its port."""
    with tempfile.TemporaryDirectory(prefix="siege-") as name:
        folder = Path(name)
        config = folder / "exporter.yml"
        config.write_text(_configuration(ports))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "exporter", f"--config.file={config}"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        environment = {**os.environ, "PYTHONPATH": str(code)}
        with subprocess.Popen(
            command, cwd=folder, env=environment, stderr=subprocess.DEVNULL
        ) as process:
            try:
                yield process.pid, port
            finally:
                process.terminate()
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()


def _wait_until_ready(port: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            if _jobs(gzip.decompress(_get(port))) >= JOBS:
                return
        time.sleep(0.5)
    print("   the good cluster is not shown before the siege", flush=True)


def _family(page: bytes, head: bytes) -> bytes:
    """Return the lines of a family; a pattern over the whole page would take long."""
    return page.partition(head)[2].partition(b"\n# ")[0]


def _jobs(page: bytes) -> int:
    return _family(page, _INFO).count(b'source="good"')


def _get(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST_SCRAPE)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}")
        return body


def main() -> int:
    """Besiege it; return 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"how long ({SECONDS:g})")
    parser.add_argument(
        "--without", nargs="*", choices=PARTS, default=(), help="parts to leave out"
    )
    parser.add_argument("--code", type=Path, default=_ROOT, help="whose program (this)")
    options = parser.parse_args()
    report = Report()
    parts = [part for part in PARTS if part not in options.without]
    siege(report, parts, options.seconds, options.code.resolve())
    return 0 if all(check["kept"] for check in report.checks) else 1


if __name__ == "__main__":
    sys.exit(main())
