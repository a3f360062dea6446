"""Hold the figures that the exporter tells of a real Flink against what is so.

`python -m tests.flink_cluster figures --minutes 10 --detail 40s`: a cluster with Flink's own
intervals that nobody else asks, polls of 20 s. Two jobs whose events are 120 s old, and one that
falls behind by half a second in each; three that count for themselves what they read and write, and
restart once on the way. Then another TaskManager hangs, and with it Flink's metrics; then nobody
reaches the JobManager; in the end the job that fell behind has caught up.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.flink_cluster.cluster import PATIENT, FlinkCluster
from tests.flink_cluster.distribution import FlinkDistribution
from tests.flink_cluster.jobs import JobSpec, Shape
from tests.flink_cluster.outages import Passage
from tests.flink_cluster.watched import Tallies, WatchingExporter

LATE = ("late_sql", "late_stream")
SHAPES: tuple[Shape, ...] = ("chained", "unchained", "reduced")
LOOPING = "looping"
_DELAY, _READ, _WRITTEN = "input_delay_seconds", "read_records", "written_records"
_RESTARTS = "restart_times"
FALLING = "falling"
_FELL_BEHIND = ("falling_behind", FALLING)
_SETTINGS = {"attention": "{input_delay: {falling_behind: 1m}}"}
_FALLS = "70 0.5"
_SETTLE = 100.0
_FREEZE = 180.0
_OUTAGE = 60.0
_CATCH_UP = 120.0


@dataclass(slots=True)
class Findings:
    """What was seen."""

    delays: dict[str, list[float | None]] = field(default_factory=dict)
    ages: dict[str, list[float]] = field(default_factory=dict)
    zeros: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    scrapes: int = 0
    calls_a_minute: float = 0.0
    frozen: dict[str, list[tuple[float, float | None]]] = field(default_factory=dict)
    """Delays while a TaskManager hangs, with how long it has."""
    restarts: tuple[float | None, float | None] = (None, None)
    fell_behind_after: float | None = None
    falling_behind: set[str] = field(default_factory=set)
    """All jobs of which that was told."""
    fell_behind_unseen: list[bool] = field(default_factory=list)
    """Whether it was told at each look while nothing could be seen."""
    caught_up_after: float | None = None

    def lines(self) -> list[str]:
        """Return them as lines of a report."""
        told = [f"{self.scrapes} scrapes, {self.calls_a_minute:.1f} calls a minute"]
        for name, delays in self.delays.items():
            known = [delay for delay in delays if delay is not None]
            told.append(
                f"{name}: delay {min(known):.3f} to {max(known):.3f} s, "
                f"unknown {len(delays) - len(known)} times"
            )
        for name, ages in self.ages.items():
            told.append(
                f"{name}: as counted {max(ages):.1f} s ago at most, "
                f"unknown {self.unknown.get(name, 0)} times"
            )
        told.append(f"zeros where something was counted: {self.zeros}")
        for name, looks in self.frozen.items():
            silent = [after for after, delay in looks if delay is None]
            shown = [delay for _, delay in looks if delay is not None]
            told.append(
                f"{name}: frozen for {looks[-1][0]:.0f} s, no delay at {len(silent)} of "
                f"{len(looks)} looks, from {min(silent, default=None)} to "
                f"{max(silent, default=None)} s; shown up to {max(shown, default=None)}"
            )
        told.append(f"restarts while frozen: {self.restarts[0]} to {self.restarts[1]}")
        told.append(
            f"falling behind: {sorted(self.falling_behind)} after {self.fell_behind_after} s, in "
            f"{sum(self.fell_behind_unseen)} of {len(self.fell_behind_unseen)} looks unseen, "
            f"until {self.caught_up_after} s after it had caught up"
        )
        return told


def hold(minutes: float, detail: str, say: Callable[[str], object]) -> Findings:
    """Run the story with details at this interval, and return what was seen."""
    with tempfile.TemporaryDirectory() as name:
        workdir = Path(name)
        distribution = FlinkDistribution.locate()
        with FlinkCluster(distribution, workdir, slots=16, settings=PATIENT) as cluster:
            tallies = _submit(cluster, workdir)
            say("jobs are submitted")
            with (
                Passage(cluster.rest_port) as passage,
                WatchingExporter(
                    passage.url, workdir, detail=detail, settings=_SETTINGS
                ) as exporter,
            ):
                found = _watch(cluster, exporter, tallies, minutes * 60, say)
                _catch_up(passage, exporter, workdir, found, say)
                return found


def _submit(cluster: FlinkCluster, workdir: Path) -> dict[str, Tallies]:
    tallies: dict[str, Tallies] = {shape: Tallies(workdir / shape) for shape in SHAPES}
    jobs = [
        JobSpec(name="late_sql", kind="late_sql"),
        JobSpec(name="late_stream", kind="late_stream", parallelism=2),
        JobSpec(name=LOOPING, kind="crash_looping"),
    ]
    (workdir / FALLING).mkdir()
    (workdir / FALLING / "age").write_text(f"{_FALLS} {time.time() * 1000:.0f}")
    jobs.append(JobSpec(name=FALLING, kind="steered", folder=str(workdir / FALLING)))
    for shape in SHAPES:
        tallies[shape].folder.mkdir()
        parallelism = 2 if shape == "reduced" else 1
        folder = str(tallies[shape].folder)
        jobs.append(
            JobSpec(
                name=shape,
                kind="counting",
                shape=shape,
                folder=folder,
                parallelism=parallelism,
            )
        )
    cluster.submit(jobs)
    return tallies


def _watch(
    cluster: FlinkCluster,
    exporter: WatchingExporter,
    tallies: dict[str, Tallies],
    seconds: float,
    say: Callable[[str], object],
) -> Findings:
    found = Findings(delays={name: [] for name in LATE}, ages={name: [] for name in SHAPES})
    since = time.monotonic()
    frozen = cluster.add_taskmanager()
    _for(_SETTLE, tallies, lambda: None)
    say("settled")

    def scrape() -> None:
        _scrape(exporter, tallies, found)
        _note_falling(exporter, found, since)

    calls, began = exporter.calls(), time.monotonic()
    _for(seconds / 2, tallies, scrape)
    found.calls_a_minute = (exporter.calls() - calls) / (time.monotonic() - began) * 60
    for each in tallies.values():
        each.crash()
    say("crashed")
    _for(seconds / 2, tallies, scrape)
    os.kill(frozen, signal.SIGSTOP)
    say("frozen")
    try:
        _while_frozen(exporter, tallies, found)
    finally:
        os.kill(frozen, signal.SIGCONT)
    return found


def _for(seconds: float, tallies: dict[str, Tallies], act: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        for each in tallies.values():
            each.note()
        if number % 20 == 0:
            act()
        number += 1
        time.sleep(0.25)


def _scrape(exporter: WatchingExporter, tallies: dict[str, Tallies], found: Findings) -> None:
    figures = exporter.figures(_DELAY, _READ, _WRITTEN)
    found.scrapes += 1
    for name in LATE:
        found.delays[name].append(figures[_DELAY].get(name))
    for shape, tally in tallies.items():
        tally.note()
        read, written = figures[_READ].get(shape), figures[_WRITTEN].get(shape)
        found.unknown[shape] = found.unknown.get(shape, 0) + (read is None) + (written is None)
        found.zeros += (read == 0) + (written == 0)
        found.ages[shape] += [age for age in tally.ages(read, written) if age is not None]


def _while_frozen(exporter: WatchingExporter, tallies: dict[str, Tallies], found: Findings) -> None:
    began = time.monotonic()
    first = exporter.figures(_RESTARTS)[_RESTARTS].get(LOOPING)

    def look() -> None:
        figures = exporter.figures(_DELAY, _RESTARTS)
        for name in LATE:
            after = round(time.monotonic() - began, 1)
            found.frozen.setdefault(name, []).append((after, figures[_DELAY].get(name)))
        found.fell_behind_unseen.append(_FELL_BEHIND in exporter.problems())
        found.restarts = (first, figures[_RESTARTS].get(LOOPING))

    _for(_FREEZE, tallies, look)


def _note_falling(exporter: WatchingExporter, found: Findings, since: float) -> None:
    names = {job for problem, job in exporter.problems() if problem == _FELL_BEHIND[0]}
    found.falling_behind |= names
    if FALLING in names and found.fell_behind_after is None:
        found.fell_behind_after = round(time.monotonic() - since, 1)


def _catch_up(
    passage: Passage,
    exporter: WatchingExporter,
    workdir: Path,
    found: Findings,
    say: Callable[[str], object],
) -> None:
    def look() -> None:
        found.fell_behind_unseen.append(_FELL_BEHIND in exporter.problems())

    passage.close()
    say("nobody reaches the cluster")
    (workdir / FALLING / "age").write_text("10 0 0")
    _for(_OUTAGE, {}, look)
    passage.open()
    began = time.monotonic()
    while time.monotonic() - began < _CATCH_UP:
        if _FELL_BEHIND not in exporter.problems():
            found.caught_up_after = round(time.monotonic() - began, 1)
            return
        time.sleep(1)
