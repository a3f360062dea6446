"""Requests and answers pass as they are, with nothing of aiohttp's choice in them."""

import asyncio
import gzip
import zlib
from collections.abc import Callable

import httpx
import pytest

from exporter.auth import canonical
from tests.upstream.transport_peer import Peer, client, serving


@pytest.mark.parametrize(
    "target",
    [
        "/",
        canonical.path("jobs", "订单 实时/~*+%&=?#;:@!$'()[]{}|\\^`\"<>,"),
        "/a%2Fb%2a%2A/%7E?b=%20&a=%2B&a=1",
        "/v1//double/?x",
    ],
)
def test_target_is_sent_byte_by_byte(target: str) -> None:
    async def scenario() -> Peer:
        async with serving() as peer, client() as asking:
            await asking.ask(f"http://127.0.0.1:{peer.port}{target}")
        return peer

    (request,) = asyncio.run(scenario()).requests
    assert request.split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


def test_headers_are_sent_in_order_as_they_are_written_and_none_is_added() -> None:
    async def scenario() -> tuple[int, list[bytes]]:
        async with serving() as peer, client() as asking:
            headers = [("x-B", "2"), ("X-a", "1"), ("X-Sdk-Date", "20240101T000000Z"), ("x-B", "3")]
            await asking.ask(f"http://127.0.0.1:{peer.port}/", headers=headers)
        return peer.port, peer.requests

    port, (request,) = asyncio.run(scenario())
    assert request.decode().split("\r\n")[1:] == [
        f"Host: 127.0.0.1:{port}",
        *("x-B: 2", "X-a: 1", "X-Sdk-Date: 20240101T000000Z", "x-B: 3"),
        *("", ""),
    ]


def test_body_is_sent_with_its_length_and_without_a_type_of_aiohttps_choice() -> None:
    async def scenario() -> Peer:
        async with serving() as peer, client() as asking:
            await asking.ask(f"http://127.0.0.1:{peer.port}/", "POST", content='{"名": 1}'.encode())
            await asking.ask(f"http://127.0.0.1:{peer.port}/", "POST", content=b"")
        return peer

    full, empty = asyncio.run(scenario()).requests
    assert full.endswith('\r\n\r\n{"名": 1}'.encode())
    assert b"content-type" not in full.lower()
    assert b"content-length: 0\r\n" in empty.lower()


def test_host_header_is_the_one_that_was_signed() -> None:
    async def scenario() -> Peer:
        async with serving() as peer, client() as asking:
            url = f"http://127.0.0.1:{peer.port}/"
            await asking.ask(url, headers={"Host": "dli.example"})
        return peer

    (request,) = asyncio.run(scenario()).requests
    assert request.lower().count(b"host:") == 1
    assert b"\r\nHost: dli.example\r\n" in request


def test_answer_has_its_status_headers_and_body() -> None:
    answer = (
        b"HTTP/1.1 404 Gone Away\r\nX-Request-Id: r\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        b"Content-Length: 4\r\n\r\nnone"
    )

    async def scenario() -> httpx.Response:
        async with serving(answer) as peer, client() as asking:
            return await asking.ask(f"http://127.0.0.1:{peer.port}/")

    response = asyncio.run(scenario())
    assert (response.status_code, response.text) == (404, "none")
    assert response.headers["x-request-id"] == "r"
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_cookies_are_not_sent_back() -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> Peer:
        async with serving(answer) as peer, client() as asking:
            for _ in range(2):
                await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return peer

    assert not any(b"cookie" in request.lower() for request in asyncio.run(scenario()).requests)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    answer = f"HTTP/1.1 {status} Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> tuple[int, int]:
        async with serving(answer.encode()) as peer, client() as asking:
            response = await asking.ask(f"http://127.0.0.1:{peer.port}/")
        return response.status_code, len(peer.requests)

    assert asyncio.run(scenario()) == (status, 1)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_body_is_decompressed_once(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    # Once each: gzip writes the time into what it packs.
    once = pack(b"text")
    packed = pack(once)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n"

    async def scenario() -> httpx.Response:
        async with serving(head.encode() + b"\r\n" + packed) as peer, client() as asking:
            return await asking.ask(f"http://127.0.0.1:{peer.port}/")

    assert asyncio.run(scenario()).content == once


def test_large_body_comes_in_pieces_of_bounded_size() -> None:
    size = 3_000_000
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size

    async def scenario() -> list[int]:
        async with serving(answer) as peer, client() as asking:
            request = httpx.Request("GET", f"http://127.0.0.1:{peer.port}/")
            response = await asking.client.send(
                request, auth=None, follow_redirects=False, stream=True
            )
            sizes = [len(piece) async for piece in response.aiter_raw()]
            await response.aclose()
            return sizes

    sizes = asyncio.run(scenario())
    assert sum(sizes) == size
    assert max(sizes) <= 65536


def test_answer_in_chunks_without_a_length_is_read_to_its_end() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\n \r\n0\r\n\r\n"

    async def scenario() -> tuple[bytes, int]:
        async with serving(answer) as peer, client() as asking:
            first = await asking.ask(f"http://127.0.0.1:{peer.port}/")
            await asking.ask(f"http://127.0.0.1:{peer.port}/")
            return first.content, peer.connections

    assert asyncio.run(scenario()) == (b"{} ", 1)
