"""Connections are shared, bounded, given back and closed."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from exporter.upstream.transport import PlainClient
from tests.upstream.transport_peer import HIDDEN, OK, Peer, client, serving


def test_connection_is_used_again() -> None:
    async def scenario() -> Peer:
        async with serving() as peer, client() as asking:
            for _ in range(5):
                await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return peer

    peer = asyncio.run(scenario())
    assert (len(peer.requests), peer.connections) == (5, 1)


def test_no_more_connections_are_open_to_a_host_than_allowed() -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.write(OK)

    async def scenario() -> tuple[Peer, Peer]:
        async with serving(slowly) as one, serving(slowly) as two, client(connections=3) as asking:
            urls = [f"http://127.0.0.1:{peer.port}/" for peer in (one, two) for _ in range(12)]
            await asyncio.gather(*(asking.ask(url) for url in urls))
        return one, two

    for peer in asyncio.run(scenario()):
        assert (len(peer.requests), peer.connections) == (12, 3)


def test_answer_that_is_not_read_to_its_end_costs_its_connection_and_no_other() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx"

    async def scenario() -> tuple[int, int]:
        async with serving(answer) as peer, client(connections=1) as asking:
            for _ in range(2):
                request = httpx.Request("GET", f"http://127.0.0.1:{peer.port}/")
                response = await asking.client.send(
                    request, auth=None, follow_redirects=False, stream=True
                )
                await response.aclose()
            return peer.connections, len(peer.requests)

    assert asyncio.run(scenario()) == (2, 2)


def test_cancelled_request_gives_its_place_back() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async def scenario() -> bytes:
        async with serving(never) as silent, serving() as peer, client(connections=1) as asking:
            for _ in range(3):
                task = asyncio.create_task(asking.ask(f"http://127.0.0.1:{silent.port}/"))
                await silent.asked.wait()
                silent.asked.clear()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            return (await asking.ask(f"http://127.0.0.1:{peer.port}/")).content

    assert asyncio.run(scenario()) == b"{}"


def test_connection_that_the_server_has_closed_is_replaced() -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> Peer:
        async with serving(answer) as peer, client() as asking:
            for _ in range(3):
                await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return peer

    assert asyncio.run(scenario()).connections == 3


def test_names_are_looked_up_once_for_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **values: Any) -> Any:
        looked_up.append(host)
        return real("127.0.0.1" if host == "dli.example" else host, *arguments, **values)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> int:
        async with serving(answer) as peer, client() as asking:
            for _ in range(4):
                await asking.ask(f"http://dli.example:{peer.port}/")
            return peer.connections

    assert asyncio.run(scenario()) == 4
    assert looked_up.count("dli.example") == 1


def test_nothing_is_left_open_after_closing() -> None:
    async def scenario() -> PlainClient:
        async with serving() as peer, client() as asking:
            await asyncio.gather(*(asking.ask(f"http://127.0.0.1:{peer.port}/") for _ in range(4)))
            await asking.client.aclose()
            await asking.client.aclose()
            await peer.idle.wait()
            with pytest.raises(RuntimeError, match="closed"):
                await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return asking.client

    assert asyncio.run(scenario()).is_closed
    # What was not closed warns when it is collected, and warnings are errors.
    gc.collect()


class TwoSteps(httpx.Auth):
    """Ask again with an answer to the first refusal."""

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = "again"
            yield request


def test_request_is_sent_again_as_its_authentication_asks() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nnope" if first() else OK)

    asked: list[int] = []

    def first() -> bool:
        asked.append(1)
        return len(asked) == 1

    async def scenario() -> tuple[httpx.Response, Peer]:
        async with serving(answer) as peer, client() as asking:
            return await asking.ask(f"http://127.0.0.1:{peer.port}/", auth=TwoSteps()), peer

    response, peer = asyncio.run(scenario())
    assert response.content == b"{}"
    assert [each.status_code for each in response.history] == [401]
    assert [b"Authorization: again" in request for request in peer.requests] == [False, True]


def test_authentication_that_fails_after_an_answer_lets_go_of_it() -> None:
    class Failing(httpx.Auth):
        async def async_auth_flow(
            self, request: httpx.Request
        ) -> AsyncGenerator[httpx.Request, httpx.Response]:
            yield request
            raise ValueError(HIDDEN)

    async def scenario() -> None:
        async with serving() as peer, client(connections=1) as asking:
            for _ in range(2):
                with pytest.raises(ValueError, match=HIDDEN):
                    await asking.ask(f"http://127.0.0.1:{peer.port}/", auth=Failing())
            assert (await asking.ask(f"http://127.0.0.1:{peer.port}/")).content == b"{}"

    asyncio.run(scenario())
