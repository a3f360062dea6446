"""What follows a head, a body or more requests, is read in order, dropped or refused."""

import asyncio
import contextlib

import pytest

from tests.listening.served_protocol import GET, HOST, Place, calling, scene, until


def test_report_of_a_megabyte_arrives_whole_and_another_after_it() -> None:
    async def body(place: Place) -> None:
        report = b"x" * 1024 * 1024
        head = b"POST /v1/report HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n"
        async with calling(place) as caller:
            for _ in range(2):
                # The head of the next may come together with the end of a body.
                caller.send(head % len(report) + report)
            assert [await caller.status() for _ in range(2)] == [200, 200]
        assert place.bodies == [report, report]

    scene(body)


def test_few_bytes_where_none_are_asked_for_are_dropped() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            for _ in range(3):
                caller.send(b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}")
                assert await caller.status() == 200

    scene(body)


def test_chunks_without_end_where_none_are_asked_for_are_refused() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(b"POST /slow HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(9):
                caller.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
            assert await caller.status() == 413
            place.release.set()
            # The application, which was at it, does not answer as well.
            assert await caller.ended()

    scene(body)


def test_body_that_goes_on_after_its_answer_ends_the_connection() -> None:
    async def body(place: Place) -> None:
        place.read_first = False
        async with calling(place) as caller:
            head = b"POST /v1/report HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999\r\n\r\n"
            caller.send(head)
            assert await caller.status() == 200
            with contextlib.suppress(ConnectionError):
                for _ in range(48):
                    caller.send(b"x" * 65536)
                    await caller.writer.drain()
            assert await caller.ended()

    scene(body)


def test_refused_report_may_come_to_its_end_and_be_followed_by_another() -> None:
    async def body(place: Place) -> None:
        place.read_first = False
        async with calling(place) as caller:
            head = b"POST /v1/report HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n"
            for _ in range(2):
                caller.send(head)
                assert await caller.status() == 200
                caller.send(b"x" * 1000000)
            await until(lambda: len(place.asked) == 2)
            caller.send(GET)
            assert await caller.status() == 200

    scene(body)


def test_requests_sent_together_are_answered_in_their_order() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET * 10)
            assert [await caller.status() for _ in range(10)] == [200] * 10

    scene(body)


def test_too_many_requests_sent_together_end_the_connection() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET.replace(b"/metrics", b"/slow") * 30)
            assert await caller.ended()
        assert len(place.asked) <= 1

    scene(body)


def test_nonsense_after_a_request_that_is_being_answered_ends_the_connection() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET.replace(b"/metrics", b"/half"))
            await until(lambda: len(place.asked) == 1)
            caller.send(b"nonsense\r\n\r\n")
            with pytest.raises(asyncio.IncompleteReadError):
                await caller.reader.readuntil(b"ok")

    scene(body)
