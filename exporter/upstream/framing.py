"""Bound what comes around the body of an answer.

Status lines, headers, answers that are not final (1xx), the lengths of chunks and what is written
behind them, trailers, whole answers that nobody asked for: the parser takes any amount of most of
these, and much of it at once.
"""

from typing import Any, Final

from aiohttp import EMPTY_PAYLOAD, StreamReader, http_exceptions
from aiohttp.client_exceptions import ClientPayloadError
from aiohttp.client_proto import ResponseHandler

MOST_FRAMING: Final = 64 * 1024
"""Bytes around one answer beyond one for each byte of its body. Heads have a few thousand."""
MOST_HEADS: Final = 16
"""Answers of one request: the final one, others before it, and whatever follows unasked."""
_PIECE: Final = 8 * 1024
"""Bytes that are parsed between two looks: a read has up to 32 times as many."""


class BoundedHandler(ResponseHandler):
    """One connection, which ends when more comes around an answer than belongs there."""

    _framing = 0
    _heads = 0

    def set_response_params(self, **params: Any) -> None:
        """Begin to wait for an answer."""
        self._framing = self._heads = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and count what is not of the body."""
        if len(data) <= _PIECE:
            self._take(data)
            return
        for start in range(0, len(data), _PIECE):
            self._take(data[start : start + _PIECE])
            if self.transport is None or self.transport.is_closing():
                return

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take in the head of an answer, with what its body will come by."""
        self._heads += 1
        super().feed_data(data, size)

    def _take(self, data: bytes) -> None:
        before = self._payload
        known = _body(before)
        super().data_received(data)
        payload = self._payload
        body = _body(payload)
        if payload is before:
            body -= known
        # Each byte of a body may come in a chunk of its own, but none pays for trailers later.
        self._framing = max(0, self._framing + len(data) - 2 * body)
        if self._framing > MOST_FRAMING:
            self._refuse(f"more than {MOST_FRAMING} bytes around an answer")
        elif self._heads > MOST_HEADS:
            self._refuse(f"more than {MOST_HEADS} answers to one request")
        if self.exception() is not None and payload is not None and not payload.is_eof():
            # Who reads the body would not hear of it, and wait until the time is over.
            payload.set_exception(ClientPayloadError("the answer breaks off"))

    def _refuse(self, reason: str) -> None:
        self.set_exception(http_exceptions.BadHttpMessage(reason))
        if self.transport is not None:
            self.transport.abort()


def _body(payload: StreamReader | None) -> int:
    """Return how many bytes of a body have come; an answer that has none has no count either."""
    return 0 if payload is None or payload is EMPTY_PAYLOAD else payload.total_bytes
