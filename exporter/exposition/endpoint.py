"""Answer a scrape over HTTP, without a framework in between: it would take as long again."""

from collections.abc import Iterator

from starlette.types import Receive, Scope, Send

from exporter.exposition.cache import Exposition
from exporter.exposition.seats import Seat, Seats
from exporter.exposition.sending import part, send_pieces
from exporter.process.turns import CrowdedError, Turns

_LONGEST_ANSWER = 60.0
"""Seconds for reading the page. Who takes longer would keep an old page in memory for ever."""

_MOST_UNPACKED = 64
"""Readers of the plain page beyond which those who do not read must go."""


class MetricsEndpoint:
    """The ASGI application behind /metrics."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition
        self._unpacking = Turns(most=0)
        self._seats = Seats(most=_MOST_UNPACKED)

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
        if "content-encoding" in headers:
            await send_pieces(chunks, receive, send, seconds=_LONGEST_ANSWER)
            return
        # The plain page is unpacked while it is sent. A scrape is never refused for want of a seat.
        try:
            with self._seats.seat() as seat:
                await self._unpack(chunks, receive, send, seat)
        except CrowdedError:
            await self._unpack(chunks, receive, send, None)

    async def _unpack(
        self, chunks: Iterator[bytes], receive: Receive, send: Send, seat: Seat | None
    ) -> None:
        await send_pieces(
            chunks,
            receive,
            send,
            seconds=_LONGEST_ANSWER,
            making=self._unpacking,
            seat=seat,
        )
