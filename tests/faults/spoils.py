"""The ways an answer can be spoiled once a request has arrived."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from tests.faults.exchange import Exchange, Spoil, Told

JSON = (("Content-Type", "application/json"),)
HTML = b"<html><head><title>Sorry</title></head><body><h1>Try again later</h1></body></html>"
STORAGE = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>%b</Code><Message>m</Message></Error>'
)
LARGE = 100 * 1024 * 1024
DEEP = 10_000


def telling(told: Told) -> Spoil:
    """Give this answer to everything."""

    async def spoil(exchange: Exchange) -> None:
        await exchange.tell(told)

    return spoil


def rewriting(rewrite: Callable[[Told], Told]) -> Spoil:
    """Give the service's own answer, rewritten."""

    async def spoil(exchange: Exchange) -> None:
        await exchange.tell(rewrite(await exchange.truth()))

    return spoil


def editing(edit: Callable[[Any], Any]) -> Spoil:
    """Give the service's own answer with its JSON edited."""
    return rewriting(lambda told: told.with_body(json.dumps(edit(json.loads(told.body))).encode()))


# Answers that do not come, or not to their end.


async def silence(exchange: Exchange) -> None:
    """Never answer."""
    await exchange.until_left()


async def head_only(exchange: Exchange) -> None:
    """Send the headers and never the body."""
    told = await exchange.truth()
    await exchange.write(told.head(len(told.body)))
    await exchange.until_left()


async def half_and_silence(exchange: Exchange) -> None:
    """Send half of the body and never the rest."""
    told = await exchange.truth()
    await exchange.write(told.head(len(told.body)) + told.body[: len(told.body) // 2])
    await exchange.until_left()


async def drip(exchange: Exchange) -> None:
    """Send a blank every half second, which is valid JSON so far, for ever."""
    await exchange.write(Told(headers=JSON).head(LARGE))
    while True:
        await exchange.write(b" ")
        await asyncio.sleep(0.5)


async def hang_up(exchange: Exchange) -> None:
    """Hang up without an answer."""
    exchange.cut()


async def cut_in_the_body(exchange: Exchange) -> None:
    """Send half of the body and hang up."""
    told = await exchange.truth()
    await exchange.write(told.head(len(told.body)) + told.body[: len(told.body) // 2])
    exchange.cut()


async def cut_between_chunks(exchange: Exchange) -> None:
    """Send half of the body as a chunk and hang up before the last chunk."""
    half = (await exchange.truth()).body[:20]
    await exchange.write(_chunked(Told(headers=JSON)) + b"%x\r\n%b\r\n" % (len(half), half))
    exchange.cut()


# Answers that are not HTTP as it should be.


async def not_http(exchange: Exchange) -> None:
    """Answer in another protocol."""
    await exchange.write(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    await exchange.until_left()


async def endless_header(exchange: Exchange) -> None:
    """Send one header line that does not end."""
    await exchange.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not exchange.writer.transport.is_closing():
        await exchange.write(b"x" * 65536)


async def broken_chunk(exchange: Exchange) -> None:
    """Send a chunk whose length is no number."""
    await exchange.write(_chunked(Told(headers=JSON)) + b"zzzz\r\n{}\r\n0\r\n\r\n")
    await exchange.until_left()


async def length_too_long(exchange: Exchange) -> None:
    """Say that the body is longer than it is, and wait."""
    told = await exchange.truth()
    await exchange.write(told.head(len(told.body) + 100) + told.body)
    await exchange.until_left()


async def length_too_short(exchange: Exchange) -> None:
    """Say that the body is shorter than it is."""
    told = await exchange.truth()
    await exchange.write(told.head(len(told.body) - 10) + told.body)


async def two_lengths(exchange: Exchange) -> None:
    """Say two different lengths."""
    told = await exchange.truth()
    head = Told(headers=(*JSON, ("Content-Length", str(len(told.body) - 10)))).head(len(told.body))
    await exchange.write(head + told.body)
    await exchange.until_left()


# Bodies that are too much.


async def large(exchange: Exchange) -> None:
    """Stream 100 MB of JSON, a list of texts, until the other side has had enough."""
    await exchange.write(Told(headers=JSON).head(LARGE) + b"[")
    piece = b'"' + b"x" * 65533 + b'",'
    for _ in range(LARGE // len(piece)):
        if exchange.writer.transport.is_closing():
            return
        await exchange.write(piece)
    await exchange.until_left()


async def bomb(exchange: Exchange) -> None:
    """Send 100 MB of blanks as 100 kB of gzip."""
    await exchange.tell(Told(headers=(*JSON, ("Content-Encoding", "gzip")), body=_packed_blanks()))


async def bomb_in_a_bomb(exchange: Exchange) -> None:
    """Send 100 MB of blanks, compressed twice."""
    headers = (*JSON, ("Content-Encoding", "gzip, gzip"))
    await exchange.tell(Told(headers=headers, body=gzip.compress(_packed_blanks(), 1)))


async def no_gzip(exchange: Exchange) -> None:
    """Say that the body is compressed when it is not."""
    told = await exchange.truth()
    await exchange.tell(Told(headers=(*JSON, ("Content-Encoding", "gzip")), body=told.body))


# Bodies that are not what they should be.


def truncated(told: Told) -> Told:
    """Return half of the body, with the length of that half."""
    return told.with_body(told.body[: len(told.body) // 2])


def mislabelled(told: Told) -> Told:
    """Return the answer as if it were a page."""
    kept = tuple(pair for pair in told.headers if pair[0].lower() != "content-type")
    return Told(status=told.status, headers=(*kept, ("Content-Type", "text/html")), body=told.body)


def deep() -> Told:
    """Return JSON that is nested ten thousand deep."""
    return Told(headers=JSON, body=b"[" * DEEP + b"]" * DEEP)


def redirect(status: int, address: str) -> Told:
    """Return a redirect to another host."""
    return Told(status=status, headers=(("Location", f"{address}/stolen"),))


def storage(status: int, code: bytes) -> Told:
    """Return the answer of an object storage."""
    headers = (("Content-Type", "application/xml"), ("x-amz-request-id", "1"))
    return Told(status=status, headers=headers, body=STORAGE % code)


def _chunked(told: Told) -> bytes:
    return Told(status=told.status, headers=(*told.headers, ("Transfer-Encoding", "chunked"))).head(
        None
    )


@cache
def _packed_blanks() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    piece = b" " * 2**20
    return b"".join(packer.compress(piece) for _ in range(LARGE // len(piece))) + packer.flush()
