"""A place that is slow or asks for a pause holds nobody else up."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from exporter.pacing import TokenBucket
from exporter.upstream.lanes import Lane, Lanes
from tests.virtual_time import run


def _lanes(*, slots: int = 1, rate: float = 1000.0) -> Lanes:
    loop = asyncio.get_running_loop()
    return Lanes(
        pace=TokenBucket(rate, burst=rate, clock=loop.time, sleep=asyncio.sleep),
        slots=asyncio.Semaphore(slots),
        doubtful=asyncio.Semaphore(1),
        longest=5.0,
        clock=loop.time,
        sleep=asyncio.sleep,
    )


async def _ask(lane: Lane, seconds: float, *, fails: bool = False) -> float:
    """Ask once; return when the answer was there."""
    async with lane:
        await lane.acquire()
        await asyncio.sleep(seconds)
        if fails:
            raise ConnectionError
    return asyncio.get_running_loop().time()


async def _together(*questions: Coroutine[Any, Any, float]) -> list[float]:
    return [round(each, 2) for each in await asyncio.gather(*questions)]


def test_request_that_hangs_gives_its_turn_to_another_and_goes_on() -> None:
    async def scenario() -> list[float]:
        lanes = _lanes()
        return await _together(
            _ask(Lane(lanes), 10), _ask(Lane(lanes), 0.1), _ask(Lane(lanes), 0.1)
        )

    assert run(scenario()) == [10.0, 0.6, 0.7]


def test_place_in_doubt_takes_no_turn_of_the_others() -> None:
    async def scenario() -> list[float]:
        lanes = _lanes()
        silent = Lane(lanes)
        silent.in_doubt = True
        return await _together(_ask(silent, 10), _ask(Lane(lanes), 0.1))

    assert run(scenario()) == [10.0, 0.1]


def test_patience_follows_what_is_usual_and_is_bounded() -> None:
    async def scenario() -> list[float]:
        lanes = _lanes()
        found = [lanes.patience]
        for seconds in (0.001, 0.2, 100.0):
            for _ in range(100):
                lanes.answered(seconds)
            found.append(round(lanes.patience, 1))
        return found

    assert run(scenario()) == [0.5, 0.2, 1.0, 5.0]


def test_own_rate_makes_no_answer_late() -> None:
    """To wait for our own turn is no fault of the place."""

    async def scenario() -> int:
        late = 0

        def overdue() -> None:
            nonlocal late
            late += 1

        lanes = _lanes(slots=10, rate=1.0)
        waiting = [Lane(lanes) for _ in range(5)]
        for lane in waiting:
            lane.overdue = overdue
        await _together(*(_ask(lane, 0.1) for lane in waiting))
        return late

    assert run(scenario()) == 0


def test_answer_that_is_late_or_no_good_one_is_told_and_no_turn_is_lost() -> None:
    async def scenario() -> tuple[list[float], bool]:
        lanes, told = _lanes(), list[float]()
        lane = Lane(lanes)
        lane.overdue = lambda: told.append(round(asyncio.get_running_loop().time(), 2))
        await _ask(lane, 2.0)
        with pytest.raises(ConnectionError):
            await _ask(lane, 0.1, fails=True)
        for _ in range(3):
            await _ask(lane, 0.1)
        return told, lanes.slots.locked()

    assert run(scenario()) == ([0.5, 2.1], False)


def test_pause_is_that_of_one_place() -> None:
    async def scenario() -> list[float]:
        lanes = _lanes(slots=2)
        one = Lane(lanes)
        one.hold(7.0)
        return await _together(_ask(one, 0.1), _ask(Lane(lanes), 0.1))

    assert run(scenario()) == [7.1, 0.1]


def test_turn_is_given_back_when_a_question_is_broken_off() -> None:
    async def scenario() -> bool:
        lanes = _lanes()
        task = asyncio.create_task(_ask(Lane(lanes), 10))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        return lanes.slots.locked()

    assert run(scenario()) is False
