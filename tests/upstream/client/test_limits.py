"""Requests keep to rate, slots and timeout, and throttling holds everyone back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from tests.upstream.client.api_service import Setup, reply, slow
from tests.virtual_time import run


def test_throttling_holds_everyone_back_and_is_counted() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(429, headers={"retry-after": "4"}), reply())
        first = asyncio.create_task(setup.fetch())
        await asyncio.sleep(0.1)
        await asyncio.gather(first, *(setup.fetch() for _ in range(3)))
        return setup

    setup = run(scenario())
    assert setup.service.times == pytest.approx([0.0, 4.0, 4.0, 4.0, 4.0], abs=1e-2)
    assert setup.own("streaming_exporter_api_throttled_total") == 1


def test_throttling_holds_no_longer_than_a_poll_can_wait() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(429, headers={"retry-after": "3600"}), reply())
        await setup.fetch()
        assert setup.bucket.held_for == 10.0
        await setup.fetch()
        return setup

    assert run(scenario()).service.times == pytest.approx([0.0, 10.0])


def test_refusal_that_is_no_throttling_holds_nobody() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(503, headers={"retry-after": "30"}), reply())
        await setup.fetch()
        await setup.fetch()
        return setup

    setup = run(scenario())
    assert setup.service.times == [0.0, 0.0]
    assert setup.own("streaming_exporter_api_throttled_total") is None


def test_requests_keep_to_the_rate() -> None:
    async def scenario() -> Setup:
        setup = Setup(rate=2.0)
        await asyncio.gather(*(setup.fetch() for _ in range(6)))
        return setup

    assert run(scenario()).service.times == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.5, 2.0])


def test_requests_in_flight_never_exceed_the_slots() -> None:
    async def scenario() -> Setup:
        setup = Setup(slow(1.0), slots=2)
        await asyncio.gather(*(setup.fetch() for _ in range(6)))
        return setup

    setup = run(scenario())
    assert setup.service.most_in_flight == 2
    assert setup.service.times == pytest.approx([0, 0, 1, 1, 2, 2])


def test_pause_before_the_next_try_takes_no_slot() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(503), slow(0.1), slots=1)
        await asyncio.gather(setup.fetch(), setup.fetch())
        return setup

    assert run(scenario()).service.times == pytest.approx([0.0, 0.0, 0.5])


def test_slow_answer_ends_by_the_timeout() -> None:
    async def scenario() -> tuple[FetchError, Setup, float]:
        setup = Setup(slow(3600), timeout=7.0)
        error = await setup.failure()
        return error, setup, asyncio.get_running_loop().time()

    error, setup, now = run(scenario())
    assert (error.reason, error.detail, error.status) == (Reason.TIMEOUT, "TimeoutError", None)
    assert setup.service.times == pytest.approx([0.0, 7.5])
    assert now == pytest.approx(14.5)
    assert setup.counted() == {("ListJobs", "timeout"): 2}


def test_slow_body_ends_by_the_timeout_though_each_piece_comes_soon() -> None:
    class Drip(httpx.AsyncByteStream):
        """A body that never ends, one byte every second."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(1.0)
                yield b" "

    async def scenario() -> tuple[FetchError, float]:
        setup = Setup(reply(body=Drip()), reply(404), timeout=7.0)
        return await setup.failure(), setup.service.times[1]

    error, second = run(scenario())
    assert error.reason is Reason.NOT_FOUND
    assert second == pytest.approx(7.5)


def test_waiting_for_rate_and_slot_is_no_part_of_the_timeout() -> None:
    async def scenario() -> list[Any]:
        setup = Setup(slow(5.0), rate=1.0, slots=1, timeout=7.0)
        return await asyncio.gather(*(setup.fetch() for _ in range(5)))

    assert run(scenario()) == [{}] * 5
