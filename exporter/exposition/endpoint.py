"""Answer a scrape over HTTP, without a framework in between: it would take as long again."""

import asyncio
from collections.abc import Iterator

from starlette.types import Receive, Scope, Send

from exporter.exposition.keeper import Exposition

_LONGEST_ANSWER = 60.0
"""Seconds for reading the page. Who takes longer would keep an old page in memory for ever."""


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
        if scope["method"] != "HEAD":
            await _send_chunks(chunks, receive, send)
        await send({"type": "http.response.body", "body": b""})


async def _send_chunks(chunks: Iterator[bytes], receive: Receive, send: Send) -> None:
    """Send the chunks, each when the reader has taken the one before."""
    gone = asyncio.create_task(_until_gone(receive))
    try:
        async with asyncio.timeout(_LONGEST_ANSWER):
            for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                # A fast reader must not keep all others waiting until it has everything.
                await asyncio.sleep(0)
                if gone.done():
                    # What is sent to nobody is dropped in silence, but it was unpacked before.
                    return
    finally:
        gone.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
