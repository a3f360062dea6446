"""Every try is counted once with its time, and a login is none of the operation."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.errors import CredentialError, FetchError, Reason
from exporter.upstream.exchange import exchange
from exporter.upstream.refusals import Answer
from tests.upstream.client.api_service import BASE, Body, Setup, reply, slow
from tests.virtual_time import run


def test_every_try_is_counted_with_its_time() -> None:
    async def scenario() -> Setup:
        setup = Setup(slow(0.5, reply(503)), slow(2.0))
        await setup.fetch()
        return setup

    setup = run(scenario())
    assert setup.counted() == {("ListJobs", "503"): 1, ("ListJobs", "200"): 1}
    assert setup.own("streaming_exporter_api_request_duration_seconds_count") == 2
    assert setup.own("streaming_exporter_api_request_duration_seconds_sum") == pytest.approx(2.5)


def test_request_that_is_cancelled_is_counted_and_closed() -> None:
    body = Body(b"{", b"}")

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        return httpx.Response(200, stream=body)

    async def scenario() -> Setup:
        setup = Setup(hang, timeout=100_000)
        task = asyncio.create_task(setup.fetch())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return setup

    setup = run(scenario())
    assert setup.counted() == {("ListJobs", "canceled"): 1}
    assert setup.service.in_flight == 0


def test_request_that_an_ended_token_failed_is_counted_twice() -> None:
    class TokenAuth(httpx.Auth):
        """Send the request again with a new token when the first is refused."""

        def auth_flow(self, request: httpx.Request) -> Any:
            response = yield request
            if response.status_code == 401:
                yield request

    async def scenario() -> Setup:
        setup = Setup(reply(401), reply(), auth=TokenAuth())
        assert await setup.fetch() == {}
        return setup

    setup = run(scenario())
    assert len(setup.service.requests) == 2
    assert setup.counted() == {("ListJobs", "401"): 1, ("ListJobs", "200"): 1}


class LoginAuth(httpx.Auth):
    """Fail to log in, so that the request itself is never sent."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = iter(failures)

    async def async_auth_flow(self, request: httpx.Request) -> Any:
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        yield request


def test_failed_login_is_not_counted_as_a_request_of_the_operation() -> None:
    login = FetchError(Reason.AUTH, "Login", status=401, detail="refused")

    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(auth=LoginAuth(login))
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert error is login
    assert (setup.counted(), setup.service.requests) == ({}, [])


def test_failed_login_is_tried_again_when_it_may_work_in_a_moment() -> None:
    login = FetchError(Reason.SERVER, "Login", status=503, retryable=True, retry_after=2.0)

    async def scenario() -> tuple[Any, Setup]:
        setup = Setup(auth=LoginAuth(login, login))
        return await setup.fetch(), setup

    answer, setup = run(scenario())
    assert answer == {}
    assert setup.service.times == pytest.approx([4.0])
    assert setup.counted() == {("ListJobs", "200"): 1}


@pytest.mark.parametrize("guard", [False, True])
def test_missing_credentials_are_an_auth_failure_and_no_request(guard: bool) -> None:
    async def scenario() -> tuple[FetchError, Setup]:
        setup = Setup(auth=LoginAuth(CredentialError("no keys found")), guard=guard)
        return await setup.failure(), setup

    error, setup = run(scenario())
    assert str(error) == "ListJobs failed: auth, no keys found"
    assert not error.retryable
    assert (setup.counted(), setup.service.requests) == ({}, [])


def test_exchange_returns_an_answer_of_any_status() -> None:
    async def scenario() -> tuple[Answer, Setup]:
        setup = Setup(reply(503, b"busy"))
        http = httpx.AsyncClient(transport=httpx.MockTransport(setup.service))
        request = http.build_request("POST", BASE)
        answer = await exchange(
            lambda: http.send(request, stream=True),
            operation="Login",
            source="s",
            telemetry=setup.telemetry,
            monotonic=asyncio.get_running_loop().time,
            limits=setup.limits,
        )
        return answer, setup

    answer, setup = run(scenario())
    assert (answer.status, answer.body) == (503, b"busy")
    assert setup.counted() == {("Login", "503"): 1}
