"""How long a poll takes and how many calls it costs, over real HTTP on this machine."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.bare import seconds_per_call
from benchmarks.support.caller import measure
from benchmarks.support.cloud import cloud
from benchmarks.support.report import Report
from exporter.app import App
from exporter.configuration.config import Config, parse
from exporter.process.garbage_collection import GarbageCollection
from exporter.process.logs import build_log
from exporter.runtime import Runtime
from exporter.simulator.clouds import PROJECT_ID

LATENCY = 0.020
JOBS = 10_000
_AT_ONCE, _RATE = 8, 400
_SAMPLE = 1600
_MANY_AT_ONCE = 50
_LOGIN = "KeystoneCreateUserTokenByPassword"


def run(report: Report) -> None:
    """Measure one poll of very many jobs, and the polls of a few hundred."""
    _measure_cycles(report)
    with cloud(500) as address:
        listings, ours = asyncio.run(_calls_of_polls(address))
    naive = 5 + 500 * 2
    report.table(
        "Calls a minute for 500 running DLI jobs, poll_interval 60s, detail_interval 5m",
        ("how", "calls a minute"),
        [("list all, ask everything about each", naive), ("this exporter", ours)],
    )
    report.at_most("500 DLI jobs, a poll a minute: calls a minute", ours, 210)
    report.at_least("the same: listings a minute", listings, 1.0)


def _measure_cycles(report: Report) -> None:
    with cloud(JOBS, LATENCY) as address:
        # What else the machine does makes every answer late: a bare client tells by how much.
        before = asyncio.run(seconds_per_call(address, _AT_ONCE, _SAMPLE))
        by_latency, alone = _beside_its_calls(address, _AT_ONCE)
        after = asyncio.run(seconds_per_call(address, _AT_ONCE, _SAMPLE))
        by_rate = asyncio.run(_cycle(address, f"rate_limit: {_RATE}, concurrency: 32"))
        many, many_alone = _beside_its_calls(address, _MANY_AT_ONCE)
    bare = (before + after) / 2
    rows = []
    for what, cycle, ideal in (
        ("8 at a time, 20 ms each", by_latency, by_latency.calls * LATENCY / _AT_ONCE),
        ("the same, beside a bare client", by_latency, by_latency.calls * bare / _AT_ONCE),
        ("400 a second", by_rate, by_rate.calls / _RATE),
    ):
        ratio = cycle.seconds / ideal
        rows.append(
            (what, cycle.calls, cycle.seconds, ideal, ratio, cycle.cost, cycle.stall * 1000)
        )
        report.at_most(f"poll of {JOBS:,} DLI jobs, {what}: times the ideal", ratio, 1.15)
    header = ("limit", "calls", "seconds", "ideal", "ratio", "CPU us a call", "longest stall ms")
    report.table(f"One poll of {JOBS:,} DLI jobs, details of all", header, rows)
    pairs = ((_AT_ONCE, by_latency.cost, alone), (_MANY_AT_ONCE, many.cost, many_alone))
    report.table(
        "CPU of a call: signed, sent, answered and decoded; and with all that a poll makes of it",
        (
            "calls at a time",
            "us, the call alone",
            "us, in a whole poll with details of all",
            "ratio",
        ),
        [(at_once, call, cost, cost / call) for at_once, cost, call in pairs],
    )
    for at_once, cost, call in pairs:
        what = f"CPU of a whole poll, {at_once} calls at a time: times its calls alone"
        report.at_most(what, cost / call, 1.8)


def _beside_its_calls(address: str, at_once: int) -> tuple["Cycle", float]:
    """Return a poll, and the CPU of a call alone in microseconds, with as many at a time."""
    before = measure("this exporter", address, _SAMPLE, at_once)
    cycle = asyncio.run(_cycle(address, f"rate_limit: 10000, concurrency: {at_once}"))
    return cycle, (before + measure("this exporter", address, _SAMPLE, at_once)) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One poll: how long, how many calls, how much CPU, how long the loop had no turn."""

    seconds: float
    calls: int
    cpu: float
    stall: float

    @property
    def cost(self) -> float:
        """Return the microseconds of CPU of a call, with all that is made of it."""
        return self.cpu / self.calls * 1e6


async def _cycle(address: str, settings: str) -> Cycle:
    async with _exporter(address, f"poll_interval: 1h, stale_after: 2h, {settings}") as app:
        stalls: list[float] = []
        watching = asyncio.create_task(_watch(stalls))
        cpu, started = time.process_time(), time.monotonic()
        # As in the program: Python's collector does not look through all jobs when it likes.
        with GarbageCollection(monotonic=time.monotonic).in_charge():
            assert await app.poll_once()
        seconds = time.monotonic() - started
        cpu = time.process_time() - cpu
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        assert len(app.store.snapshots["dli"].jobs) == JOBS
        return Cycle(seconds=seconds, calls=_calls(app), cpu=cpu, stall=max(stalls))


async def _calls_of_polls(address: str) -> tuple[float, float]:
    """Count listings and calls of polls that are ten times as fast as those meant."""
    settings = "poll_interval: 6s, detail_interval: 30s, rate_limit: 1000"
    async with _exporter(address, settings) as app:
        await app.start()
        # The first poll asks about everything; from then on one is like the other.
        await asyncio.sleep(9)
        before, listed = _calls(app), _calls(app, "ListFlinkJobs")
        await asyncio.sleep(30)
        return (_calls(app, "ListFlinkJobs") - listed) / 5 / 5, (_calls(app) - before) / 5


@contextlib.asynccontextmanager
async def _exporter(address: str, settings: str) -> AsyncIterator[App]:
    text = (
        f"sources: [{{name: dli, platform: huawei_dli, endpoint: '{address}', {settings}, "
        f"project_id: {PROJECT_ID}, auth: {{iam: {{endpoint: '{address}', domain: d, "
        "username: u, password: p}}}]"
    )

    def load() -> Config:
        return parse(text, environ={}, directory=Path())

    app = App(load, runtime=Runtime(environ={}), log=build_log("error", "logfmt"))
    try:
        yield app
    finally:
        await app.stop()


def _calls(app: App, operation: str = "") -> int:
    return sum(
        int(sample.value)
        for family in app.telemetry.registry.collect()
        for sample in family.samples
        if sample.name == "streaming_exporter_api_requests_total"
        and sample.labels["operation"] != _LOGIN
        and operation in ("", sample.labels["operation"])
    )


async def _watch(stalls: list[float]) -> None:
    """Note how long the event loop leaves one waiting that wants a turn all the time."""
    while True:
        # In CPU time: what other programs take from this one is not its fault.
        asked = time.process_time()
        await asyncio.sleep(0)
        stalls.append(time.process_time() - asked)
        await asyncio.sleep(0.002)
