"""A connection whose answer nobody reads is not idle, and is the first to go."""

import asyncio

from starlette.types import Receive, Scope, Send

from exporter.listening.connections import Client, Connections, Phase
from tests.auth.tools import Clock
from tests.listening.served_protocol import HOST, Place, calling, until
from tests.listening.test_connections import Line

LARGE = 48 * 1024 * 1024


class LargePlace(Place):
    """Answers all at once with more than a connection takes that is not read."""

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"%d" % LARGE)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b" " * LARGE})


def _large(body: object) -> None:
    async def play() -> None:
        place = LargePlace()
        async with place.open():
            await body(place)  # type: ignore[operator]

    asyncio.run(play())


GET = b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n"


def _held(place: Place) -> int:
    everybody = [*place.connections._answered, *place.connections._awaited]
    return sum(client.pending() for client in everybody)


def test_answer_that_is_not_read_ends_in_the_time_for_answers() -> None:
    """It is all written at once, but a connection with bytes to send is not idle."""

    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET)
            await until(lambda: _held(place) > 0)
            await asyncio.sleep(0.2)
            for _ in range(6):
                # Something is read each time, so that it is not the lack of reading that ends it.
                place.pass_time(14)
                assert len(place.connections) == 1
                before = _held(place)
                while _held(place) == before:
                    await caller.reader.read(65536)
                    await asyncio.sleep(0)
            place.pass_time(7)
            assert len(place.connections) == 0

    _large(body)


def test_who_takes_nothing_for_long_is_ended_whatever_it_asks_meanwhile() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET)
            await until(lambda: _held(place) > 0)
            await asyncio.sleep(0.2)
            place.pass_time(1)
            caller.send(GET)
            place.pass_time(8)
            caller.send(GET)
            await asyncio.sleep(0.05)
            assert len(place.connections) == 1
            place.pass_time(8)
            assert len(place.connections) == 0

    _large(body)


def test_connection_is_idle_when_its_answer_is_read_to_the_end() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(GET)
            await until(lambda: _held(place) > 0)
            assert await caller.status() == 200
            place.pass_time(1)
            place.pass_time(170)
            assert len(place.connections) == 1
            caller.send(GET)
            assert await caller.status() == 200

    _large(body)


# At the limit.


class Readers:
    """Connections with a number of bytes that each has not taken yet."""

    def __init__(self, most: int) -> None:
        self.clock = Clock(0.0)
        self.connections = Connections(monotonic=self.clock, most=most)
        self.lines: dict[str, Line] = {}
        self.unread: dict[str, int] = {}

    def enter(self, name: str, phase: Phase = Phase.ANSWERED, unread: int = 0) -> bool:
        self.lines[name] = Line()
        self.unread[name] = unread
        client = Client(self.lines[name], lambda: self.unread[name])
        return self.connections.enter(client, phase)

    def later(self, seconds: float, **unread: int) -> None:
        self.clock.now += seconds
        self.unread.update(unread)

    def gone(self) -> str:
        return "".join(name for name, line in self.lines.items() if line.aborted)


def test_who_does_not_read_goes_before_who_is_idle() -> None:
    readers = Readers(3)
    readers.enter("a", Phase.IDLE)
    readers.enter("b", unread=100)
    readers.enter("c", unread=100)
    readers.connections.sweep()
    readers.later(2, c=50)
    assert readers.enter("d")
    assert readers.gone() == "b"


def test_who_is_idle_goes_before_who_does_not_read_for_a_moment() -> None:
    """A scraper that is busy elsewhere for a moment must not lose its page."""
    readers = Readers(3)
    readers.enter("a", unread=100)
    readers.enter("b", Phase.IDLE)
    readers.enter("c", unread=100)
    readers.connections.sweep()
    readers.later(0.3, c=50)
    assert readers.enter("d")
    assert readers.gone() == "b"
    assert readers.enter("e")
    assert readers.gone() == "ab"


def test_who_has_not_read_for_the_longest_goes_first() -> None:
    readers = Readers(3)
    for name in "abc":
        readers.enter(name, unread=100)
    readers.connections.sweep()
    readers.later(1, a=90)
    readers.connections.sweep()
    readers.later(1, b=90)
    readers.connections.sweep()
    readers.later(1)
    for new in "def":
        assert readers.enter(new)
    assert readers.gone() == "abc"


def test_who_reads_steadily_stays() -> None:
    readers = Readers(2)
    readers.enter("a", unread=100)
    readers.enter("b", unread=100)
    for left in (90, 80, 70):
        readers.later(1, a=left, b=left)
        assert not readers.enter("c")
    assert readers.gone() == "c"


def test_who_reads_a_little_now_and_then_is_not_ended_for_it() -> None:
    readers = Readers(2)
    readers.enter("a", unread=100)
    for left in range(99, 94, -1):
        readers.later(14, a=left)
        readers.connections.sweep()
    assert readers.gone() == ""
    for _ in range(2):
        readers.later(14)
        readers.connections.sweep()
    assert readers.gone() == "a"
