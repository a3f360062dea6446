"""Few answers are made at a time, and whoever does not read makes room for who does."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message

from exporter.exposition.seats import Seats
from exporter.exposition.sending import send_pieces
from exporter.process.turns import CrowdedError, Turns
from tests.virtual_time import run

Send = Callable[[Message], Awaitable[None]]


async def _stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable: nothing comes")


async def _never(message: Message) -> None:
    await asyncio.Event().wait()


def _reader(seats: Seats, send: Send, count: int = 3) -> "asyncio.Task[None]":
    async def read() -> None:
        with seats.seat() as seat:
            chunks = iter([b"x"] * count)
            await send_pieces(chunks, _stays, send, seconds=60, seat=seat)

    return asyncio.create_task(read())


def test_who_does_not_read_makes_room_the_longest_first() -> None:
    async def body() -> None:
        seats = Seats(most=2)
        first = _reader(seats, _never)
        await asyncio.sleep(0.1)
        second = _reader(seats, _never)
        await asyncio.sleep(1)
        third = _reader(seats, _never)
        await asyncio.sleep(0.01)
        assert (first.cancelled(), second.cancelled(), third.done()) == (True, False, False)
        second.cancel()
        third.cancel()

    run(body())


def test_who_reads_keeps_the_seat_and_who_is_too_many_is_told_so() -> None:
    async def body() -> None:
        seats = Seats(most=2)

        async def slowly(message: Message) -> None:
            await asyncio.sleep(0.2)

        tasks = [_reader(seats, slowly, 50) for _ in range(2)]
        for _ in range(5):
            await asyncio.sleep(0.3)
            with pytest.raises(CrowdedError):
                await _reader(seats, slowly)
        await asyncio.gather(*tasks)
        await _reader(seats, slowly)

    run(body())


def test_one_piece_of_all_answers_is_made_in_a_turn() -> None:
    async def body() -> None:
        turns: list[int] = []
        turn = 0

        async def count() -> None:
            nonlocal turn
            while True:
                turn += 1
                await asyncio.sleep(0)

        def chunks() -> "list[bytes]":
            return [b"x"] * 20

        class Noted:
            def __init__(self) -> None:
                self._left = iter(chunks())

            def __iter__(self) -> "Noted":
                return self

            def __next__(self) -> bytes:
                turns.append(turn)
                return next(self._left)

        async def take(message: Message) -> None:
            pass

        making = Turns(most=0)
        counting = asyncio.create_task(count())
        await asyncio.gather(
            *(send_pieces(Noted(), _stays, take, seconds=60, making=making) for _ in range(10))
        )
        counting.cancel()
        assert len(turns) == 210
        assert max(turns.count(each) for each in set(turns)) <= 2

    run(body())
