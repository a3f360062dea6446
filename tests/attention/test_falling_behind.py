"""A job that falls behind is told so, however often its source is polled and asked for details."""

import asyncio

import pytest

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from tests.attention.test_following import World
from tests.jobs import job
from tests.virtual_time import run

_LIMITS: dict[str, object] = {
    "input_delay": {"far_behind": "1d"},
    "restarts": {"burst": 100, "budget": 100},
}


def _world(
    poll: float, details: float, *, grows_until: float = 1e9, listed: bool = False, step: float = 1
) -> World:
    """Return a world in which a delay grows by a second a second.

    It is told by details alone, or `listed`; what tells it has a new one each `step`.
    """

    def told(now: float) -> Job:
        return job(input_delay_seconds=700 + min(now, grows_until) // step * step)

    return World(
        lambda now: [told(now) if listed else job()],
        lambda row, now: told(now),
        _LIMITS,
        settings={
            "poll_interval": poll,
            "detail_interval": details,
            "stale_after": max(300, 3 * poll),
        },
    )


async def _first_told(world: World, *, until: float) -> float | None:
    """Return after how many seconds the problem is told, looking twice a minute."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < until:
        await asyncio.sleep(30)
        if world.told():
            assert world.told() == ["falling_behind"]
            return loop.time() - began
    return None


@pytest.mark.parametrize(
    ("poll", "details", "after"),
    [
        *((30, 120, 600), (30, 280, 1120), (30, 300, 1200), (30, 600, 2400), (60, 300, 1200)),
        *((5, 5, 600), (5, 30, 600), (7, 7, 600), (10, 10, 600)),
    ],
)
def test_growing_delay_is_told_with_these_intervals(
    poll: float, details: float, after: float
) -> None:
    async def body() -> None:
        world = _world(poll, details)
        await world.app.start()
        told = await _first_told(world, until=3600)
        assert told is not None
        assert after - 60 <= told <= after + details + 60
        await world.app.stop()

    run(body())


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("step", [60, 300])
def test_delay_that_a_slower_service_tells_is_told_and_ends(step: float, *, listed: bool) -> None:
    async def body() -> None:
        world = _world(30, 120, grows_until=7200, listed=listed, step=step)
        await world.app.start()
        told = await _first_told(world, until=3600)
        assert told is not None
        assert told <= max(600, 5 * step) + 120
        await asyncio.sleep(7200 - told)
        assert world.told() == ["falling_behind"]
        await asyncio.sleep(1800)
        assert world.told() == []
        await world.app.stop()

    run(body())


def test_delay_that_jumps_in_an_outage_is_not_told() -> None:
    async def body() -> None:
        def listing(now: float) -> list[Job] | Exception:
            if 3600 < now < 5400:
                return FetchError(Reason.TIMEOUT, "ListJobs")
            return [job()]

        def details(row: Job, now: float) -> Job:
            behind = now % 11 + (700 if now < 3600 else 2500 - (now - 5400) / 2)
            return job(input_delay_seconds=behind)

        world = World(listing, details)
        await world.app.start()
        assert await _first_told(world, until=8400) is None
        await world.app.stop()

    run(body())


def test_reload_does_not_begin_anew() -> None:
    async def body() -> None:
        world = _world(30, 120)
        await world.app.start()
        await asyncio.sleep(400)
        world.settings = {"labels": {"team": "a"}}
        await world.app.reload()
        told = await _first_told(world, until=3600)
        assert told is not None
        assert 100 < told < 400
        await world.app.stop()

    run(body())


def test_run_that_begins_anew_is_told_no_sooner_for_what_was_before() -> None:
    async def body() -> None:
        def details(row: Job, now: float) -> Job:
            number = now // 500
            return job("orders", State.RUNNING, run_id=str(number), input_delay_seconds=700 + now)

        world = World(lambda now: [job()], details, _LIMITS)
        await world.app.start()
        assert await _first_told(world, until=3600) is None
        await world.app.stop()

    run(body())
