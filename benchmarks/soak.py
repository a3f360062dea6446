"""Let the exporter run for long amid faults: `python -m benchmarks.soak --minutes 30`.

The real program watches simulated clouds over sockets, with faults at random; it is scraped every
second, plain and compressed in turns, and reloaded every twenty seconds, now and then with a file
that is bad. No scrape may fail, and what the process holds must not grow.
"""

import argparse
import contextlib
import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.support.report import Report, machine, markdown
from benchmarks.support.vitals import Vitals, ask_tasks, look, thirds

_RESULT = Path(__file__).parent / "results" / "soak.md"
_PLATFORMS = 5
_RELOAD_EVERY, _LOOK_EVERY, _PARSE_EVERY = 20, 5, 60
_BAD_EVERY = 5
"""Each so many-th reload finds a bad file."""
_LONGEST_SCRAPE = 10.0
"""Seconds after which Prometheus gives up by default."""
_RELOADED = "streaming_exporter_config_last_reload_success_timestamp_seconds"
_CALM = "defaults: {poll_interval: 30s, detail_interval: 10m, stale_after: 5m, rate_limit: 50}"


@dataclass(slots=True, kw_only=True)
class _Run:
    """What is going on, and what was seen of it."""

    process_id: int
    port: int
    config: Path
    text: str
    tasks_file: Path
    started: float = field(default_factory=time.monotonic)
    scrapes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    reloads: int = 0
    history: list[Vitals] = field(default_factory=list)
    jobs: int = 0
    failed_polls: dict[str, float] = field(default_factory=dict)
    reloaded_at: float = 0.0
    """When the program last read a good configuration, as it says."""

    def scrape(self, number: int) -> None:
        """Scrape once, and note it when that fails or gives half a page."""
        packed = number % 2 == 1
        before = time.monotonic()
        try:
            page = _get(self.port, packed=packed)
            if not page.endswith(b"\n") or b"\nstreaming_job_state{" not in page:
                raise ValueError("not a whole page")
            self.milliseconds.append((time.monotonic() - before) * 1000)
            if number % _PARSE_EVERY == 0:
                self._parse(page)
        except (OSError, ValueError, http.client.HTTPException) as exc:
            seconds = time.monotonic() - self.started
            self.failures.append(f"{seconds:.0f} s: {type(exc).__name__}: {exc}")
        self.scrapes["compressed" if packed else "plain"] += 1

    def reload(self) -> None:
        """Change the configuration, at times to a bad one, and have it read."""
        self.reloads += 1
        text = self.text.replace("team: payments", f"team: payments-{self.reloads % 3}")
        if self.reloads % _BAD_EVERY == 0:
            text += "nonsense: 1\n"
        self.config.write_text(text)
        os.kill(self.process_id, signal.SIGHUP)

    def look(self) -> None:
        """Note what the process holds."""
        seconds = time.monotonic() - self.started
        tasks = ask_tasks(self.process_id, self.tasks_file)
        self.history.append(look(self.process_id, seconds, tasks))

    def _parse(self, page: bytes) -> None:
        jobs: set[tuple[str, str]] = set()
        failed: dict[str, float] = {}
        for family in text_string_to_metric_families(page.decode()):
            for sample in family.samples:
                if sample.name == "streaming_job_info":
                    jobs.add((sample.labels["source"], sample.labels["job_id"]))
                elif sample.name == "streaming_source_poll_failures_total" and sample.value:
                    reason = sample.labels["reason"]
                    failed[reason] = failed.get(reason, 0.0) + sample.value
                elif sample.name == _RELOADED:
                    self.reloaded_at = sample.value
        self.jobs, self.failed_polls = len(jobs), failed


def soak(minutes: float, jobs: int, seed: int, report: Report) -> None:
    """Run for so long and report what was seen."""
    with _clouds(jobs, seed) as text, _exporter(text) as run:
        _wait_until_ready(run)
        number, end = 0, run.started + minutes * 60
        while time.monotonic() < end:
            run.scrape(number)
            if number and number % _RELOAD_EVERY == 0:
                run.reload()
            if number % _LOOK_EVERY == 0:
                run.look()
            number += 1
            # Counted from the start: what took longer for once is caught up.
            time.sleep(max(0.0, run.started + number - time.monotonic()))
        run.scrape(0)
        late = time.time() - run.reloaded_at
    report.at_most("seconds since a reload was carried out", late, 3 * _RELOAD_EVERY)
    _write(run, minutes, report)


@contextlib.contextmanager
def _clouds(jobs: int, seed: int) -> Iterator[str]:
    """Serve the clouds from a process of its own; give a configuration for them."""
    command = [sys.executable, "-m", "benchmarks.support.storm", f"{jobs // _PLATFORMS}", f"{seed}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = json.loads(process.stdout.readline())["configuration"].splitlines()
        yield "\n".join([_CALM, *lines[1:]]) + "\n"
        process.stdin.close()


@contextlib.contextmanager
def _exporter(text: str) -> Iterator[_Run]:
    """Run the program with a configuration, and end it."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = folder / "exporter.yml"
        config.write_text(text)
        command = [sys.executable, "-m", "benchmarks.support.watched", str(folder / "tasks")]
        command += [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                yield _Run(
                    process_id=process.pid,
                    port=port,
                    config=config,
                    text=text,
                    tasks_file=folder / "tasks",
                )
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)


def _wait_until_ready(run: _Run) -> None:
    while time.monotonic() < run.started + 300:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            if b"\nstreaming_job_state{" in _get(run.port, packed=False):
                run.started = time.monotonic()
                return
        time.sleep(1)
    raise TimeoutError("no job is shown")


def _get(port: int, *, packed: bool) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST_SCRAPE)
    with contextlib.closing(connection):
        headers = {"Accept-Encoding": "gzip" if packed else "identity"}
        connection.request("GET", "/metrics", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}")
        return gzip.decompress(body) if packed else body


def _write(run: _Run, minutes: float, report: Report) -> None:
    count = sum(run.scrapes.values())
    times = sorted(run.milliseconds) or [0.0]
    report.table(
        f"{minutes:g} minutes, {run.jobs:,} jobs, faults at random",
        ("scrapes", "failed", "median ms", "slowest ms", "reloads", "polls that failed"),
        [
            (
                count,
                len(run.failures),
                times[len(times) // 2],
                times[-1],
                run.reloads,
                ", ".join(f"{n:g} {reason}" for reason, n in sorted(run.failed_polls.items())),
            )
        ],
    )
    # The first third is the warm-up: details come in, and the history of jobs fills up.
    warm = [each for each in run.history if each.seconds >= minutes * 60 / 3]
    held = {
        "memory, MB": thirds(warm, lambda each: each.memory),
        "open files": thirds(warm, lambda each: each.files),
        "sockets": thirds(warm, lambda each: each.sockets),
        "threads": thirds(warm, lambda each: each.threads),
        "tasks": thirds(warm, lambda each: each.tasks),
    }
    report.table(
        "What the process holds: the median of each third after the warm-up",
        ("", "first", "second", "last"),
        [(name, *values) for name, values in held.items()],
    )
    step = max(1, len(run.history) // 20)
    report.table(
        "Over time",
        ("seconds", "MB", "open files", "sockets", "threads", "tasks"),
        [
            (each.seconds, each.memory, each.files, each.sockets, each.threads, each.tasks)
            for each in run.history[::step]
        ],
    )
    for failure in run.failures[:20]:
        print(f"   failed: {failure}", flush=True)
    report.at_most("scrapes that failed", len(run.failures), 0)
    report.at_least("scrapes a second", count / (minutes * 60), 0.9)
    memory = held.pop("memory, MB")
    report.at_most("memory, last third against the first", memory[2] / memory[0], 1.05)
    for name, (first, _, last) in held.items():
        # What is under way at a moment differs; what leaks once a reload would add dozens.
        report.at_most(f"{name}, last third more than the first", last - first, 10)


def main() -> int:
    """Run, and write the page of results; return 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--jobs", type=int, default=5000, help="jobs of all clouds together (5000)")
    parser.add_argument("--seed", type=int, default=1, help="what the faults are (1)")
    parser.add_argument("--output", type=Path, default=_RESULT, help="the page of results")
    options = parser.parse_args()
    report = Report()
    soak(options.minutes, options.jobs, options.seed, report)
    results = {"soak": {"machine": machine(), **report.as_json()}}
    told = markdown(results).partition("\n## soak\n")[2]
    command = f"python -m benchmarks.soak --minutes {options.minutes:g}"
    options.output.write_text(f"# Soak\n\nMade by `{command}`.\n{told}")
    return 0 if all(check["kept"] for check in report.checks) else 1


if __name__ == "__main__":
    sys.exit(main())
