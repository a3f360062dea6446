"""An access key that is rejected again and again is paused before the platform locks it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest

from exporter.auth.guard import RejectionGuard
from exporter.errors import FetchError, Reason
from tests.upstream.client.api_service import Reply, Setup, fail, reply, slow
from tests.virtual_time import run


def _after(setup: Setup, count: int) -> Coroutine[Any, Any, list[Any]]:
    async def ask() -> list[Any]:
        return [await setup.fetch() for _ in range(count)]

    return ask()


def test_third_rejection_pauses_the_key_and_nothing_more_is_sent() -> None:
    async def scenario() -> tuple[list[Any], Setup]:
        setup = Setup(reply(401), guard=True)
        return await _after(setup, 5), setup

    errors, setup = run(scenario())
    assert len(setup.service.requests) == 3
    assert [error.reason for error in errors] == [Reason.AUTH] * 5
    assert [error.status for error in errors] == [401, 401, 401, None, None]
    assert "paused for another 330 s" in errors[4].detail
    assert setup.counted() == {("ListJobs", "401"): 3}


def test_no_more_than_three_rejections_leave_when_many_ask_at_once() -> None:
    async def scenario() -> Setup:
        setup = Setup(slow(1.0, reply(401)), guard=True, slots=50)
        await asyncio.gather(*(setup.fetch() for _ in range(50)))
        return setup

    assert len(run(scenario()).service.requests) == 3


def test_paused_key_is_tried_with_one_request_when_the_pause_is_over() -> None:
    async def scenario() -> tuple[list[Any], Setup]:
        setup = Setup(reply(401), reply(401), reply(401), slow(1.0), guard=True)
        await _after(setup, 3)
        await asyncio.sleep(331)
        answers = await asyncio.gather(*(setup.fetch() for _ in range(4)))
        return answers, setup

    answers, setup = run(scenario())
    assert answers == [{}] * 4
    assert setup.service.times[3:] == pytest.approx([331.0, 332.0, 332.0, 332.0])


@pytest.mark.parametrize(
    ("between", "sent"),
    [
        (reply(200), 5),
        (reply(400, b'{"error_code": "DLI.16001"}'), 5),
        (reply(404), 4),
        (reply(403), 4),
        (reply(429, headers={"retry-after": "60"}), 4),
        (reply(501), 4),
        (fail(httpx.DecodingError("x")), 4),
    ],
)
def test_only_an_answer_that_took_the_key_ends_a_row_of_rejections(
    between: Reply, sent: int
) -> None:
    async def scenario() -> Setup:
        rejected = reply(401)
        setup = Setup(rejected, rejected, between, rejected, rejected, guard=True)
        await _after(setup, 5)
        return setup

    assert len(run(scenario()).service.requests) == sent


def test_guard_does_not_stop_tries_that_were_not_rejected() -> None:
    async def scenario() -> Setup:
        setup = Setup(reply(503), guard=True)
        await _after(setup, 4)
        return setup

    assert len(run(scenario()).service.requests) == 12


def test_credentials_that_do_not_come_are_waited_for_as_long_as_for_an_answer() -> None:
    class Never:
        async def chosen(self) -> RejectionGuard:
            await asyncio.sleep(3600)
            raise AssertionError("nobody waits for it")

    async def scenario() -> tuple[FetchError, float, int]:
        setup = Setup(guard=Never(), timeout=10.0)
        error = await setup.failure()
        return error, asyncio.get_running_loop().time(), len(setup.service.requests)

    error, took, sent = run(scenario())
    assert (error.reason, error.detail) == (
        Reason.TIMEOUT,
        "the credentials were not there in time",
    )
    # Tried once more, as what hangs is.
    assert 20 <= took < 21
    assert sent == 0
