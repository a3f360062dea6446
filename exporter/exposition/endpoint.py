"""Answer a scrape over HTTP, without a framework in between: it would take as long again."""

from starlette.types import Receive, Scope, Send

from exporter.exposition.cache import Exposition
from exporter.exposition.sending import part, send_pieces
from exporter.process.turns import Turns

_LONGEST_ANSWER = 60.0
"""Seconds for reading the page. Who takes longer would keep an old page in memory for ever."""


class MetricsEndpoint:
    """The ASGI application behind /metrics."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition
        self._unpacking = Turns(most=0)

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
            await send(part(b""))
            return
        # What is compressed is ready; the plain page is unpacked while it is sent.
        making = None if "content-encoding" in headers else self._unpacking
        await send_pieces(chunks, receive, send, seconds=_LONGEST_ANSWER, making=making)
