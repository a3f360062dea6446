"""Clients of a source share its limits, and logins go past them."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.upstream.refusals.plain import read_refusal
from tests.upstream.connectors import open_connector, requests_counted
from tests.virtual_time import run, virtual_world


class Counting:
    """Answer every request, and remember when each came."""

    def __init__(self, answer: httpx.Response | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.times: list[float] = []
        self._answer = answer

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1.0)
        return self._answer or httpx.Response(200, content=b"{}")


def test_clients_of_a_source_share_its_rate_and_its_slots() -> None:
    async def scenario(**limits: Any) -> list[float]:
        service = Counting()
        runtime = virtual_world(httpx.MockTransport(service))
        connector, _ = open_connector(runtime, **limits)
        one = connector.api("https://one.example", read_refusal=read_refusal)
        two = connector.api("https://two.example", read_refusal=read_refusal)
        await asyncio.gather(*(api.get("Op", ("x",)) for api in (one, two) * 2))
        return service.times

    assert run(scenario(rate_limit=1, concurrency=9)) == pytest.approx([0, 1, 2, 3])
    assert run(scenario(rate_limit=99, concurrency=1)) == pytest.approx([0, 1, 2, 3])
    assert run(scenario(rate_limit=99, concurrency=2)) == pytest.approx([0, 0, 1, 1])


def test_client_sends_the_headers_it_was_made_with() -> None:
    async def scenario() -> httpx.Request:
        service = Counting()
        connector, _ = open_connector(virtual_world(httpx.MockTransport(service)))
        api = connector.api(
            "https://api.example/base/", read_refusal=read_refusal, headers={"workspace": "w"}
        )
        await api.get("Op", ("x",))
        return service.requests[0]

    request = run(scenario())
    assert str(request.url) == "https://api.example/base/x"
    assert request.headers["workspace"] == "w"


def test_login_is_counted_but_neither_paced_nor_repeated() -> None:
    async def scenario() -> tuple[list[float], dict[tuple[str, str], float], int]:
        service = Counting(httpx.Response(503))
        connector, telemetry = open_connector(
            virtual_world(httpx.MockTransport(service)), rate_limit=0.001, concurrency=1
        )
        request = httpx.Request("POST", "https://iam.example/v3/auth/tokens", content=b"{}")
        answers = await asyncio.gather(*(connector.send(request, "Login") for _ in range(3)))
        await connector.aclose()
        return service.times, requests_counted(telemetry), answers[0].status_code

    times, counted, status = run(scenario())
    assert (times, counted, status) == ([0.0] * 3, {("Login", "503"): 3}, 503)


def test_login_that_has_no_answer_is_a_fetch_error() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        return httpx.Response(200)

    async def scenario() -> tuple[FetchError, float]:
        connector, _ = open_connector(virtual_world(httpx.MockTransport(hang)))
        with pytest.raises(FetchError) as caught:
            await connector.send(httpx.Request("POST", "https://iam.example/"), "Login")
        return caught.value, asyncio.get_running_loop().time()

    error, now = run(scenario())
    assert (error.reason, error.operation) == (Reason.TIMEOUT, "Login")
    # Sooner than the request that waits for it: the failure is told as that of the login.
    assert now == pytest.approx(3.75)


def test_login_is_not_redirected() -> None:
    async def scenario() -> tuple[int, int]:
        service = Counting(httpx.Response(302, headers={"location": "https://evil.example/"}))
        connector, _ = open_connector(virtual_world(httpx.MockTransport(service)))
        answer = await connector.send(httpx.Request("POST", "https://iam.example/"), "Login")
        return answer.status_code, len(service.requests)

    assert run(scenario()) == (302, 1)


def test_answer_of_a_login_is_ready_to_read_though_it_came_compressed() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield gzip.compress(b'{"token": 1}')

    async def scenario() -> httpx.Response:
        headers = {"content-encoding": "gzip", "x-subject-token": "t", "content-type": "text/json"}
        service = Counting(httpx.Response(201, headers=headers, content=body()))
        connector, _ = open_connector(virtual_world(httpx.MockTransport(service)))
        return await connector.send(httpx.Request("POST", "https://iam.example/"), "Login")

    answer = run(scenario())
    assert answer.json() == {"token": 1}
    assert answer.headers["x-subject-token"] == "t"
    assert "content-encoding" not in answer.headers
    assert str(answer.request.url) == "https://iam.example/"


def test_metadata_is_asked_through_the_transport_of_a_simulated_world() -> None:
    async def scenario() -> int:
        service = Counting()
        runtime = virtual_world(httpx.MockTransport(service))
        connector, _ = open_connector(runtime)
        await connector.send(httpx.Request("GET", f"{runtime.alibaba_metadata}/latest"), "metadata")
        return len(service.requests)

    assert run(scenario()) == 1


def test_nothing_can_be_asked_once_the_connector_is_closed() -> None:
    async def scenario() -> list[httpx.Request]:
        service = Counting()
        connector, _ = open_connector(virtual_world(httpx.MockTransport(service)))
        await connector.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await connector.send(httpx.Request("POST", "https://iam.example/"), "Login")
        return service.requests

    assert run(scenario()) == []
