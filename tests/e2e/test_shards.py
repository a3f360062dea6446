"""Several exporters share the jobs of all clouds: together they export what one alone would."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from exporter.app import App
from exporter.collecting.sharding import Shard
from exporter.configuration.config import parse
from exporter.simulator.clouds import Clouds, build_clouds, configuration
from tests.e2e.simulated_clouds import HOSTS, Network
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

# Names that match no job, so that every shard may think of them as its own.
EXPECT = 'expect: ["orders_.*", "settlement_report"'
MANY = EXPECT + "".join(f', "nothing_{number}"' for number in range(8))
JOB = re.compile(r'streaming_job_state\{(.*),state="running"\} [01]')


@contextlib.asynccontextmanager
async def exporters(clouds: Clouds, total: int) -> AsyncIterator[list[App]]:
    text = configuration({host: f"http://{host}" for host in HOSTS}).replace(EXPECT, MANY)
    config = parse(text, environ={}, directory=Path())
    network = Network(clouds)
    apps = [
        App(
            lambda: config,
            runtime=virtual_world(network, seed=ordinal),
            log=RecordingLog(),
            shard=Shard(ordinal=ordinal, total=total),
        )
        for ordinal in range(total)
    ]
    for app in apps:
        await app.start()
    try:
        yield apps
    finally:
        for app in apps:
            await app.stop()


def page(app: App) -> str:
    app.exposition.refresh()
    return app.exposition.scrape()[0].decode()


def of(text: str, start: str) -> list[str]:
    return sorted(line for line in text.splitlines() if line.startswith(start))


def jobs(text: str) -> list[str]:
    return sorted(
        match[1] for line in of(text, "streaming_job_state{") if (match := JOB.match(line))
    )


def test_three_exporters_together_export_what_one_would() -> None:
    async def scenario() -> tuple[str, list[str]]:
        loop = asyncio.get_running_loop()
        clouds = build_clouds(clock=lambda: EPOCH + loop.time(), jobs=40)
        async with exporters(clouds, 1) as (alone,), exporters(clouds, 3) as shards:
            await asyncio.sleep(45)
            return page(alone), [page(shard) for shard in shards]

    whole, parts = run(scenario())
    assert len(jobs(whole)) > 150
    assert sorted(each for part in parts for each in jobs(part)) == jobs(whole)
    assert all(len(jobs(part)) > 30 for part in parts)
    absent = of(whole, "streaming_job_absent{")
    assert len(absent) >= 8
    assert sorted(line for part in parts for line in of(part, "streaming_job_absent{")) == absent
    # Each says of every source whether it is up, and who it is itself.
    for ordinal, part in enumerate(parts):
        assert of(part, "streaming_source_up{") == of(whole, "streaming_source_up{")
        assert f'streaming_exporter_shard_info{{shard="{ordinal}"}} 1.0' in part.splitlines()
        assert "streaming_exporter_shards 3.0" in part.splitlines()
    assert "streaming_exporter_shards 1.0" in whole.splitlines()
