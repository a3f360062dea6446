"""Requests that are too large or odd are refused before anything is done about them."""

import asyncio

import pytest

from exporter.listening.headers import DEFAULT_HEADERS
from tests.listening.served_protocol import HOST, Place, calling, scene, until


@pytest.mark.parametrize(
    ("request_line", "path"),
    [
        (b"GET /metrics HTTP/1.1", "/metrics"),
        (b"GET http://elsewhere.example/metrics HTTP/1.1", "/metrics"),
        (b"GET //metrics HTTP/1.1", "//metrics"),
        (b"GET /../metrics HTTP/1.1", "/../metrics"),
        (b"GET /%2e%2e/etc/passwd HTTP/1.1", "/../etc/passwd"),
        (b"GET /metrics%00.html HTTP/1.1", "/metrics\0.html"),
        (b"GET /metrics?a=b#c HTTP/1.1", "/metrics"),
        (b"OPTIONS * HTTP/1.1", "*"),
        (b"GET /%ff HTTP/1.1", "/\ufffd"),
        (b"GET /" + b"a" * 8000 + b" HTTP/1.1", "/" + "a" * 8000),
    ],
)
def test_target_is_handed_on_as_it_is_meant(request_line: bytes, path: str) -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(request_line + b"\r\n" + HOST + b"\r\n")
            assert await caller.status() == 200
        assert place.asked == [f"{request_line.split()[0].decode()} {path}"]

    scene(body)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET /metrics HTTP/9.9\r\n" + HOST + b"\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"CONNECT elsewhere.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET http://elsewhere.example HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET metrics HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: <script>\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: " + b"a" * 256 + b"\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.0\r\nHost: a@b\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n" + HOST + b"A: b\x00c\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n", 400),
        (
            b"POST /v1/report HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST /v1/report HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
        (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET /a HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 16384 + b"\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 100 + b"\r\n", 431),
        # These never end their head.
        (b"GET /a HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 16384, 431),
        (b"GET /" + b"a" * 20000, 431),
        (b"\r\n" * 10000, 431),
        (b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 8193\r\n\r\n", 413),
        pytest.param(
            b"POST /slow HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"0" * 5000 + b"8193\r\n\r\n",
            413,
            id="thousands of zeros",
        ),
        (b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
    ],
)
def test_request_that_is_odd_or_too_large_is_refused(data: bytes, status: int) -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(data)
            assert await caller.status() == status
            for name, value in (*DEFAULT_HEADERS, (b"connection", b"close")):
                assert name + b": " + value + b"\r\n" in caller.head
            # Nothing of the request comes back.
            assert len(caller.body) < 40
            assert await caller.ended()
        assert place.asked == []
        await until(lambda: len(place.connections) == 0)

    scene(body)


@pytest.mark.parametrize(
    "host", [b"exporter", b"exporter:10370", b"[::1]:10370", b"192.0.2.1", b"", b"a_b.c-d.e"]
)
def test_usual_hosts_are_accepted(host: bytes) -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(b"GET /metrics HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            assert await caller.status() == 200

    scene(body)


def test_request_of_http_1_0_needs_no_host() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(b"GET /metrics HTTP/1.0\r\n\r\n")
            assert await caller.status() == 200
            assert await caller.ended()

    scene(body)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_answer_without_a_length_has_no_chunks_for_who_knows_none(method: bytes) -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(method + b" /endless HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = await asyncio.wait_for(caller.reader.read(), 20)
            head, _, content = answer.partition(b"\r\n\r\n")
            status, *fields = head.lower().split(b"\r\n")
            assert status == b"http/1.1 200 ok"
            # Older versions of uvicorn do not say what a client of HTTP/1.0 expects anyhow.
            assert fields in ([], [b"connection: close"])
            assert content == (b"a" * 70_000 + b"bc" if method == b"GET" else b"")
        async with calling(place) as caller:
            caller.send(b"GET /endless HTTP/1.1\r\n" + HOST + b"\r\n")
            head = await caller.reader.readuntil(b"\r\n\r\n")
            assert b"transfer-encoding: chunked" in head
            assert await caller.reader.readuntil(b"\r\n") == b"11170\r\n"

    scene(body)


def test_request_for_another_protocol_is_answered_in_this_one_and_the_connection_goes_on() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
            for _ in range(2):
                caller.send(b"GET /metrics HTTP/1.1\r\n" + HOST + upgrade + b"\r\n")
                assert await caller.status() == 200

    scene(body)


def test_large_head_in_many_pieces_is_refused() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(b"GET /metrics HTTP/1.1\r\n" + HOST)
            for _ in range(40):
                caller.send(b"A: " + b"b" * 1000 + b"\r\n")
                await asyncio.sleep(0.001)
            # What is still being sent when it is closed can undo the answer.
            assert await caller.status() in (431, 0)
        assert place.asked == []

    scene(body)
