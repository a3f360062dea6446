"""Of many who ask for the same, each gets the outcome of a run that began after he asked."""

import asyncio

import pytest

from exporter.errors import ConfigError, ConfigProblem
from exporter.serving.coalescing import Coalesced
from tests.virtual_time import run


class Work:
    """Takes ten seconds a run, and fails in those that are named."""

    def __init__(self, *failing: int) -> None:
        self.begun: list[float] = []
        self._failing = failing
        self.coalesced = Coalesced(self._run, name="work")

    async def _run(self) -> None:
        self.begun.append(asyncio.get_running_loop().time())
        number = len(self.begun)
        await asyncio.sleep(10)
        if number in self._failing:
            raise ConfigError((ConfigProblem("", f"run {number}"),))


def test_a_hundred_who_ask_during_a_run_wait_for_one_more() -> None:
    async def scenario() -> None:
        work = Work()
        first = asyncio.create_task(work.coalesced())
        await asyncio.sleep(1)
        others = [asyncio.create_task(work.coalesced()) for _ in range(100)]
        await first
        assert not any(each.done() for each in others)
        await asyncio.gather(*others)
        assert work.begun == [0, 10]
        await work.coalesced()
        assert work.begun == [0, 10, 20]

    run(scenario())


def test_everybody_is_told_how_his_run_went() -> None:
    async def scenario() -> None:
        work = Work(2)
        first = asyncio.create_task(work.coalesced())
        await asyncio.sleep(1)
        others = [asyncio.create_task(work.coalesced()) for _ in range(3)]
        await first
        told = await asyncio.gather(*others, return_exceptions=True)
        assert [str(each) for each in told] == ["run 2"] * 3
        await work.coalesced()

    run(scenario())


def test_who_goes_away_does_not_take_the_run_from_the_others() -> None:
    async def scenario() -> None:
        work = Work()
        gone, other = (asyncio.create_task(work.coalesced()) for _ in range(2))
        await asyncio.sleep(1)
        gone.cancel()
        await other
        assert work.begun == [0]

    run(scenario())


def test_stop_waits_for_no_run() -> None:
    async def scenario() -> None:
        work = Work()
        asked = [work.coalesced.ask()]
        await asyncio.sleep(1)
        asked += [work.coalesced.ask() for _ in range(100)]
        await work.coalesced.stop()
        assert asyncio.get_running_loop().time() == 1
        assert all(each.cancelled() for each in asked)
        assert work.begun == [0]

    run(scenario())


@pytest.mark.filterwarnings("error")
def test_failure_that_nobody_waits_for_is_no_error_of_the_loop() -> None:
    async def scenario() -> list[object]:
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, facts: told.append(facts))
        work = Work(1)
        work.coalesced.ask()
        await asyncio.sleep(20)
        del work
        return told

    assert run(scenario()) == []
