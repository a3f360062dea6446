"""What `plan` foretells is what is counted then, in virtual time over the simulated clouds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from exporter.app import App
from exporter.auth.guard import GuardBook
from exporter.configuration.checking import plan
from exporter.configuration.config import Config, parse
from exporter.configuration.cost import forecast
from exporter.errors import FetchError
from exporter.runtime import Runtime
from exporter.simulator.clouds import (
    ALIBABA_KEY,
    ALIBABA_SECRET,
    HUAWEI_KEY,
    HUAWEI_SECRET,
    OCEANUS_SPACE,
    PROJECT_ID,
    TENCENT_ID,
    TENCENT_SECRET,
    WORKSPACE,
    Cloud,
    build_clouds,
)
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.fleet.stories import STORIES
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.e2e.simulated_clouds import Network
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

HUAWEI = (
    f"project_id: {PROJECT_ID}, auth: {{access_key: {HUAWEI_KEY}, secret_key: {HUAWEI_SECRET}}}"
)
ALIBABA = f"auth: {{access_key_id: {ALIBABA_KEY}, access_key_secret: {ALIBABA_SECRET}}}"
PLATFORMS = {
    "huawei_dli": ("dli", HUAWEI),
    "huawei_dataarts": ("dataarts", HUAWEI),
    "alibaba_blink": ("foas", f"projects: [project1], {ALIBABA}"),
    "alibaba_flink": ("ververica", f"workspace: {WORKSPACE}, namespaces: [default], {ALIBABA}"),
    "apache_flink": ("flink", "jobs: {}"),
    "tencent_oceanus": (
        "oceanus",
        "region: ap-guangzhou, monitor_endpoint: 'http://monitor', "
        f"auth: {{secret_id: {TENCENT_ID}, secret_key: {TENCENT_SECRET}}}",
    ),
}
SPACES = f"[{OCEANUS_SPACE}]"
LOGINS = {"KeystoneCreateUserTokenByPassword"}


def silence(fleet: Fleet) -> None:
    """Take the jobs with a story out of a fleet: what is left runs and does not change."""
    for story in STORIES:
        with contextlib.suppress(KeyError):
            for _ in count():
                fleet.remove(story.plain_name or story.name, EPOCH)
        with contextlib.suppress(KeyError):
            for _ in count():
                fleet.remove(story.name, EPOCH)


@dataclass
class Watch:
    """An exporter that watches one cloud."""

    app: App
    cloud: Cloud
    config: Config
    log: RecordingLog

    @property
    def calls(self) -> int:
        return sum(int(value) for value in self._samples("streaming_exporter_api_requests_total"))

    def value(self, name: str) -> float | None:
        return next(self._samples(name), None)

    def _samples(self, name: str) -> Iterator[float]:
        for family in self.app.telemetry.registry.collect():
            for sample in family.samples:
                if sample.name == name and sample.labels.get("operation") not in LOGINS:
                    yield sample.value

    async def calls_in(self, seconds: float) -> float:
        """Return how many calls a minute are made in the time that follows."""
        before = self.calls
        await asyncio.sleep(seconds)
        return (self.calls - before) * 60 / seconds


@contextlib.asynccontextmanager
async def watching(
    platform: str, jobs: int, settings: Mapping[str, Any], *, calm: bool = True
) -> AsyncIterator[Watch]:
    loop = asyncio.get_running_loop()
    extra = len(STORIES) if calm else 0
    clouds = build_clouds(clock=lambda: EPOCH + loop.time(), jobs=jobs + extra)
    host, login = PLATFORMS[platform]
    cloud = next(each for each in clouds.all() if each.name == host)
    assert cloud.fleet is not None
    if calm:
        silence(cloud.fleet)
        assert len(cloud.fleet.views(EPOCH)) == jobs
    given = "".join(f", {name}: {value}" for name, value in settings.items())
    text = (
        f"sources: [{{name: s, platform: {platform}, endpoint: 'http://{host}', "
        f"stale_after: 1d, {login}{given}}}]"
    )
    config = parse(text, environ={}, directory=Path())
    log = RecordingLog()
    app = App(lambda: config, runtime=virtual_world(Network(clouds)), log=log)
    await app.start()
    try:
        yield Watch(app, cloud, config, log)
    finally:
        await app.stop()


CASES = [
    # Enough calls: whole multiples of the poll interval, and not.
    ("huawei_dli", 130, {"poll_interval": 60, "detail_interval": 300}),
    ("huawei_dli", 90, {"poll_interval": 30, "detail_interval": 120}),
    ("huawei_dli", 7, {"poll_interval": 20, "detail_interval": 50}),
    ("huawei_dli", 40, {"poll_interval": 60, "detail_interval": 1}),
    # Too few: all are made.
    ("huawei_dli", 130, {"poll_interval": 30, "detail_interval": 60, "rate_limit": 2}),
    ("huawei_dli", 250, {"poll_interval": 10, "detail_interval": 60, "rate_limit": 0.25}),
    # At most rate_limit for the half of it.
    ("huawei_dli", 100, {"poll_interval": 30, "detail_interval": 100, "rate_limit": 3}),
    # Foretold for rows without a state, which is not so of all that are simulated.
    ("huawei_dataarts", 60, {"poll_interval": 30, "detail_interval": 30}),
    ("huawei_dataarts", 60, {"poll_interval": 30, "rate_limit": 1}),
    ("alibaba_blink", 130, {"poll_interval": 30}),
    ("alibaba_blink", 130, {"poll_interval": 30, "batch": "false"}),
    ("apache_flink", 30, {"poll_interval": 30, "detail_interval": 120}),
    ("apache_flink", 20, {"poll_interval": 15, "detail_interval": 40, "input_delay": "false"}),
    ("tencent_oceanus", 210, {"poll_interval": 30, "workspaces": SPACES}),
    ("tencent_oceanus", 130, {"poll_interval": 30, "monitor": "true", "workspaces": SPACES}),
    ("tencent_oceanus", 60, {"poll_interval": 150}),
]


@pytest.mark.parametrize(("platform", "jobs", "settings"), CASES)
def test_calls_are_those_foretold(platform: str, jobs: int, settings: dict[str, Any]) -> None:
    async def scenario() -> tuple[float, float]:
        async with watching(platform, jobs, settings) as watch:
            (source,) = watch.config.sources
            told = forecast(source.settings, source.platform.cost(source.settings, jobs), jobs)
            # Until everything has been asked for once there is more to ask than later on.
            await asyncio.sleep(60 + 2.5 * jobs / source.settings.rate_limit)
            polls = max(8.0, 2 * told.detail_seconds / source.settings.poll_interval)
            minutes = source.settings.poll_interval * min(round(polls), 40)
            return told.calls_per_minute, await watch.calls_in(minutes)

    told, counted = run(scenario())
    assert counted == pytest.approx(told, rel=0.05)


def test_five_hundred_jobs_of_oceanus_cost_ten_calls_a_minute() -> None:
    """Their last page is full: that it is the last one is asked at the first poll, then hourly."""

    async def scenario() -> tuple[float, int]:
        settings = {"poll_interval": 30, "workspaces": SPACES}
        async with watching("tencent_oceanus", 500, settings) as watch:
            await asyncio.sleep(60)
            return await watch.calls_in(300), len(watch.app.store.snapshots["s"].jobs)

    assert run(scenario()) == (10, 500)


def test_plan_tells_what_cloud_monitor_costs_in_money() -> None:
    """Five hundred jobs, nine metrics, fifty jobs a call, every two minutes: 30 days of them."""
    host, login = PLATFORMS["tencent_oceanus"]
    text = f"platform: tencent_oceanus, endpoint: 'http://{host}', workspaces: {SPACES}, {login}"
    sources = f"[{{name: paid, {text}, monitor: true}}, {{name: free, {text}}}]"
    config = parse(f"sources: {sources}", environ={}, directory=Path())
    calls = 90 * 30 * 24 * 30
    dollars = (calls - 1_000_000) * 0.035 / 10_000
    table = plan(config, {"paid": 500, "free": 500})
    assert table.splitlines()[-1] == (
        f"paid: {calls // 30} calls of GetMonitorData a day, {dollars / 30:.2f} USD a day and "
        f"{dollars:.2f} USD a month by the list price, if nobody else uses the 1000000 that are "
        "free a month"
    )
    assert "free: " not in table
    assert " 0.00 USD a month " in plan(config, {"paid": 50, "free": 0})
    assert " a day for each shard, " in plan(config, {"paid": 500, "free": 0}, 2)


def test_listings_for_deployments_in_doubt_are_foretold_though_there_may_be_none() -> None:
    async def scenario() -> float:
        settings = {"poll_interval": 30, "detail_interval": 120}
        async with watching("alibaba_flink", 110, settings) as watch:
            (source,) = watch.config.sources
            told = forecast(source.settings, source.platform.cost(source.settings, 110), 110)
            await asyncio.sleep(120)
            return told.calls_per_minute - await watch.calls_in(240)

    # One for each way to end, at each of two polls a minute.
    assert run(scenario()) == pytest.approx(3 * 2, abs=1)


def test_details_come_as_often_as_foretold_when_calls_are_too_few() -> None:
    async def scenario() -> tuple[float, float | None, str]:
        settings = {"poll_interval": 30, "detail_interval": 60, "rate_limit": 1}
        async with watching("huawei_dli", 80, settings) as watch:
            (source,) = watch.config.sources
            told = forecast(source.settings, source.platform.cost(source.settings, 80), 80)
            await asyncio.sleep(900)
            snapshot = watch.app.store.snapshots["s"]
            return told.detail_seconds, snapshot.detail_age_seconds, plan(watch.config, {"s": 80})

    told, age, table = run(scenario())
    # The oldest details are those of the job that is asked about next.
    assert age == pytest.approx(told, rel=0.2)
    assert f"over rate_limit, 162 wanted: details of a job every {told:.0f} s" in table


class Naive:
    """Poll as one would without thinking: list everything, ask everything, as fast as can be."""

    def __init__(self, config: Config, runtime: Runtime) -> None:
        (source,) = config.sources
        self.telemetry = Telemetry()
        settings = source.settings.model_copy(update={"rate_limit": 1e6, "concurrency": 1})
        guards = GuardBook(clock=runtime.monotonic)
        connector = Connector(settings, runtime=runtime, telemetry=self.telemetry, guards=guards)
        self._source = source.platform.open(settings, connector)
        self._runtime = runtime
        self.seen: dict[tuple[str, str], float] = {}

    async def poll(self) -> None:
        inventory = await self._source.fetch_inventory()
        for job in inventory.jobs:
            with contextlib.suppress(FetchError):
                details = (await self._source.fetch_details(job)).job
                self.seen.setdefault((job.job_id, details.native_status), self._runtime.monotonic())

    async def aclose(self) -> None:
        await self._source.aclose()


def test_change_of_state_is_seen_as_early_as_by_polling_everything() -> None:
    """By DLI's own word. What only an execution plan tells is seen when it is asked for."""
    seen: dict[tuple[str, str], float] = {}

    async def scenario() -> Naive:
        loop = asyncio.get_running_loop()
        settings = {"poll_interval": 60, "detail_interval": 300}
        async with watching("huawei_dli", 24, settings, calm=False) as watch:
            store = watch.app.store
            await asyncio.sleep(5)
            assert store.snapshots["s"].up
            naive = Naive(watch.config, virtual_world(Network(_sky_of(watch))))
            for _ in range(25):
                await naive.poll()
                for _ in range(60):
                    for job in store.snapshots["s"].jobs:
                        seen.setdefault((job.job_id, job.native_status), loop.time())
                    await asyncio.sleep(1)
            await naive.aclose()
        return naive

    naive = run(scenario())
    # What was so from the start is no change.
    changes = {key: at for key, at in naive.seen.items() if key in seen and at > 60}
    assert len(changes) >= 20
    late = {key: (at, seen[key]) for key, at in changes.items() if seen[key] > at + 1}
    assert late == {}


def test_five_hundred_jobs_cost_a_fifth_of_polling_everything() -> None:
    async def scenario() -> tuple[float, float]:
        settings = {"poll_interval": 60, "detail_interval": 300}
        async with watching("huawei_dli", 500, settings) as watch:
            await asyncio.sleep(360)
            ours = await watch.calls_in(300)
            naive = Naive(watch.config, virtual_world(Network(_sky_of(watch))))
            await naive.poll()
            await naive.aclose()
            counted = sum(
                sample.value
                for family in naive.telemetry.registry.collect()
                for sample in family.samples
                if sample.name == "streaming_exporter_api_requests_total"
            )
            return ours, counted

    ours, naive = run(scenario())
    assert naive == 1005
    assert ours <= 210


def _sky_of(watch: Watch) -> Any:
    class Only:
        def all(self) -> tuple[Cloud, ...]:
            return (watch.cloud,)

    return Only()
