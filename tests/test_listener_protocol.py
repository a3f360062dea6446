"""Requests that are too large, too slow or odd are refused before anything is done about them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from exporter.listening.connections import Connections
from exporter.listening.headers import DEFAULT_HEADERS
from exporter.listening.protocol import BoundedProtocol
from tests.auth_tools import Clock

HOST = b"Host: exporter\r\n"
GET = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"


async def until(fact: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells of."""
    async with asyncio.timeout(20):
        while not fact():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class Place:
    """A server in the loop of the test, whose clock is moved by hand."""

    def __init__(self) -> None:
        self.clock = Clock(0.0)
        self.connections = Connections(monotonic=self.clock, most=5)
        self.state = ServerState()
        self.fresh = True
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        self.release = asyncio.Event()
        self.read_first = True
        self.port = 0

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['method']} {scope['path']}")
        if scope["path"] == "/v1/report":
            body = b""
            while self.read_first:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            self.bodies.append(body)
        if scope["path"] == "/slow":
            await self.release.wait()
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/half":
            await send({"type": "http.response.body", "body": b"o", "more_body": True})
            await self.release.wait()
            await send({"type": "http.response.body", "body": b"k"})
            return
        await send({"type": "http.response.body", "body": b"ok"})

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.connections.sweep()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        config = uvicorn.Config(
            self.app,
            http=BoundedProtocol,
            ws="none",
            interface="asgi3",
            log_config=None,
            # The server's own idea of patience must not count.
            timeout_keep_alive=0,
        )

        def speak() -> BoundedProtocol:
            return BoundedProtocol(
                config,
                self.state,
                {},
                connections=self.connections,
                fresh=lambda: self.fresh,
                bodies_at=(b"/v1/",),
            )

        loop = asyncio.get_running_loop()
        server = await loop.create_server(speak, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            self.release.set()
            server.close()
            for connection in list(self.state.connections):
                connection.transport.abort()
            await until(lambda: not self.state.connections and not self.state.tasks)


class Caller:
    """One connection to the place."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def status(self) -> int:
        """Read the next answer; return its status, or 0 when the connection has ended."""
        try:
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        self.head = head
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or b"0")
        self.body = await self.reader.readexactly(length)
        return int(head.split()[1])

    async def ended(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), 20) == b""
        except ConnectionError:
            return True


@contextlib.asynccontextmanager
async def calling(place: Place) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


def scene(body: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        place = Place()
        async with place.open():
            await body(place)

    asyncio.run(play())


# What a request may look like.


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


def test_request_for_another_protocol_is_answered_in_this_one_and_the_connection_ends() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
            caller.send(b"GET /metrics HTTP/1.1\r\n" + HOST + upgrade + b"\r\n")
            assert await caller.status() == 200
            assert await caller.ended()

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


# Bodies.


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


# Several requests on a connection.


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


# Time.


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
