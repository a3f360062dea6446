"""Measure for how long a real Flink's delays are shown after a TaskManager has hung up.

`python -m tests.flink_cluster freezes --times 8 --detail 40s`: a cluster with Flink's own intervals
that nobody else asks, polls of 20 s, and an idle TaskManager that is stopped again and again, each
time at another moment between two polls. The metrics of all jobs stand still then. With `--alone`
there is one job, so that no other makes Flink gather in between.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.flink_cluster.cluster import PATIENT, FlinkCluster
from tests.flink_cluster.distribution import FlinkDistribution
from tests.flink_cluster.jobs import JobSpec
from tests.flink_cluster.watched import WatchingExporter

_DELAY = "input_delay_seconds"
_TRUE = 120.0
_HEARTBEATS = {"heartbeat.interval": "10 s", "heartbeat.timeout": "50 s"}
_JOBS = (
    JobSpec(name="late_stream", kind="late_stream", parallelism=2),
    JobSpec(name="late_sql", kind="late_sql"),
)
_SETTLE = 100.0
_FROZEN = 75.0
_APART = 0.25
_PHASE = 7.3
"""Seconds by which each time begins later between two polls than the time before."""
_PATIENCE = 900.0
"""Seconds; Flink gives a silent TaskManager up after ten minutes."""


@dataclass(slots=True)
class Freezes:
    """For how many seconds each job's delay was shown each time, and the largest one shown."""

    shown: dict[str, list[float]] = field(default_factory=dict)
    largest: float = 0.0

    def lines(self) -> list[str]:
        """Return them as lines of a report."""
        told = [
            f"{name}: shown for {', '.join(f'{each:.1f}' for each in times)} s"
            for name, times in self.shown.items()
        ]
        return [*told, f"largest delay shown, of a true {_TRUE:.0f} s: {self.largest:.1f}"]


def measure(times: int, detail: str, say: Callable[[str], object], *, alone: bool) -> Freezes:
    """Stop a TaskManager so many times, and return what was seen."""
    jobs = _JOBS[:1] if alone else _JOBS
    found = Freezes(shown={job.name: [] for job in jobs})
    with tempfile.TemporaryDirectory() as name:
        workdir = Path(name)
        settings = {**PATIENT, **_HEARTBEATS}
        distribution = FlinkDistribution.locate()
        with FlinkCluster(distribution, workdir, slots=4, settings=settings) as cluster:
            cluster.submit(jobs)
            idle = cluster.add_taskmanager()
            with WatchingExporter(cluster.url, workdir, detail=detail) as exporter:
                time.sleep(_SETTLE)
                for number in range(times):
                    _until_all_are_told(exporter, len(jobs))
                    time.sleep(number * _PHASE % 20)
                    with _stopped(idle):
                        _watch(exporter, found)
                    say("; ".join(found.lines()))
    return found


def _watch(exporter: WatchingExporter, found: Freezes) -> None:
    began = time.monotonic()
    last = dict.fromkeys(found.shown, 0.0)
    while (after := time.monotonic() - began) < _FROZEN:
        for name, delay in exporter.figures(_DELAY)[_DELAY].items():
            last[name] = after
            found.largest = max(found.largest, delay)
        time.sleep(_APART)
    for name, seconds in last.items():
        found.shown[name].append(seconds)


def _until_all_are_told(exporter: WatchingExporter, jobs: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while len(exporter.figures(_DELAY)[_DELAY]) < jobs:
        assert time.monotonic() < deadline, "no delay has come back"
        time.sleep(_APART)
    # One more look of each: growth is judged by two.
    time.sleep(45)


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
