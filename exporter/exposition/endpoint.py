"""Answer a scrape over HTTP, without a framework in between: it would take as long again."""

import asyncio

from starlette.types import Receive, Scope, Send

from exporter.exposition.keeper import Exposition

_LONGEST_ANSWER = 60.0
"""Seconds for reading the page. Who takes longer would keep an old page in memory for ever."""


class MetricsEndpoint:
    """The ASGI application behind /metrics."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the page in chunks, each when the reader has taken the one before."""
        await self._exposition.withdraw_stale()
        wanted = {name: value.decode("latin-1") for name, value in scope["headers"]}
        headers, chunks = self._exposition.answer(
            accept=wanted.get(b"accept", ""), accept_encoding=wanted.get(b"accept-encoding", "")
        )
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        if scope["method"] == "HEAD":
            chunks = iter(())
        async with asyncio.timeout(_LONGEST_ANSWER):
            last = b""
            for chunk in chunks:
                if last:
                    await send({"type": "http.response.body", "body": last, "more_body": True})
                last = chunk
            await send({"type": "http.response.body", "body": last})
