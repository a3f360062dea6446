"""Send a large answer in pieces, each when its reader has taken the one before."""

import asyncio
import math
from collections.abc import Iterator

from starlette.types import Message, Receive, Send

from exporter.exposition.seats import Seat
from exporter.process.turns import Turns

_PIECE, _READY_PIECE = 128 * 1024, 256 * 1024
"""Bytes that are handed over at once: of what is made while it is sent, and of what is ready. What
is not taken of them is copied and kept for the reader: for each of five hundred who do not read."""
_TURN = 0.001
"""Seconds of sending before others have their turn."""
_FEW_PIECES = 4
"""So many are sent before anyone looks whether the reader is still there."""


async def send_pieces(
    chunks: Iterator[bytes],
    receive: Receive,
    send: Send,
    *,
    seconds: float,
    making: Turns | None = None,
    seat: Seat | None = None,
) -> None:
    """Send the chunks, which are made while they are sent; raises TimeoutError after `seconds`.

    Where making a chunk is work, one is made at a time for all who share `making`, with
    a turn of the loop for each: a thousand readers then delay others no more than one does.
    While the reader is waited for, its seat says so.
    """
    gone: asyncio.Task[None] | None = None
    loop = asyncio.get_running_loop()
    turn_ends = loop.time() + _TURN
    piece: bytes | None = None
    number = 0
    most = _READY_PIECE if making is None else _PIECE
    try:
        async with asyncio.timeout(seconds):
            while (chunk := await _next(chunks, making)) is not None:
                for start in range(0, len(chunk), most):
                    if piece is not None:
                        if seat is not None:
                            seat.waits_since = loop.time()
                        await send(part(piece, more=True))
                        if seat is not None:
                            seat.waits_since = math.inf
                        number += 1
                    piece = chunk[start : start + most] if len(chunk) > most else chunk
                    if loop.time() > turn_ends:
                        # A fast reader must not keep all others waiting until it has everything.
                        await asyncio.sleep(0)
                        turn_ends = loop.time() + _TURN
                    if number >= _FEW_PIECES and gone is None:
                        gone = asyncio.create_task(_until_gone(receive))
                    if gone is not None and gone.done():
                        # What is sent to nobody is dropped in silence, but made before.
                        return
            await send(part(piece or b""))
    finally:
        if gone is not None:
            gone.cancel()


def part(body: bytes, *, more: bool = False) -> Message:
    """Return the message that sends a part of a body."""
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _next(chunks: Iterator[bytes], making: Turns | None) -> bytes | None:
    if making is None:
        return next(chunks, None)
    async with making:
        await asyncio.sleep(0)
        return next(chunks, None)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
