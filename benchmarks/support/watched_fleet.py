"""Serve the metrics of a fleet to Prometheus: `... watched_fleet JOBS TROUBLED all|current`.

What is served is the exporter's own rendering of twenty sources, with what its attention makes of
them; only the platforms are missing.
"""

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from starlette.types import ASGIApp

from benchmarks.support import fleet
from exporter.attention_settings import AttentionSettings
from exporter.collecting.store import Store
from exporter.exposition import Exposition, MetricsEndpoint
from exporter.listening.addresses import listen
from exporter.listening.headers import with_headers
from exporter.model import Job, Snapshot, State
from exporter.serving.server import serving
from exporter.serving.web import build_web, with_metrics
from exporter.telemetry.telemetry import Telemetry

SOURCES = 20
_OPERATIONS = ("ListFlinkJobs", "ShowFlinkJob", "ShowFlinkJobExecutionGraph")
_PLATFORM = "huawei_dli"
_DAY = 86_400.0


def exposition(jobs: int, troubled: int, *, all_states: bool, now: float) -> Exposition:
    """Return the page of an exporter that watches so many jobs, of which some have a problem."""
    store, telemetry = Store(), Telemetry()
    telemetry.build.info({"version": "0"})
    telemetry.shard.info({"shard": "0"})
    telemetry.shards.set(1)
    telemetry.reloaded(successful=True, now=now)
    for number in range(SOURCES):
        snapshot = _source(number, jobs, troubled, now)
        telemetry.add_source(snapshot.source, _PLATFORM)
        for operation in _OPERATIONS:
            telemetry.request_done(snapshot.source, operation, "200", 0.05)
        store.watch(snapshot.source, AttentionSettings())
        store.put(replace(snapshot, all_states=all_states))
    return Exposition(store, telemetry.registry, clock=lambda: now)


def _source(number: int, jobs: int, troubled: int, now: float) -> Snapshot:
    own = range(number, jobs, SOURCES)
    return replace(
        fleet.with_jobs(tuple(_jobs(own, troubled, now)), now),
        source=f"dli-{number:02}",
        # Nothing grows old meanwhile.
        stale_after=_DAY,
        detail_age_seconds=120.0,
    )


def _jobs(own: range, troubled: int, now: float) -> Iterator[Job]:
    for number in own:
        yield _troubled(number, now) if number < troubled else _healthy(number, now)


def _healthy(number: int, now: float) -> Job:
    chance = Random(number)
    return fleet.details(number)._replace(
        state=State.RUNNING,
        native_status="job_running",
        observed_timestamp=now,
        input_delay_seconds=round(chance.uniform(0, 300), 1),
        last_checkpoint_completed_timestamp=round(now - chance.uniform(0, 600), 3),
        last_checkpoint_duration_seconds=round(chance.uniform(0, 60), 3),
        last_checkpoint_size_bytes=float(chance.randrange(10**9)),
        checkpoints_failed=0,
    )


def _troubled(number: int, now: float) -> Job:
    """Return a job that has failed, is far behind its input, or is stuck."""
    job, since = _healthy(number, now), now - 60.0 - number
    if number % 3 == 0:
        return job._replace(state=State.FAILED, end_timestamp=since, error_id="DLI.1")
    if number % 3 == 1:
        return job._replace(input_delay_seconds=4000.0 + number)
    return job._replace(state=State.RESTARTING, state_since_timestamp=now - 1800 - number)


def _app(page: Exposition, store: Store) -> ASGIApp:
    async def reload() -> None:
        """Keep everything as it is."""

    web = build_web(
        store=store, exposition=page, clock=time.time, ready=lambda: True, reload=reload
    )
    return with_headers(with_metrics(web, "/metrics", MetricsEndpoint(page)), tuple)


async def _serve(page: Exposition) -> None:
    with listen("127.0.0.1:0") as listener:
        async with serving(_app(page, Store()), [listener]):
            print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
            with contextlib.suppress(EOFError):
                await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    logging.disable()
    count, bad, states = sys.argv[1:]
    started = exposition(int(count), int(bad), all_states=states == "all", now=time.time())
    started.refresh()
    asyncio.run(_serve(started))
