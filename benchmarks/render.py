"""How long making the page takes, against what the client library does at every scrape.

Processor time of the one thread that renders, the least of several times.
"""

import gzip
import time
from collections.abc import Callable
from random import Random

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from benchmarks.support import fleet
from benchmarks.support.client_library import Ready
from benchmarks.support.report import Report
from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.exposition.deflated_text import NOTHING, DeflatedText, Deflater
from exporter.model import Snapshot

_ROUNDS = {1_000: 15, 10_000: 7, 100_000: 2}
_LIBRARY_ROUNDS = {1_000: 5, 10_000: 2, 100_000: 1}


class _LinesOnly(Deflater):
    """Compress nothing and check nothing: what the client library does is lines alone."""

    def piece(self, text: bytes) -> DeflatedText:
        """Forget the text."""
        return NOTHING


class _Rendering:
    """One page, rendered again and again."""

    def __init__(self, deflater: Callable[[], Deflater]) -> None:
        self._deflater = deflater
        self._store = Store()
        self._exposition = self._anew()

    def from_scratch(self, snapshot: Snapshot) -> float:
        """Return the milliseconds for a source that was never rendered."""
        self._store = Store()
        self._exposition = self._anew()
        return self.next(snapshot)

    def next(self, snapshot: Snapshot) -> float:
        """Return the milliseconds for what is published next."""
        self._store.put(snapshot)
        return _milliseconds(self._exposition.refresh)

    def _anew(self) -> Exposition:
        return Exposition(
            self._store,
            CollectorRegistry(),
            clock=lambda: fleet.NOW,
            deflater=self._deflater(),
        )


def run(report: Report) -> None:
    """Measure at several sizes."""
    rows: list[tuple[object, ...]] = []
    for jobs, rounds in _ROUNDS.items():
        first = fleet.snapshot(jobs)
        theirs = _library(first, _LIBRARY_ROUNDS[jobs])
        text, both = _ours(first, rounds, _LinesOnly), _ours(first, rounds, Deflater)
        rows.append(
            (jobs, "prometheus_client", "from scratch", theirs["text"], theirs["gzip"], 1, 1)
        )
        if "openmetrics" in theirs:
            rows.append(
                (jobs, "prometheus_client", "OpenMetrics", theirs["openmetrics"], *[None] * 3)
            )
        rows += [
            (
                *(jobs, "this exporter", what, text[what], both[what]),
                *(theirs["text"] / text[what], theirs["gzip"] / both[what]),
            )
            for what in text
        ]
        times = {what: theirs["text"] / text[what] for what in text}
        if jobs == 10_000:
            report.at_least("from scratch, times faster", times["from scratch"], 15)
            report.at_least("1 % changed, times faster", times["1 % changed"], 60)
    header = ("jobs", "who", "what", "lines ms", "with gzip ms", "times faster", "with gzip")
    report.table("Rendering", header, rows)


def _library(snapshot: Snapshot, rounds: int) -> dict[str, float]:
    registry = Ready(snapshot)
    found = {"text": _least(rounds, lambda: generate_latest(registry))}
    page = generate_latest(registry)
    # Level 9 at every scrape, which is what its own application does.
    found["gzip"] = found["text"] + _milliseconds(lambda: gzip.compress(page))
    if rounds > 1:
        found["openmetrics"] = _least(
            rounds,
            lambda: generate_openmetrics(registry),  # type: ignore[no-untyped-call]
        )
    return found


def _ours(first: Snapshot, rounds: int, deflater: Callable[[], Deflater]) -> dict[str, float]:
    rendering = _Rendering(deflater)
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        chance = Random(number)

        def note(what: str, milliseconds: float) -> None:
            found.setdefault(what, []).append(milliseconds)

        note("from scratch", rendering.from_scratch(first))
        note("nothing changed", rendering.next(first))
        one = fleet.changed(first, 0.01, chance)
        note("1 % changed", rendering.next(one))
        note("all seen again", rendering.next(fleet.seen_again(one, 30.0)))
        note("all changed", rendering.next(fleet.changed(one, 1.0, chance)))
    return {what: min(times) for what, times in found.items()}


def _least(rounds: int, work: Callable[[], object]) -> float:
    return min(_milliseconds(work) for _ in range(rounds))


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000
