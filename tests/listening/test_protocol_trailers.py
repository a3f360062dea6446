"""Nothing but the head of a request is a head: what comes after its body is bounded and dropped."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from tests.listening.served_protocol import GET, HOST, Place, calling, scene

CHUNKED = b"POST /v1/report HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
OPEN = CHUNKED + b"2\r\n{}\r\n0\r\n"


class Listening(Place):
    """A place that remembers the headers which its application can see at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[bytes, bytes]] = []

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().app(scope, receive, send)
        self.seen = list(scope["headers"])


@pytest.mark.parametrize(
    "trailer",
    [
        b"X-Auth-Token: secret",
        b"Authorization: Basic dTpw",
        b"Host: elsewhere",
        b"Content-Encoding: gzip",
        b"Expect: 100-continue",
        b"Connection: upgrade\r\nUpgrade: websocket",
        b"x-auth-token:a\r\nx-auth-token:b",
    ],
)
@pytest.mark.parametrize("piecewise", [False, True])
def test_trailer_is_no_header(trailer: bytes, piecewise: bool) -> None:
    async def body(place: Listening) -> None:
        async with calling(place) as caller:
            for piece in (
                (OPEN, trailer, b"\r\n\r\n") if piecewise else [OPEN + trailer + b"\r\n\r\n"]
            ):
                caller.send(piece)
                await asyncio.sleep(0.01)
            assert await caller.status() == 200
            assert place.bodies == [b"{}"]
            assert [name for name, _ in place.seen] == [b"host", b"transfer-encoding"]
            # The connection goes on, and the next head is one again.
            caller.send(GET.replace(b"\r\n\r\n", b"\r\nX-Auth-Token: other\r\n\r\n"))
            assert await caller.status() == 200
            assert (b"x-auth-token", b"other") in place.seen

    async def play() -> None:
        place = Listening()
        async with place.open():
            await body(place)

    asyncio.run(play())


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        # Many, at once and one by one.
        ([OPEN + b"a:b\r\n" * 102], 431),
        ([OPEN, *[b"a:b\r\n"] * 102], 431),
        ([OPEN + b"a:" + b"b" * 17_000 + b"\r\n\r\n"], 431),
        # One that does not end, in its value, its name, and in what stands behind a length.
        ([OPEN + b"a:", *[b"b" * 5000] * 5], 431),
        ([OPEN, *[b"b" * 5000] * 5], 431),
        ([CHUNKED + b"2;", *[b"b" * 5000] * 5], 431),
        ([CHUNKED + b"2\r\n{}\r\n0;", *[b"b" * 5000] * 5], 431),
        ([CHUNKED, *[b"0" * 5000] * 5], 431),
    ],
)
def test_what_is_around_a_body_is_bounded(pieces: list[bytes], status: int) -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            for piece in pieces:
                caller.send(piece)
                await asyncio.sleep(0.002)
            assert await caller.status() == status
            assert await caller.ended()
        assert place.bodies == []

    scene(body)


def test_trailers_after_an_answer_are_bounded_too() -> None:
    async def body(place: Place) -> None:
        place.read_first = False
        async with calling(place) as caller:
            caller.send(CHUNKED + b"2\r\n{}\r\n")
            assert await caller.status() == 200
            caller.send(b"0\r\na:")
            for _ in range(5):
                caller.send(b"b" * 5000)
                await asyncio.sleep(0.002)
            assert await caller.status() in (0, 431)
            assert await caller.ended()

    scene(body)


def test_few_trailers_and_small_chunks_do_no_harm() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(CHUNKED + b'1;name="value"\r\n{\r\n' * 5000 + b"0\r\n")
            caller.send(b"a:b\r\n" * 100 + b"\r\n")
            assert await caller.status() == 200
        assert place.bodies == [b"{" * 5000]

    scene(body)


def test_trailers_that_come_slowly_have_the_time_of_the_body() -> None:
    async def body(place: Place) -> None:
        async with calling(place) as caller:
            caller.send(OPEN)
            for _ in range(4):
                await asyncio.sleep(0.01)
                place.pass_time(10.1)
                caller.send(b"a:b\r\n")
            assert await caller.ended()

    scene(body)
