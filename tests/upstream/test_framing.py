"""What comes around an answer is bounded, and none of it is of its head."""

import asyncio
from collections.abc import Iterable

import httpx
import pytest

from exporter.upstream.framing import MOST_FRAMING, MOST_HEADS
from tests.upstream.transport_peer import OK, Script, client, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
END = b"0\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def script(pieces: Iterable[bytes]) -> Script:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return answer


def ask(pieces: Iterable[bytes]) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with serving(script(pieces)) as peer, client() as asking:
            async with asyncio.timeout(20):
                return await asking.ask(f"http://127.0.0.1:{peer.port}/")

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "pieces",
    [
        [CHUNKED, b"0\r\n", *[b"X-A: " + b"b" * 1000 + b"\r\n"] * 100],
        [CHUNKED, b"0\r\n", b"a:b\r\n" * 20_000],
        [CHUNKED, b"0\r\nX-A: ", *[b"b" * 5000] * 20],
        [CHUNKED, b"0\r\n", *[b"b" * 5000] * 20],
        [CHUNKED, b"2;", *[b"b" * 5000] * 20],
        [CHUNKED, b"0;", *[b"b" * 5000] * 20],
        [CHUNKED, *[b"1\r\n \r\n" * 1000] * 40],
        [EARLY] * (MOST_HEADS + 400),
        [EARLY * 50_000],
        [b"HTTP/1.1 100 Continue\r\nA: " + b"b" * 8000 + b"\r\n\r\n"] * 10,
        [b"\r\n" * 50_000],
        [b"HTTP/1.1 200 ", *[b"b" * 5000] * 20],
        [b"HTTP/1.1 200 OK\r\n", b"a:b\r\n" * 20_000],
    ],
)
def test_more_than_belongs_around_an_answer_ends_it(pieces: list[bytes]) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask([*pieces, OK])


def test_trailer_is_no_header() -> None:
    answer = ask([CHUNKED + b"0\r\nDate: now\r\nX-Subject-Token: a\r\n\r\n"])
    assert list(answer.headers) == ["transfer-encoding"]
    assert answer.content == b"{}"


def test_answers_that_nobody_asked_for_end_the_connection() -> None:
    async def scenario() -> tuple[bytes, int]:
        pieces = [OK, OK * 5000]
        async with serving(script(pieces)) as peer, client() as asking:
            first = await asking.ask(f"http://127.0.0.1:{peer.port}/")
            await asyncio.wait_for(peer.idle.wait(), 20)
            return first.content, peer.connections

    assert asyncio.run(scenario()) == (b"{}", 1)


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ([EARLY] * 3 + [OK], b"{}"),
        ([CHUNKED + b"0\r\nA: b\r\n\r\n"], b"{}"),
        ([CHUNKED, *[b"1;x=y\r\n \r\n"] * 1000, END], b"{}" + b" " * 1000),
        ([CHUNKED, *[b"400\r\n" + b" " * 1024 + b"\r\n"] * 2000, END], b"{}" + b" " * 2_048_000),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", *[b" " * 100_000] * 50],
            b" " * 5_000_000,
        ),
    ],
)
def test_answers_as_they_are_pass(pieces: list[bytes], body: bytes) -> None:
    assert ask(pieces).content == body


def test_body_does_not_pay_for_what_follows() -> None:
    pieces = [CHUNKED, *[b"400\r\n" + b" " * 1024 + b"\r\n"] * 2000, b"0;"]
    with pytest.raises(httpx.RemoteProtocolError):
        ask([*pieces, b"b" * (MOST_FRAMING + 20_000), b"\r\n\r\n"])
