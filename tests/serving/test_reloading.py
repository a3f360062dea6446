"""A hundred who ask for a reload cause two."""

import asyncio

import pytest

from exporter.errors import ConfigError, ConfigProblem
from exporter.serving.coalescing import Coalesced
from tests.virtual_time import run


class Program:
    """Reloads in a second of virtual time."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.problem: Exception | None = None

    async def reload(self) -> None:
        self.begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        if self.problem is not None:
            raise self.problem


def test_who_asks_together_shares_one_and_who_asks_meanwhile_the_next() -> None:
    async def body() -> None:
        program = Program()
        reload = Coalesced(program.reload, name="reload", rests=True)
        started = asyncio.get_running_loop().time()
        first = [asyncio.create_task(reload()) for _ in range(50)]
        await asyncio.sleep(0.5)
        later = [asyncio.create_task(reload()) for _ in range(50)]
        await asyncio.gather(*first)
        assert len(program.begun) == 1
        await asyncio.gather(*later)
        # The second had to wait for the first, and for as long again.
        assert [moment - started for moment in program.begun] == [0.0, 2.0]
        await asyncio.sleep(10)
        await reload()
        assert len(program.begun) == 3

    run(body())


def test_everybody_who_waits_is_told_what_is_wrong() -> None:
    async def body() -> None:
        program = Program()
        program.problem = ConfigError((ConfigProblem("a", "b"),))
        reload = Coalesced(program.reload, name="reload", rests=True)
        answers = await asyncio.gather(*(reload() for _ in range(3)), return_exceptions=True)
        assert answers == [program.problem] * 3
        program.problem = None
        await reload()

    run(body())


def test_who_leaves_does_not_take_the_reload_from_others() -> None:
    async def body() -> None:
        program = Program()
        reload = Coalesced(program.reload, name="reload", rests=True)
        first, second = asyncio.create_task(reload()), asyncio.create_task(reload())
        await asyncio.sleep(0.5)
        first.cancel()
        await second
        assert len(program.begun) == 1
        with pytest.raises(asyncio.CancelledError):
            await first

    run(body())
