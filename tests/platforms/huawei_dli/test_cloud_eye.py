"""Cloud Eye tells rates, pressure and latency beside DLI, and hurts nothing when it does not."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.errors import FetchError, Reason
from exporter.model import Job
from exporter.platforms import huawei_dli
from exporter.simulator.fault_injection import Canned, FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.huawei import cloud_eye as simulated
from exporter.simulator.huawei import dli
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.vendors.huawei_sources import AUTH, PROJECT
from tests.virtual_time import run, virtual_world

DLI, CES = "https://dli.cn-north-4.myhuaweicloud.com", "https://ces.cn-north-4.myhuaweicloud.com"
FIGURES = (
    *("read_records_per_second", "written_records_per_second"),
    *("backpressure_level", "operator_latency_seconds"),
)


class Scene:
    """A region with running jobs, its DLI and its Cloud Eye, and the source that asks them."""

    def __init__(self, jobs: int, *, patient: bool = False, ids: tuple[str, ...] = ()) -> None:
        given = {
            "name": "s",
            "platform": "huawei_dli",
            "region": "cn-north-4",
            "project_id": PROJECT,
            "auth": AUTH,
            "cloud_eye": True,
            "rate_limit": 1000,
            "jobs": {"ids": ids},
        }
        self.settings = huawei_dli.Settings.model_validate(given)
        runtime = virtual_world(httpx.MockTransport(self._answer))
        self.clock = runtime.clock
        self.fleet = Fleet(seed=1, started_at=self.clock() - 7200, jobs=0)
        for number in range(jobs):
            self.fleet.add(f"job{number}", self.clock() - 3600, phase=Phase.RUNNING)
        access = HuaweiAccess(keys={"AK": "SK"})
        self.faults = FaultInjection()
        self.fails: Callable[[], httpx.Response] | None = None
        self.asked: list[httpx.Request] = []
        shared: dict[str, Any] = {
            "fleet": self.fleet,
            "clock": self.clock,
            "access": access,
            "project_id": PROJECT,
        }
        self._apps = {
            DLI: dli.build(faults=FaultInjection(), **shared),
            CES: simulated.build(faults=self.faults, **shared),
        }
        self.telemetry = Telemetry()
        self.source = huawei_dli.PLATFORM.open(
            self.settings,
            Connector(
                self.settings,
                runtime=runtime,
                telemetry=self.telemetry,
                guards=GuardBook(clock=runtime.monotonic),
                patient=patient,
            ),
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        place = f"https://{request.url.host}"
        if place == CES:
            self.asked.append(request)
            if self.fails is not None:
                return self.fails()
        transport = httpx.ASGITransport(app=self._apps[place])
        response = await transport.handle_async_request(request)
        await response.aread()
        return httpx.Response(
            response.status_code, headers=response.headers, content=response.content
        )

    async def poll(self, *, details: bool = True) -> Inventory:
        """List the jobs and ask for the details of each."""
        inventory = await self.source.fetch_inventory()
        if details:
            await asyncio.gather(*(self.source.fetch_details(job) for job in inventory.jobs))
        return inventory

    async def settle(self) -> Inventory:
        """Poll until figures have been asked for."""
        await self.poll()
        return await self.poll()


def play(scene: Callable[[Scene], Awaitable[None]], jobs: int = 3, **options: Any) -> None:
    async def main() -> None:
        played = Scene(jobs, **options)
        try:
            await scene(played)
        finally:
            await played.source.aclose()

    run(main())


def figures(job: Job) -> list[float | None]:
    return [getattr(job, name) for name in FIGURES]


def test_rates_pressure_and_latency_come_with_the_listing() -> None:
    async def scene(scene: Scene) -> None:
        assert all(figures(job) == [None] * 4 for job in (await scene.poll()).jobs)
        for job in (await scene.poll()).jobs:
            view = scene.fleet.view(int(job.job_id), scene.clock())
            assert view is not None
            speed = 120.0 * view.parallelism
            rates, rest = figures(job)[:2], figures(job)[2:]
            assert rates == [speed, speed / 2]
            assert rest[0] in (0, 1, 2)
            assert rest[1] == 0.025 * view.parallelism
            assert job.input_delay_seconds is None

    play(scene)


def test_five_hundred_jobs_cost_four_calls_a_minute() -> None:
    """As `plan` foretells, whatever DLI costs beside."""

    async def scene(scene: Scene) -> None:
        for _ in range(3):
            found = await scene.poll(details=False)
            assert found.failures == ()
            await asyncio.sleep(30)
        assert len(scene.asked) == 2 * 4
        assert all(None not in figures(job) for job in found.jobs)
        assert max(len(json.loads(each.content)["metrics"]) for each in scene.asked) == 500
        cost = huawei_dli.PLATFORM.cost(scene.settings, 500)
        assert cost.per_minute == 4
        assert cost == replace(
            huawei_dli.PLATFORM.cost(scene.settings.model_copy(update={"cloud_eye": False}), 500),
            per_minute=4.0,
        )

    play(scene, jobs=500, patient=True)


def test_only_jobs_whose_details_are_asked_for_are_asked_about() -> None:
    """Those of other shards, and those that nobody selected, cost nothing."""

    async def scene(scene: Scene) -> None:
        first, *_ = (await scene.poll(details=False)).jobs
        await scene.source.fetch_details(first)
        found = await scene.poll(details=False)
        assert len(scene.asked) == 1
        assert [job.job_id for job in found.jobs if None not in figures(job)] == [first.job_id]

    play(scene)


def test_who_polls_once_is_told_at_once() -> None:
    async def scene(scene: Scene) -> None:
        assert all(None not in figures(job) for job in (await scene.poll(details=False)).jobs)

    play(scene, patient=True)


def test_job_that_stops_takes_its_figures_along() -> None:
    async def scene(scene: Scene) -> None:
        *_, last = (await scene.settle()).jobs
        now = scene.clock()
        scene.fleet.set_phase(last.job_name, Phase.STOPPED, now)
        scene.asked.clear()
        await asyncio.sleep(60)
        stopped = {job.job_id: job for job in (await scene.poll()).jobs}[last.job_id]
        assert figures(stopped) == [None] * 4
        (asked,) = scene.asked
        assert len(json.loads(asked.content)["metrics"]) == 2 * 4

    play(scene)


def test_jobs_asked_for_by_id_have_figures_too() -> None:
    async def scene(scene: Scene) -> None:
        (job,) = (await scene.settle()).jobs
        assert None not in figures(job)

    play(scene, ids=("10000000",))


def refusing(status: int, document: object) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, json=document)


def hanging() -> httpx.Response:
    raise httpx.ReadTimeout("")


def away() -> httpx.Response:
    raise httpx.ConnectError("")


FAILURES: dict[str, tuple[Callable[[], httpx.Response], str]] = {
    "forbidden": (
        refusing(403, {"error_code": "ces.0403", "error_msg": "x"}),
        "monitoring, HTTP 403, ces.0403, auth",
    ),
    "throttled": (
        refusing(429, {"error_code": "ces.0429", "error_msg": "x"}),
        "monitoring, HTTP 429, ces.0429, throttled",
    ),
    "failing": (
        refusing(500, {"error_code": "ces.0500"}),
        "monitoring, HTTP 500, ces.0500, server",
    ),
    "too-many": (
        refusing(400, {"error_code": "ces.0014", "error_msg": "too many metrics"}),
        "monitoring, HTTP 400, ces.0014, server: too many metrics",
    ),
    "hanging": (hanging, "monitoring, timeout"),
    "away": (away, "monitoring, connection"),
    "page": (lambda: httpx.Response(200, text="<html>"), "monitoring, HTTP 200, invalid_response"),
    "other": (refusing(200, {"metrics": None}), "monitoring, metrics: expected a list"),
    "list": (refusing(200, []), "monitoring, metrics: expected a list"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failure_is_told_apart_and_hurts_nothing(name: str) -> None:
    """The listing comes in its time, with what was known, for as long as that is not too old."""
    fails, told = FAILURES[name]

    async def scene(scene: Scene) -> None:
        before = await scene.settle()
        scene.fails = fails
        failures: list[FetchError] = []
        for _ in range(3):
            await asyncio.sleep(60)
            began = scene.clock()
            found = await scene.poll()
            assert scene.clock() - began <= 3
            assert [figures(job) for job in found.jobs] == [figures(job) for job in before.jobs]
            assert found.incomplete == ()
            failures += found.failures
        assert {failure.reason for failure in failures} == {Reason.MONITORING}
        assert told in str(failures[0])
        assert 2 <= len(failures) <= 3
        await asyncio.sleep(600)
        found = await scene.poll()
        assert all(figures(job) == [None] * 4 for job in found.jobs)
        scene.fails = None
        await asyncio.sleep(60)
        await scene.poll()
        await asyncio.sleep(60)
        assert all(None not in figures(job) for job in (await scene.poll()).jobs)

    play(scene)


def test_fault_of_ours_in_a_round_is_a_failure_of_the_round() -> None:
    def broken() -> httpx.Response:
        raise RuntimeError("unexpected")

    async def scene(scene: Scene) -> None:
        await scene.settle()
        scene.fails = broken
        await asyncio.sleep(60)
        (failure,) = (await scene.poll()).failures
        assert failure.reason is Reason.MONITORING
        assert "RuntimeError" in str(failure)

    play(scene)


def test_round_that_hangs_is_broken_off_when_the_source_is_closed() -> None:
    async def scene(scene: Scene) -> None:
        await scene.poll()
        scene.faults.latency = 9.0
        began = scene.clock()
        await scene.poll()
        assert scene.clock() - began == 2

    play(scene)


def test_refusals_of_cloud_eye_wait_for_nobody_else() -> None:
    """What it throttles holds back its own calls only."""

    async def scene(scene: Scene) -> None:
        await scene.settle()
        body = json.dumps({"error_code": "ces.0429"}).encode()
        scene.faults.overrides[simulated.QUERY] = Canned(
            status=429, body=body, headers={"Retry-After": "9"}
        )
        await asyncio.sleep(60)
        began = scene.clock()
        await scene.poll()
        assert scene.clock() - began == 2

    play(scene)
