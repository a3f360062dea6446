"""Answer a scrape over HTTP, without a framework in between: it would take as long again."""

import asyncio
from collections.abc import Iterator

from starlette.types import Message, Receive, Scope, Send

from exporter.exposition.cache import Exposition

_LONGEST_ANSWER = 60.0
"""Seconds for reading the page. Who takes longer would keep an old page in memory for ever."""

_TURN = 0.001
"""Seconds of sending before others have their turn."""
_FEW_CHUNKS = 4
"""So many are sent before anyone looks whether the reader is still there."""


class MetricsEndpoint:
    """The ASGI application behind /metrics."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scrape."""
        await self._exposition.withdraw_stale()
        wanted = {name: value.decode("latin-1") for name, value in scope["headers"]}
        headers, chunks = self._exposition.answer(
            accept=wanted.get(b"accept", ""), accept_encoding=wanted.get(b"accept-encoding", "")
        )
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        if scope["method"] == "HEAD":
            await send(_part(b""))
        else:
            await _send_chunks(chunks, receive, send)


async def _send_chunks(chunks: Iterator[bytes], receive: Receive, send: Send) -> None:
    """Send the chunks, each when the reader has taken the one before."""
    gone: asyncio.Task[None] | None = None
    loop = asyncio.get_running_loop()
    turn_ends = loop.time() + _TURN
    chunk = next(chunks)
    try:
        async with asyncio.timeout(_LONGEST_ANSWER):
            for number, following in enumerate(chunks):
                await send(_part(chunk, more=True))
                if loop.time() > turn_ends:
                    # A fast reader must not keep all others waiting until it has everything.
                    await asyncio.sleep(0)
                    turn_ends = loop.time() + _TURN
                if number == _FEW_CHUNKS:
                    gone = asyncio.create_task(_until_gone(receive))
                if gone is not None and gone.done():
                    # What is sent to nobody is dropped in silence, but unpacked before.
                    return
                chunk = following
            await send(_part(chunk))
    finally:
        if gone is not None:
            gone.cancel()


def _part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
