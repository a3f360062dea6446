"""Requests that ask for another protocol are answered as if they had not."""

import asyncio

import pytest

from tests.listening.served_protocol import GET, HOST, Place, calling, scene

JAVA = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)
"""What the HttpClient of Java sends with each first request over plain HTTP."""
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
POST = b"POST /v1/report HTTP/1.1\r\n" + HOST + JAVA
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: a\r\n\r\n"
REPORTS = [b"Content-Length: 5\r\n\r\nabcde", CHUNKED]


@pytest.mark.parametrize("rest", REPORTS, ids=["length", "chunks"])
def test_report_arrives_whole_however_it_is_cut(rest: bytes) -> None:
    data = POST + rest

    async def body(place: Place) -> None:
        for place_of_cut in range(len(data) - len(rest) - 4, len(data)):
            async with calling(place) as caller:
                caller.send(data[:place_of_cut])
                await asyncio.sleep(0.001)
                caller.send(data[place_of_cut:] + GET)
                assert [await caller.status(), await caller.status()] == [200, 200]
            assert place.bodies.pop() == b"abcde"
            assert len(place.asked) == 2
            place.asked.clear()

    scene(body)


def test_reports_come_one_after_the_other_and_all_at_once() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send((POST + REPORTS[0] + GET + POST + REPORTS[1]) * 3)
            assert [await caller.status() for _ in range(9)] == [200] * 9
            for each in POST + REPORTS[1] + POST + REPORTS[0] + GET:
                caller.send(bytes([each]))
                await caller.writer.drain()
                await asyncio.sleep(0)
            assert [await caller.status() for _ in range(3)] == [200] * 3
        assert place.bodies == [b"abcde"] * 8
        assert len(place.asked) == 12

    scene(body)


def test_report_of_a_megabyte_arrives_whole() -> None:
    async def body(place: Place) -> None:
        report = bytes(range(256)) * 4096
        async with calling(place) as caller:
            caller.send(POST + b"Content-Length: %d\r\n\r\n" % len(report) + report)
            assert await caller.status() == 200
        assert place.bodies == [report]

    scene(body)


def test_report_that_waits_to_be_asked_for_is_asked_for() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            assert await caller.status() == 100
            caller.send(b"abcde" + GET)
            assert [await caller.status(), await caller.status()] == [200, 200]
        assert place.bodies == [b"abcde"]

    scene(body)


@pytest.mark.parametrize("rest", [b"\r\n", b"Content-Length: 0\r\n\r\n"])
@pytest.mark.parametrize("upgrade", [JAVA, WEBSOCKET])
def test_request_without_a_body_may_be_followed_by_others(upgrade: bytes, rest: bytes) -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            ask = b"GET /metrics HTTP/1.1\r\n" + HOST + upgrade + rest
            caller.send(ask + ask + GET)
            assert [await caller.status() for _ in range(3)] == [200] * 3
            caller.send(ask)
            assert await caller.status() == 200
            caller.send(GET)
            assert await caller.status() == 200

    scene(body)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_report_of_a_connection_that_shall_end_arrives_whole(version: bytes) -> None:
    async def body(place: Place) -> None:
        for rest in REPORTS:
            async with calling(place) as caller:
                close = JAVA.replace(b": Upgrade", b": close, Upgrade")
                head = b"POST /v1/report HTTP/" + version + b"\r\n" + HOST + close
                caller.send(head)
                await asyncio.sleep(0.001)
                caller.send(rest)
                assert await caller.status() == 200
                assert await caller.ended()
        assert place.bodies == [b"abcde", b"abcde"]

    scene(body)


def test_words_of_another_protocol_are_refused() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(b"GET /metrics HTTP/1.1\r\n" + HOST + WEBSOCKET + b"\r\n")
            assert await caller.status() == 200
            caller.send(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
            assert await caller.status() == 400
            assert await caller.ended()

    scene(body)


@pytest.mark.parametrize(
    "rest",
    [
        b"Transfer-Encoding: gzip\r\n\r\nabc",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"Content-Length: -5\r\n\r\nabcdef",
        b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
)
def test_body_that_is_none_is_refused(rest: bytes) -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(POST + rest)
            assert await caller.status() == 400
            assert await caller.ended()
        assert place.bodies == []

    scene(body)


def test_body_where_none_is_asked_for_is_bounded() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            head = b"POST /metrics HTTP/1.1\r\n" + HOST + JAVA
            caller.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
            caller.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            assert await caller.status() in (200, 413)
            caller.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            assert await caller.ended()

    scene(body)
