"""What a poll costs in which nothing has happened: CPU, in times of decoding the listing alone.

Ten thousand jobs of one Flink cluster, 4 MB in one answer. Between two polls the clock has gone on,
and so have the durations that the cluster tells; everything else is as it was. Details are not
asked for: they are another figure. What is rendered is the whole page, as for a scrape.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import median

import httpx

from benchmarks.support.report import Report
from exporter.app.opening import SourceOpener
from exporter.auth.guard import GuardBook
from exporter.collecting.sharding import Shard
from exporter.collecting.store import Store
from exporter.configuration.config import parse
from exporter.exposition import Exposition
from exporter.process.garbage_collection import GarbageCollection
from exporter.process.logs import build_log
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry

JOBS = 10_000
_POLLS = 10
_INTERVAL = 30.0
_CONFIGURATION = (
    "sources: [{name: f, platform: apache_flink, endpoint: 'http://flink:8081', "
    "poll_interval: 30s, detail_interval: 24h, rate_limit: 0.1, stale_after: 25h}]"
)
"""At such a rate a poll asks about three single jobs."""
_TASKS = (
    *("running", "canceling", "canceled", "total", "created", "scheduled"),
    *("deploying", "reconciling", "finished", "initializing", "failed"),
)


def listing(jobs: int, seconds: float) -> bytes:
    """Return the listing of a cluster whose jobs have run for so long and an hour."""
    counts = {name: 8 if name in ("running", "total") else 0 for name in _TASKS}
    begun = 1_753_000_000_000
    rows = [
        {
            "jid": f"{number:032x}",
            "name": f"prod_orders_enriched_by_customer_{number:06}",
            "start-time": begun + number,
            "end-time": -1,
            "duration": int((3600 + seconds) * 1000) - number,
            "state": "RUNNING",
            "last-modification": begun + 20_000 + number,
            "tasks": counts,
        }
        for number in range(jobs)
    ]
    return json.dumps({"jobs": rows}).encode()


class _Cluster(httpx.AsyncBaseTransport):
    """Answers from memory: what connections cost is measured elsewhere."""

    def __init__(self) -> None:
        self.body = listing(JOBS, 0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/jobs/overview":
            return httpx.Response(200, stream=_Pieces(self.body))
        return httpx.Response(200, json={"flink-version": "2.3.0"})


class _Time:
    """A clock that goes on by pauses alone."""

    def __init__(self) -> None:
        self.now = 1_753_003_600.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class _Pieces(httpx.AsyncByteStream):
    """A body that comes as it does from a socket."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 64 * 1024):
            yield self._body[start : start + 64 * 1024]


def run(report: Report) -> None:
    """Measure unchanged polls."""
    quiet, bare = asyncio.run(_measure())
    report.table(
        f"A poll of {JOBS:,} Flink jobs in one listing in which nothing has happened",
        ("what", "CPU ms"),
        [("json.loads of the listing", bare * 1000), ("the poll, and its page", quiet * 1000)],
    )
    report.at_most("unchanged poll, times json.loads", quiet / bare, 6.0)


async def _measure() -> tuple[float, float]:
    cluster, store = _Cluster(), Store()
    clock = _Time()
    runtime = Runtime(
        environ={},
        clock=clock,
        monotonic=clock,
        sleep=clock.sleep,
        transport=lambda: cluster,
    )
    telemetry = Telemetry()
    exposition = Exposition(store, telemetry.registry, clock=runtime.clock)
    opener = SourceOpener(
        store=store,
        telemetry=telemetry,
        guards=GuardBook(clock=runtime.monotonic),
        runtime=runtime,
        log=build_log("error", "logfmt"),
        shard=Shard(),
    )
    (config,) = parse(_CONFIGURATION, environ={}, directory=Path()).sources
    collector = (await opener.open(config)).collector
    collector.announce()
    start = clock.now
    polls: list[float] = []
    decodings: list[float] = []
    with GarbageCollection(monotonic=time.monotonic).in_charge():
        for number in range(_POLLS):
            clock.now = start + number * _INTERVAL * 2
            cluster.body = listing(JOBS, number * _INTERVAL * 2)
            with _cpu(polls):
                assert await collector.poll() is None
                await exposition.refresh_in_turns()
            with _cpu(decodings):
                json.loads(cluster.body)
    assert len(store.snapshots["f"].jobs) == JOBS
    return median(polls[2:]), median(decodings[2:])


@contextlib.contextmanager
def _cpu(seconds: list[float]) -> Iterator[None]:
    started = time.process_time()
    yield
    seconds.append(time.process_time() - started)
