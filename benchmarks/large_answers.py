"""What very large answers cost: memory of all at once, and how long they hold up the rest."""

import json
import subprocess
import sys
from typing import Any

from benchmarks.support.report import Report

_CASES = (
    ("jobs", 10_000, 1),
    ("jobs", 100_000, 1),
    ("ids alone", 1_200_000, 1),
    ("jobs of long texts", 1_000, 8),
    ("ids alone", 1_300_000, 8),
    ("empty lists", 20_000_000, 8),
)


def run(report: Report) -> None:
    """Measure each in a process of its own, until the page tells of all of them."""
    rows = []
    for shape, count, clusters in _CASES:
        found = _measure(shape, count, clusters)
        longest = found["longest"] * 1000
        failed = found["failure"].rpartition("HTTP 200, ")[2].partition(":")[0]
        rows.append(
            (clusters, f"{count:,} {shape}", found["seconds"], longest, found["memory"], failed)
        )
        name = f"{clusters} x {count:,} {shape}"
        report.at_most(f"{name}: longest stretch on the loop, ms", longest, 50.0)
        report.at_most(f"{name}: MB at most", found["memory"], 512.0)
    report.table(
        "Listings in one answer each",
        ("answers at once", "rows of each", "s", "ms at most on the loop", "MB at most", "failure"),
        rows,
    )


def _measure(shape: str, count: int, clusters: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.support.large_listing"]
    done = subprocess.run(
        [*command, shape, str(count), str(clusters)], stdout=subprocess.PIPE, check=False
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    return found
