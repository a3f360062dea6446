"""How long a scrape takes, the same series in every server and the client a process of its own."""

import json

from benchmarks.support.load import Target, Times, ask
from benchmarks.support.report import Report
from benchmarks.support.servers import has_pushgateway, pushgateway, serving

SIZES = {100: 300, 1_000: 300, 10_000: 150, 100_000: 25}
"""Numbers of jobs, and how often the fast servers are asked."""
_MANY = 10_000
"""From so many jobs on there are promises to keep."""
_LIBRARY = {100: 30, 1_000: 10, 10_000: 3, 100_000: 0}
_PUSHGATEWAY = {100: 100, 1_000: 30, 10_000: 8, 100_000: 3}


def run(report: Report) -> None:
    """Measure at all sizes."""
    rows, bodies = [], []
    for jobs, count in SIZES.items():
        with serving("exporter", jobs) as server:
            # Each form by itself: the plain page is so large that what is asked after it finds
            # nothing in the processor's caches.
            (zipped, static_zipped), (plain, static_plain) = (
                ask(
                    [
                        Target(port=server.port, path=path, gzip=form == "gzip")
                        for path in ("/metrics", f"/static?form={form}")
                    ],
                    count,
                )
                for form in ("gzip", "identity")
            )
            series = server.get("/series")
        rows += [
            _row(jobs, "this exporter", zipped, plain),
            _row(jobs, "static response, same server", static_zipped, static_plain),
        ]
        ratio = zipped.percentile(0.5) / static_zipped.percentile(0.5)
        if jobs >= _MANY:
            report.at_most(f"{jobs:,} jobs: gzip p50 against a static response", ratio, 2.0)
        with serving("library", jobs) as server:
            both = [Target(port=server.port, path="/", gzip=form) for form in (True, False)]
            rows.append(_row(jobs, "prometheus_client", *ask(both, _LIBRARY[jobs])))
        if has_pushgateway():
            with pushgateway(series) as server:
                both = [
                    Target(port=server.port, path="/metrics", gzip=form) for form in (True, False)
                ]
                pushed = ask(both, _PUSHGATEWAY[jobs])
                rows.append(_row(jobs, "Pushgateway (Go)", *pushed))
            faster = pushed[0].percentile(0.5) / zipped.percentile(0.5)
            if jobs >= _MANY:
                what = f"{jobs:,} jobs: gzip p50, times faster than Pushgateway"
                report.at_least(what, faster, 500)
        bodies.append((jobs, len(series) / 1e6, series.count(b"\n"), zipped.size / 1e6))
    header = ("jobs", "server", "gzip p50 ms", "gzip p99 ms", "plain p50 ms", "plain p99 ms")
    report.table("Scrapes", header, rows)
    report.table("Pages", ("jobs", "text MB", "lines", "gzip MB"), bodies)
    _measure_publishing(report)


def _measure_publishing(report: Report) -> None:
    rows = []
    for jobs, count in {10_000: 800, 100_000: 60}.items():
        with serving("exporter", jobs) as server:
            target = Target(port=server.port, path="/metrics", gzip=True)
            (quiet,) = ask([target], count // 4)
            server.get("/start")
            (busy,) = ask([target], count)
            watched = json.loads(server.get("/stop"))
        stall = max(watched["stretches"])
        rows.append(
            (
                jobs,
                quiet.percentile(0.5),
                busy.percentile(0.5),
                busy.percentile(0.99),
                _median(watched["renderings"]),
                stall,
                _median(watched["puts"]),
            )
        )
        report.at_most(f"{jobs:,} jobs: longest stretch of rendering, ms", stall, 20.0)
        if jobs == 10_000:
            busy_p99 = busy.percentile(0.99)
            report.at_most("10,000 jobs: gzip p99 while polls are published, ms", busy_p99, 20.0)
    report.table(
        "Scrapes while polls are published without a pause (all jobs seen again, 1 % changed)",
        (
            *("jobs", "quiet p50 ms", "p50 ms", "p99 ms", "rendering takes ms"),
            *("loop busy at a stretch, at most ms", "publishing (history) ms"),
        ),
        rows,
    )


def _row(jobs: int, server: str, zipped: Times, plain: Times) -> tuple[object, ...]:
    return (
        jobs,
        server,
        zipped.percentile(0.5),
        zipped.percentile(0.99),
        plain.percentile(0.5),
        plain.percentile(0.99),
    )


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
