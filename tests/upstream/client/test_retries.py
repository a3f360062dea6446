"""A request is tried again, after a pause, when that may work in a moment."""

from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.upstream.refusals import alibaba
from tests.upstream.client.api_service import Reply, Setup, fail, reply
from tests.virtual_time import run


@pytest.mark.parametrize(
    ("replies", "times"),
    [
        ([reply(500), reply()], [0.0, 0.5]),
        ([reply(502), reply(503), reply()], [0.0, 0.5, 1.5]),
        ([fail(httpx.ConnectError("x")), reply()], [0.0, 0.5]),
        ([fail(httpx.ReadTimeout("x")), reply(504), reply()], [0.0, 0.5, 1.5]),
        ([reply(408), reply()], [0.0, 0.5]),
        ([reply(400, b'{"error_code": "DLI.0999"}'), reply()], [0.0, 0.5]),
        ([reply(503, headers={"retry-after": "3"}), reply()], [0.0, 3.0]),
        ([reply(503, headers={"retry-after": "0"}), reply()], [0.0, 0.0]),
        ([reply(503, headers={"retry-after": "10"}), reply()], [0.0, 10.0]),
        ([reply(503, headers={"retry-after": "soon"}), reply()], [0.0, 0.5]),
        ([reply(503, headers={"retry-after": "Tue, 14 Nov 2023 22:13:26 GMT"}), reply()], [0, 6]),
        ([reply(429), reply()], [0.0, 1.0]),
        ([reply(429, headers={"retry-after": "4"}), reply()], [0.0, 4.0]),
        ([reply(429, headers={"retry-after": "0"}), reply()], [0.0, 1.0]),
    ],
)
def test_request_is_repeated_after_a_pause_when_it_may_work_in_a_moment(
    replies: list[Reply], times: list[float]
) -> None:
    async def scenario() -> tuple[Any, Setup]:
        setup = Setup(*replies)
        return await setup.fetch(), setup

    answer, setup = run(scenario())
    assert answer == {}
    assert setup.service.times == pytest.approx(times)
    assert len(set(setup.service.targets)) == 1


def test_request_is_given_up_after_the_third_try() -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(reply(500), reply(502), reply(503))
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert error.status == 503
    assert setup.service.times == pytest.approx([0.0, 0.5, 1.5])
    assert setup.counted() == {("ListJobs", code): 1 for code in ("500", "502", "503")}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(400), Reason.SERVER),
        (reply(401), Reason.AUTH),
        (reply(403), Reason.AUTH),
        (reply(404), Reason.NOT_FOUND),
        (reply(501), Reason.SERVER),
        (reply(400, b'{"error_code": "DLI.16001"}'), Reason.NOT_FOUND),
        (reply(200, b'{"is_success": false}'), Reason.SERVER),
        (reply(200, b"<html>"), Reason.INVALID_RESPONSE),
        (reply(503, headers={"retry-after": "11"}), Reason.SERVER),
        (reply(429, headers={"retry-after": "3600"}), Reason.THROTTLED),
    ],
)
def test_request_is_not_repeated_when_that_would_not_help(answer: Reply, reason: Reason) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(answer)
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert error.reason is reason
    assert len(setup.service.requests) == 1


def test_pause_that_ends_the_poll_is_told_to_the_caller() -> None:
    async def scenario() -> FetchError:
        return await Setup(reply(429, headers={"retry-after": "3600"})).failure()

    assert run(scenario()).retry_after == 3600.0


def test_pause_of_the_vendors_own_header_wins_over_retry_after() -> None:
    async def scenario() -> list[float]:
        setup = Setup(
            reply(
                503, b'{"Code": "Throttling"}', {"x-acs-retry-after": "2500", "retry-after": "9"}
            ),
            reply(),
            read_refusal=alibaba.read_refusal,
        )
        await setup.fetch()
        return setup.service.times

    assert run(scenario()) == pytest.approx([0.0, 2.5])
