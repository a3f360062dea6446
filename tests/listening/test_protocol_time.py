"""Connections that are too slow, idle or too many end, and scrapes go on meanwhile."""

import asyncio
import contextlib

import pytest

from tests.listening.served_protocol import GET, HOST, Place, calling, scene, until


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (b"", 10),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\n", 10),
        (b"POST /v1/report HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nabc", 40),
        (GET.replace(b"/metrics", b"/slow"), 90),
    ],
)
def test_who_is_too_slow_is_parted_with(data: bytes, seconds: float) -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(data)
            await until(lambda: len(place.state.connections) == 1)
            await asyncio.sleep(0.02)
            place.pass_time(seconds - 0.1)
            # Each further piece gives no further time.
            caller.send(b"X" if seconds < 90 and data else b"")
            await asyncio.sleep(0.02)
            place.pass_time(0.05)
            assert len(place.connections) == 1
            place.pass_time(0.1)
            assert await caller.ended()
            await until(lambda: not place.state.connections)

    scene(body)


def test_next_request_that_is_begun_and_not_ended_is_no_idle_connection() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET)
            assert await caller.status() == 200
            await asyncio.sleep(0.02)
            place.pass_time(100)
            caller.send(b"GET /metr")
            await asyncio.sleep(0.02)
            place.pass_time(10.1)
            assert await caller.ended()

    scene(body)


def test_head_that_begins_behind_another_request_has_its_time_from_the_answer_on() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            slow = GET.replace(b"/metrics", b"/slow")
            caller.send(slow)
            await until(lambda: len(place.asked) == 1)
            caller.send(b"GET /metr")
            await asyncio.sleep(0.02)
            place.pass_time(60)
            place.release.set()
            assert await caller.status() == 200
            await asyncio.sleep(0.02)
            place.pass_time(9)
            caller.send(b"ics HTTP/1.1\r\n" + HOST + b"\r\n")
            assert await caller.status() == 200
        place.release.clear()
        async with calling(place) as caller:
            caller.send(slow)
            await until(lambda: len(place.asked) == 3)
            caller.send(b"GET /metr")
            await asyncio.sleep(0.02)
            place.release.set()
            assert await caller.status() == 200
            await asyncio.sleep(0.02)
            place.pass_time(10.1)
            assert await caller.ended()

    scene(body)


def test_head_that_begins_behind_a_body_that_came_late_has_its_time() -> None:
    async def body(place: Place) -> None:
        place.read_first = False
        async with calling(place) as caller:
            report = b"POST /v1/report HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n"
            caller.send(report + b"ab")
            assert await caller.status() == 200
            caller.send(b"cde" + b"GET /metr")
            await asyncio.sleep(0.02)
            place.pass_time(9)
            assert len(place.connections) == 1
            place.pass_time(1.1)
            assert await caller.ended()

    scene(body)


def test_what_comes_when_the_connection_is_being_closed_is_not_read() -> None:
    async def body(place: Place) -> None:
        async with calling(place):
            await until(lambda: len(place.state.connections) == 1)
            (connection,) = place.state.connections
            connection.transport.close()
            connection.data_received(GET)
        assert place.asked == []

    scene(body)


def test_idle_connection_is_kept_for_the_next_scrape() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            for _ in range(3):
                caller.send(GET)
                assert await caller.status() == 200
                await asyncio.sleep(0.02)
                place.pass_time(179)
            place.pass_time(2)
            assert await caller.ended()

    scene(body)


def test_scrapes_go_on_while_others_hold_every_connection() -> None:
    async def body(place: Place) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(50):
                slow = await stack.enter_async_context(calling(place))
                slow.send(b"GET /metrics HTTP/1.1\r\n")
            for _ in range(20):
                async with calling(place) as caller:
                    caller.send(GET)
                    assert await caller.status() == 200
            assert len(place.connections) <= 5

    scene(body)


def test_connection_let_in_under_other_rules_ends_at_its_next_request() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET)
            assert await caller.status() == 200
            place.fresh = False
            caller.send(GET)
            assert await caller.status() == 0
        assert len(place.asked) == 1

    scene(body)


def test_connection_that_is_never_idle_ends_under_other_rules_as_well() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET + GET[:1])
            for _ in range(3):
                assert await caller.status() == 200
                caller.send(GET[1:] + GET[:1])
            assert await caller.status() == 200
            place.fresh = False
            caller.send(GET[1:] + GET[:1])
            assert await caller.status() == 0
        assert len(place.asked) == 4

    scene(body)


def test_request_sent_ahead_is_not_answered_under_other_rules() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET.replace(b"/metrics", b"/slow") + GET)
            await until(lambda: len(place.asked) == 1)
            place.fresh = False
            place.release.set()
            # What was begun with is brought to its end.
            assert await caller.status() == 200
            assert await caller.ended()
        assert place.asked == ["GET /slow"]

    scene(body)


def test_connection_beyond_the_limit_is_ended_when_all_others_are_being_answered() -> None:
    async def body(place: Place) -> None:
        async with contextlib.AsyncExitStack() as stack:
            callers = [await stack.enter_async_context(calling(place)) for _ in range(5)]
            for caller in callers:
                caller.send(GET.replace(b"/metrics", b"/slow"))
            await until(lambda: len(place.asked) == 5)
            async with calling(place) as late:
                assert await late.ended()
            place.release.set()
            assert [await caller.status() for caller in callers] == [200] * 5

    scene(body)
