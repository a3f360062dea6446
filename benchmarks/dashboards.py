"""How long a refresh of each dashboard takes with a large fleet, over six hours, a day and a week.

All queries of all panels, annotations and variables, one after the other, with everything chosen as
it is when a dashboard is opened. Prometheus does nothing else meanwhile: its processor time is that
of the queries, whatever else the machine does. Each figure is the least of several refreshes.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.support import past
from benchmarks.support.prometheus import Prometheus, is_there, prometheus
from benchmarks.support.report import Report
from benchmarks.support.watched_fleet import exposition
from tests.grafana.boards import UIDS, Json, drawn, fill_in, load, queries
from tests.grafana.choices import opened

_JOBS = 10_000
_TROUBLED = 100
_POINTS = 500
_HOUR = 3600.0
_SPANS = {"6 h": 6 * _HOUR, "24 h": 24 * _HOUR, "7 d": 168 * _HOUR}
_BETWEEN = {"6 h": 600.0, "7 d": 3600.0}
"""Seconds between two samples of the last hours, and of the week."""
_ROUNDS = 2
_MOST_DRAWN = 50
_FLAGS = (
    "--web.enable-remote-write-receiver",
    # A week in one piece: what Prometheus would tidy away meanwhile is not what is measured.
    "--storage.tsdb.min-block-duration=30d",
    "--storage.tsdb.max-block-duration=30d",
    "--storage.tsdb.retention.time=60d",
    # As far back as one sample of the past is from the next.
    "--query.lookback-delta=65m",
)


@dataclass(slots=True)
class _Refresh:
    """What all queries of one dashboard took."""

    seconds: float = 0.0
    processor: float = 0.0
    slowest: tuple[float, str] = (0.0, "")
    most_drawn: int = 0
    failed: list[str] = field(default_factory=list)


def run(report: Report) -> None:
    """Measure all dashboards at all zooms."""
    if not is_there():
        print("   there is no Prometheus")
        return
    now = time.time()
    with prometheus(target=None, interval="1m", flags=_FLAGS) as server:
        series = past.write(server, _page(now), _times(now))
        rows: list[tuple[object, ...]] = []
        for uid in UIDS:
            board = load(uid)
            for name, span in _SPANS.items():
                found = [_refresh(server, board, now, span) for _ in range(_ROUNDS)]
                best = min(found, key=lambda each: each.processor)
                slowest, place = best.slowest
                rows.append(
                    (
                        *(uid, name, min(each.seconds for each in found), best.processor),
                        *(slowest, place.partition(": ")[2], best.most_drawn),
                    )
                )
                _judge(report, f"{uid}, {name}", best)
    report.table(
        f"A refresh, {_JOBS:,} jobs in 20 sources, {series:,} series, {_POINTS} points",
        (
            *("dashboard", "time shown", "all queries s", "processor s"),
            *("slowest query s", "of", "most series in a panel"),
        ),
        rows,
    )


def _judge(report: Report, what: str, found: _Refresh) -> None:
    report.at_most(f"{what}: processor time of all queries of a refresh, s", found.processor, 1.5)
    report.at_most(f"{what}: queries that fail", len(found.failed), 0)
    report.at_most(f"{what}: series that a panel draws", found.most_drawn, _MOST_DRAWN)
    for complaint in found.failed:
        print(f"   {complaint}")


def _page(now: float) -> str:
    page = exposition(_JOBS, _TROUBLED, all_states=True, now=now)
    text = page.scrape(accept_encoding="identity")[0].decode()
    return text + "".join(_recorded(text))


def _recorded(page: str) -> Iterator[str]:
    """Yield what Prometheus itself would have recorded of it: restarts, and alerts that fire."""
    restarts, problem = "streaming_job_restart_times", "streaming_job_problem_since_timestamp_"
    seldom = 0
    for line in page.splitlines():
        name, _, rest = line.partition("{")
        if name == restarts:
            seldom += 1
            if seldom % 100 == 0:
                yield f"instance_job:{restarts}:delta5m{{{rest.rpartition(' ')[0]} 1\n"
        elif name == f"{problem}seconds":
            labels = rest.rpartition("}")[0]
            yield (
                f'ALERTS{{alertname="StreamingJobFailed",alertstate="firing",severity="critical",'
                f"{labels}}} 1\n"
            )


def _times(now: float) -> list[float]:
    found = {
        now - back * between
        for name, between in _BETWEEN.items()
        for back in range(int(_SPANS[name] / between) + 1)
    }
    return sorted(found)


def _refresh(server: Prometheus, board: Json, now: float, span: float) -> _Refresh:
    found, before = _Refresh(), server.processor
    shown = {"start": now - span, "end": now, "step": span / _POINTS}
    macros = {
        "__range": f"{span:.0f}s",
        "__range_s": f"{span:.0f}",
        "__interval": f"{max(span / _POINTS, 300):.0f}s",
        "__rate_interval": f"{max(span / _POINTS + 30, 120):.0f}s",
    }

    def ask(place: str, path: str, fields: Mapping[str, object]) -> Any:
        started = time.perf_counter()
        try:
            return server.ask(path, fields)
        except RuntimeError as exc:
            found.failed.append(f"{place}: {exc}")
            return {"result": []}
        finally:
            took = time.perf_counter() - started
            found.seconds += took
            found.slowest = max(found.slowest, (took, place))

    def choose(path: str, fields: Mapping[str, str]) -> Any:
        time_shown = {"time": now} if path == "query" else shown
        return ask(f"{board['uid']}: variable", path, {**fields, **time_shown})

    values = {**macros, **opened(board, macros, choose)}
    series: Counter[str] = Counter()
    for query in queries(board, switched_on=True):
        fields = {"query": fill_in(query.expr, values)}
        if query.instant:
            answer = ask(query.place, "query", {**fields, "time": now})
        else:
            answer = ask(query.place, "query_range", {**fields, **shown})
        series[query.place.rpartition(": ")[0]] += len(answer["result"])
    found.processor = server.processor - before
    found.most_drawn = max(series[f"{board['uid']}: {each}"] for each in drawn(board))
    return found
