"""Large answers of all sources share a budget, and what is too much says so."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.pacing import TokenBucket
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.budget import SMALL, AnswerBudget
from exporter.upstream.exchange import Limits, exchange
from exporter.upstream.refusals import Answer
from tests.virtual_time import run, virtual_world

MB = 1024 * 1024


class Slow(httpx.AsyncByteStream):
    """A body that takes a second for each megabyte."""

    def __init__(self, size: int, began: list[float]) -> None:
        self._size = size
        self._began = began

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        yield b'"'
        for _ in range(self._size):
            self._began.append(loop.time())
            await asyncio.sleep(1)
            yield b" " * MB
        yield b'"'


async def ask(
    budget: AnswerBudget,
    response: httpx.Response,
    *,
    timeout: float = 60.0,
    source: str = "s",
    **changes: Any,
) -> Answer:
    world = virtual_world(httpx.MockTransport(lambda request: response))
    bucket = TokenBucket(10, burst=1, clock=world.monotonic, sleep=world.sleep)
    limits = Limits(
        bucket=bucket, slots=asyncio.Semaphore(1), timeout=timeout, budget=budget, **changes
    )

    async def send() -> httpx.Response:
        return response

    return await exchange(
        send,
        operation="ListJobs",
        source=source,
        telemetry=Telemetry(),
        monotonic=world.monotonic,
        limits=limits,
    )


def slow(size: int, began: list[float], *, length: int | None = None) -> httpx.Response:
    headers = {} if length is None else {"content-length": str(length)}
    return httpx.Response(200, headers=headers, stream=Slow(size, began))


def test_answers_that_do_not_fit_together_come_one_after_the_other() -> None:
    async def scenario() -> list[list[float]]:
        budget = AnswerBudget(most_moderate=8 * MB)
        began: list[list[float]] = [[], [], []]
        await asyncio.gather(*(ask(budget, slow(4, each, length=4 * MB + 2)) for each in began))
        return began

    began = run(scenario())
    # The first megabyte of each is small; what follows has to find room.
    assert len({times[0] for times in began}) == 1
    (_, one), (two, three), (four, _) = sorted((times[1], times[-1]) for times in began)
    assert two >= one + 1
    assert four >= three + 1


def test_answer_that_finds_no_room_in_time_is_late_and_takes_none() -> None:
    async def scenario() -> None:
        budget = AnswerBudget(most_moderate=4 * MB)
        first = asyncio.create_task(ask(budget, slow(20, []), largest_answer=4 * MB))
        await asyncio.sleep(0.5)
        with pytest.raises(FetchError) as caught:
            await ask(budget, slow(3, []), timeout=5.0, largest_answer=4 * MB)
        assert caught.value.reason is Reason.TIMEOUT
        with pytest.raises(FetchError, match="larger than"):
            await first
        # All room has come back.
        await ask(budget, slow(3, []), largest_answer=4 * MB)

    run(scenario())


def test_answer_of_the_usual_size_does_not_wait_behind_the_largest() -> None:
    async def scenario() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        budget = AnswerBudget()
        largest = [asyncio.create_task(ask(budget, slow(40, []), timeout=600.0)) for _ in range(5)]
        # Two are read, three wait for them; and one that has been read is decoded.
        await asyncio.sleep(30)
        async with budget.decoding(40 * MB):
            before = loop.time()
            await ask(budget, slow(3, [], length=3 * MB + 2))
            took = loop.time() - before
        # Forty megabytes of blanks are no listing.
        refused = await asyncio.gather(*largest, return_exceptions=True)
        assert all("beside the rows" in str(each) for each in refused)
        return took, loop.time()

    took, all_took = run(scenario())
    assert took < 4
    assert all_took > 100


class Stalled(httpx.AsyncByteStream):
    """A body that begins and never ends."""

    def __init__(self, size: int) -> None:
        self._size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'"' + b" " * self._size
        await asyncio.sleep(3600)


@pytest.mark.parametrize("how", ["in chunks", "compressed", "announced", "announced as large"])
@pytest.mark.parametrize("size", [2, 20])
def test_source_whose_answers_stall_leaves_room_for_others(how: str, size: int) -> None:
    headers = {"announced": str(8 * MB), "announced as large": str(64 * MB)}
    if how == "announced":
        size = min(size, 7)
    length = {"content-length": headers[how]} if how in headers else {}
    if how == "compressed":
        # What it is compressed with is known only to itself.
        length = {"content-encoding": "br"}

    def healthy() -> list[httpx.Response]:
        body = b'"' + b"x" * 3 * MB + b'"'
        packed = {"content-encoding": "gzip"}
        return [
            httpx.Response(200, stream=Packed(body)),
            httpx.Response(200, stream=Packed(gzip.compress(body)), headers=packed),
            httpx.Response(200, content=body),
            httpx.Response(200, stream=Packed(b'"' + b"x" * 7 * MB + b'"')),
        ]

    async def scenario() -> float:
        budget = AnswerBudget()
        stalled = [
            asyncio.create_task(
                ask(
                    budget,
                    httpx.Response(200, headers=length, stream=Stalled(size * MB)),
                    source="hostile",
                    timeout=600.0,
                )
            )
            for _ in range(20)
        ]
        await asyncio.sleep(1)
        before = asyncio.get_running_loop().time()
        await asyncio.gather(*(ask(budget, each, source="healthy") for each in healthy()))
        took = asyncio.get_running_loop().time() - before
        for each in stalled:
            each.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)
        return took

    assert run(scenario()) < 1


def test_answers_of_many_sources_that_grow_do_not_wait_for_each_other_for_ever() -> None:
    async def scenario() -> list[float]:
        budget = AnswerBudget()
        began: list[list[float]] = [[] for _ in range(12)]
        await asyncio.gather(
            *(
                ask(budget, slow(20, each), source=f"s{number % 3}", timeout=900.0)
                for number, each in enumerate(began)
            ),
            return_exceptions=True,
        )
        assert all(len(each) == 20 for each in began)
        # And all of it has come back.
        before = asyncio.get_running_loop().time()
        await asyncio.gather(*(ask(budget, slow(3, []), source=f"t{n}") for n in range(4)))
        return [asyncio.get_running_loop().time() - before]

    (took,) = run(scenario())
    assert took < 4


def test_small_answers_need_no_room() -> None:
    async def scenario() -> None:
        budget = AnswerBudget(0, 0)
        body = b'"' + b" " * (SMALL - 2) + b'"'
        assert len((await ask(budget, httpx.Response(200, content=body))).document) > 1000

    run(scenario())


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 302])
def test_of_a_refusal_only_the_beginning_is_read(status: int) -> None:
    async def scenario() -> Answer:
        began: list[float] = []
        answer = await ask(AnswerBudget(0, 0), httpx.Response(status, stream=Slow(50, began)))
        assert len(began) <= 2
        return answer

    answer = run(scenario())
    assert (answer.status, answer.decoded()) == (status, None)


def test_blanks_of_a_bomb_come_in_steps() -> None:
    bomb = gzip.compress(b'{"jobs": []' + b" " * 60_000_000 + b"}")

    async def scenario() -> float:
        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            last = time.thread_time()
            while True:
                await asyncio.sleep(0)
                longest, last = max(longest, time.thread_time() - last), time.thread_time()

        watching = asyncio.create_task(watch())
        headers = {"content-encoding": "gzip"}
        with pytest.raises(FetchError, match="bytes beside the rows"):
            await ask(AnswerBudget(), httpx.Response(200, headers=headers, stream=Packed(bomb)))
        watching.cancel()
        return longest

    assert asyncio.run(scenario()) < 0.05


class Packed(httpx.AsyncByteStream):
    """A body that comes in one piece."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


@pytest.mark.parametrize("size", [5 * MB, 60 * MB])
def test_large_xml_is_refused(size: int) -> None:
    async def scenario() -> None:
        await ask(AnswerBudget(), httpx.Response(200, content=b"<a>" + b"x" * size + b"</a>"))

    with pytest.raises(FetchError, match="XML of more than 4194304 bytes"):
        run(scenario())
