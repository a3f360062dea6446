"""What the shipped rules cost a real Prometheus that watches a large fleet.

Two figures of an evaluation of all groups: how long it took as Prometheus saw it, while it scraped
and others worked; and its processor time, of a minute in which it did nothing else.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.support.prometheus import Prometheus, is_there, prometheus
from benchmarks.support.report import Report

_SCRAPE, _EVALUATION = 30, 10
"""Seconds; evaluated is three times as often as usual: what would be missed is missed soon."""
_EVALUATIONS = 6
_ALONE = 50
"""Seconds without a scrape in which the processor time is taken, within two intervals of one."""
_GROUP_TIME = "prometheus_rule_group_last_duration_seconds"
_MISSED = "prometheus_rule_group_iterations_missed_total"
_FAILED = "prometheus_rule_evaluation_failures_total"
_COUNT = "prometheus_rule_group_iterations_total"
_ALERTS = 'count(ALERTS{alertname!="StreamingWatchdog"})'


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fleet, and what is promised of it."""

    jobs: int
    troubled: int = 0
    states: str = "all"
    bound: float | None = None
    """Seconds of processor time for all rules."""

    @property
    def name(self) -> str:
        """Say which fleet it is."""
        state = f"{self.troubled:,} in trouble" if self.troubled else "healthy"
        return f"{self.jobs:,} jobs, {state}"


CASES = (
    Case(jobs=10_000, bound=0.3),
    Case(jobs=10_000, troubled=1_000, bound=0.6),
    Case(jobs=10_000, states="current"),
    Case(jobs=100_000, bound=1.0),
    Case(jobs=100_000, states="current"),
)


def run(report: Report) -> None:
    """Measure all fleets."""
    if not is_there():
        print("   there is no Prometheus")
        return
    rows: list[tuple[object, ...]] = []
    needs: list[tuple[object, ...]] = []
    for case in CASES:
        times = {"interval": f"{_SCRAPE}s", "evaluation": f"{_EVALUATION}s"}
        with _fleet(case) as port, prometheus(target=port, **times) as server:
            seen = _watch(server, case)
            missed, failed = server.own(_MISSED), server.own(_FAILED)
            series, firing = server.own("prometheus_tsdb_head_series"), server.value(_ALERTS)
            needs.append((case.name, case.states, int(series), server.in_use, server.memory))
            seldom = server.own(_GROUP_TIME, label="recording.yml")
            processor = _processor(server)
        rows.append(
            (
                *(case.name, case.states, int(firing), processor),
                *(min(seen), _middle(seen), max(seen), seldom, int(missed), int(failed)),
            )
        )
        if case.bound is not None:
            report.at_most(f"{case.name}: processor s an evaluation", processor, case.bound)
            report.at_most(f"{case.name}: evaluations missed or failed", missed + failed, 0)
    report.table(
        "An evaluation of all rules, in a real Prometheus",
        (
            *("fleet", "state_series", "alerts", "processor s", "least s", "median s", "most s"),
            *("of the dashboards', each 5 m, s", "missed", "failed"),
        ),
        rows,
    )
    report.table(
        "What Prometheus needs of memory for it, after some scrapes",
        ("fleet", "state_series", "series", "MB in use", "MB of its process"),
        needs,
    )


def _watch(server: Prometheus, case: Case) -> list[float]:
    """Return how long each of some evaluations took once the fleet is there."""
    while server.value("count(streaming_job_info)") < case.jobs:
        time.sleep(1)
    # The first sees all for the first time.
    time.sleep(2 * _EVALUATION)
    times = []
    for _ in range(_EVALUATIONS):
        time.sleep(_EVALUATION)
        times.append(server.own(_GROUP_TIME, label="alerts.yml"))
    return times


def _processor(server: Prometheus) -> float:
    """Return the processor time of an evaluation of all groups, while nothing else happens."""
    server.scrape_no_more()
    time.sleep(5)
    before, count = server.processor, _evaluations(server)
    time.sleep(_ALONE)
    return (server.processor - before) / (_evaluations(server) - count)


def _evaluations(server: Prometheus) -> float:
    """Return how often the group of the alerts about jobs was evaluated, and so were the others."""
    return server.own(_COUNT, label="alerts.yml;streaming-jobs")


@contextlib.contextmanager
def _fleet(case: Case) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.support.watched_fleet"]
    command += [str(case.jobs), str(case.troubled), case.states]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["port"]
        process.stdin.close()


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
