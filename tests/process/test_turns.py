"""Long work is done in pieces, one after the other, and nobody waits in an endless queue."""

import asyncio
from collections.abc import Generator

import pytest

from exporter.process.turns import CrowdedError, Turns
from tests.virtual_time import run


def _work(name: str, steps: int, seen: list[str]) -> Generator[None, None, str]:
    for number in range(steps):
        seen.append(f"{name}{number}")
        yield
    return name


def test_what_is_done_in_one_piece_does_not_wait() -> None:
    async def body() -> None:
        turns, seen = Turns(most=0), list[str]()
        async with Turns(most=1):
            pass
        assert await turns.do(_work("a", 0, seen)) == "a"

    run(body())


def test_one_after_the_other_with_turns_of_all_others_in_between() -> None:
    async def body() -> None:
        turns, seen = Turns(most=5), list[str]()

        async def other() -> None:
            for _ in range(8):
                seen.append("-")
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(turns.do(_work(name, 4, seen)))
            group.create_task(other())
        told = "".join(seen)
        assert told.startswith("a0b0c0-")
        later = [step for step in seen if step != "-"][3:]
        assert later == ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"]
        assert "a1-a2-a3" in told

    run(body())


def test_who_comes_when_too_many_wait_is_told_so_and_what_it_began_is_ended() -> None:
    async def body() -> None:
        turns, ended = Turns(most=1), list[str]()

        def work(name: str) -> Generator[None, None, None]:
            try:
                yield
                yield
            finally:
                ended.append(name)

        first, second = (asyncio.create_task(turns.do(work(name))) for name in "ab")
        await asyncio.sleep(0)
        with pytest.raises(CrowdedError):
            await turns.do(work("c"))
        assert ended == ["c"]
        await asyncio.gather(first, second)
        await turns.do(work("d"))

    run(body())


def test_who_leaves_while_it_waits_or_is_worked_for_leaves_the_turn_to_others() -> None:
    async def body() -> None:
        turns, seen = Turns(most=2), list[str]()
        tasks = [asyncio.create_task(turns.do(_work(name, 3, seen))) for name in "abc"]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[1].cancel()
        assert await tasks[2] == "c"
        assert seen == ["a0", "b0", "c0", "c1", "c2"]

    run(body())
