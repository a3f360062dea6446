"""Read requests within limits: of size, of time, and of what a request may look like.

What is refused here never reaches the application. The answer quotes nothing of the request.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from exporter.listening.connections import Client, Connections, Phase
from exporter.listening.headers import DEFAULT_HEADERS

_LONGEST_TARGET = 8 * 1024
_LARGEST_HEAD = 16 * 1024
_MOST_HEADERS = 100
_MOST_DIGITS = 19
_CLOSES = re.compile(rb"(?:^|,)[ \t]*close[ \t]*(?:,|$)", re.IGNORECASE)
_HEADER_EXTRA = 4
_LARGEST_STRAY_BODY = 8 * 1024
"""Some clients send a few bytes where none are asked for; they are dropped."""
_LARGEST_GAP = 16 * 1024
"""Bytes between two parts of a body, or after the last: lengths of chunks, what is written behind
these, and trailers."""
_MOST_AFTER_ANSWER = 2 * 1024 * 1024
"""Who is refused in the middle of a report should come to read why."""
_MOST_PIPELINED = 16
_HOST = re.compile(rb"[A-Za-z0-9._~%:\[\]-]{0,255}")
ANY_TARGET = (b"/",)


class _RefusedError(Exception):
    """A request is refused before the application sees it."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status
        super().__init__(status.phrase)


class _OutdatedError(Exception):
    """A request came over a connection that would not be let in any more."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection that speaks HTTP/1.1.

    `bodies_at` are the beginnings of targets whose requests have a body. `fresh` says whether the
    protection under which this connection was let in is still in force: without it no request is
    begun with, however far ahead it was sent.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
        fresh: Callable[[], bool],
        bodies_at: tuple[bytes, ...] = ANY_TARGET,
        client: Client | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = connections
        self._fresh = fresh
        self._bodies_at = bodies_at
        self._introduced = client
        self._phase = Phase.ASKING
        self._heads = 0
        self._in_head = True
        self._reading_on = False
        self._begun = False
        self._head_bytes = 0
        self._takes_body = True
        self._body_bytes = 0
        self._bytes_after_answer = 0
        self._gap_bytes = 0
        self._trailer_bytes = self._trailers = 0

    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        """Begin to wait for the first request, if there is room."""
        super().connection_made(transport)
        self._guest = self._introduced or Client(transport, transport.get_write_buffer_size)
        if self._introduced is None:
            self._connections.enter(self._guest, Phase.ASKING)
        else:
            self._turn(Phase.ASKING)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._connections.leave(self._guest)

    def data_received(self, data: bytes) -> None:
        """Read what has come; refuse what is not a request as it should be."""
        if self.transport.is_closing():
            return
        idle = self._phase is Phase.IDLE
        if idle and not self._fresh():
            # As if it had been closed while idle: clients ask again over a new connection.
            self.transport.close()
            return
        heads, in_head = self._heads, self._in_head
        self._gap_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as exc:
            cause = exc.__context__
            if isinstance(cause, _OutdatedError):
                self.transport.close()
                return
            bad = HTTPStatus.BAD_REQUEST
            self._refuse(cause.status if isinstance(cause, _RefusedError) else bad)
            return
        if self._phase is Phase.IDLE and (idle or self._begun):
            self._turn(Phase.ASKING)
        if in_head and heads == self._heads:
            self._bound_head(len(data))
        elif not self._in_head:
            if self._phase is Phase.ASKING:
                self._turn(Phase.SENDING)
            if heads == self._heads:
                self._bound_gap()

    def _feed(self, data: bytes) -> None:
        """Parse what has come, as if nobody had asked for another protocol: none is spoken here.

        Clients ask for one with each first request, and send its body nevertheless (RFC 9110, 7.8).
        """
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as exc:
                head = int(exc.args[0])
            self._read_on()
            data = data[head:]

    def _read_on(self) -> None:
        """Read what follows for what it would be, had nothing been asked for.

        The parser has ended the request with its head, and perhaps the connection too. Another one
        is given a head that says the same of the body.
        """
        lines = [
            name + b": " + value + b"\r\n"
            for name, value in self.headers
            if name in (b"content-length", b"transfer-encoding")
        ]
        _begin_parser(self)
        self._reading_on = True
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n")
        finally:
            self._reading_on = False

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        if self._reading_on:
            return
        super().on_message_begin()
        self._begun = True

    def on_url(self, url: bytes) -> None:
        """Take in a part of the target."""
        if not self._reading_on:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a line of the head.

        What comes after the body looks the same and is dropped: the application has begun, and has
        judged by the head who asks.
        """
        if self._reading_on:
            return
        if self._in_head:
            super().on_header(name, value)
            return
        self._trailers += 1
        self._trailer_bytes += len(name) + len(value) + _HEADER_EXTRA
        if self._trailers > _MOST_HEADERS or self._trailer_bytes > _LARGEST_HEAD:
            raise _RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Judge the head of a request before anything is done about it."""
        if self._reading_on:
            return
        if not self._fresh() and (self.cycle is None or self.cycle.response_complete):
            # Where an answer is on its way, this ends with it.
            raise _OutdatedError
        self._heads += 1
        self._in_head = self._begun = False
        self._head_bytes = self._body_bytes = self._bytes_after_answer = 0
        self._gap_bytes = self._trailers = self._trailer_bytes = 0
        self._takes_body = self.url.startswith(self._bodies_at)
        self._judge()
        super().on_headers_complete()
        if self.parser.get_http_version() < "1.1":
            self.cycle.send = _without_chunks(self.cycle)  # type: ignore[method-assign,assignment]
        if any(name == b"connection" and _CLOSES.search(value) for name, value in self.headers):
            # Older versions of uvicorn see it only where nothing else is asked for beside it.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body."""
        self._gap_bytes = 0
        if self.cycle.response_complete:
            self._bytes_after_answer += len(body)
            if self._bytes_after_answer > _MOST_AFTER_ANSWER:
                self.transport.close()
            return
        self._body_bytes += len(body)
        if not self._takes_body and self._body_bytes > _LARGEST_STRAY_BODY:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        if self.parser.should_upgrade():
            # So it is to this parser; the next one knows whether a body follows.
            return
        super().on_message_complete()
        self._in_head = True
        self._turn(Phase.IDLE if self.cycle.response_complete else Phase.ANSWERED)

    def on_response_complete(self) -> None:
        """Go on with what was asked meanwhile, or wait for more."""
        if not self._fresh():
            self.transport.close()
        more = bool(self.pipeline)
        super().on_response_complete()
        if self.transport.is_closing():
            return
        # How long it may be idle is known to the connections.
        self._unset_keepalive_if_required()
        if more:
            self._turn(Phase.ANSWERED)
        elif not self._in_head:
            self._turn(Phase.SENDING)
        else:
            self._turn(Phase.ASKING if self._begun else Phase.IDLE)

    def _turn(self, phase: Phase) -> None:
        self._phase = phase
        if phase is Phase.IDLE:
            self._connections.answered(self._guest)
        else:
            self._connections.turn(self._guest, phase)

    def _bound_head(self, count: int) -> None:
        """Count what came of a head that is not complete: the parser would keep any amount."""
        self._head_bytes += count
        if self._head_bytes > _LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _bound_gap(self) -> None:
        """Count what came of a body and is none of it: the parser would keep any amount."""
        if self._gap_bytes > _LARGEST_GAP:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _judge(self) -> None:
        """Raise _RefusedError when the head is not acceptable."""
        if len(self.url) > _LONGEST_TARGET:
            raise _RefusedError(HTTPStatus.REQUEST_URI_TOO_LONG)
        size, hosts = len(self.url), []
        for name, value in self.headers:
            size += len(name) + len(value) + _HEADER_EXTRA
            if name == b"host":
                hosts.append(value)
            elif name == b"content-length":
                self._judge_length(value)
        if size > _LARGEST_HEAD or len(self.headers) > _MOST_HEADERS:
            raise _RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        # RFC 9112, 3.2: exactly one Host, except in requests of HTTP/1.0.
        wanted = self.parser.get_http_version() != "1.0"
        if len(hosts) > 1 or (wanted and not hosts) or not all(map(_HOST.fullmatch, hosts)):
            raise _RefusedError(HTTPStatus.BAD_REQUEST)
        if len(self.pipeline) >= _MOST_PIPELINED:
            raise _RefusedError(HTTPStatus.TOO_MANY_REQUESTS)

    def _judge_length(self, value: bytes) -> None:
        size = value.lstrip(b"0")[:_MOST_DIGITS] or b"0"
        if not self._takes_body and value.isdigit() and int(size) > _LARGEST_STRAY_BODY:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer instead of the application, and close."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or self.pipeline:
                # An answer is half sent, or others come before this one.
                self.transport.abort()
                return
            # The application must not answer as well.
            cycle.disconnected = True
            cycle.message_event.set()
        body = f"{status.phrase}\n".encode()
        headers = (
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *DEFAULT_HEADERS,
        )
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        first = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
        self.transport.write(first + lines + b"\r\n" + body)
        self.transport.close()


def _without_chunks(cycle: RequestResponseCycle) -> Callable[[Any], Awaitable[None]]:
    """Return how to answer who knows no chunks: without a length, an answer ends with all else.

    RFC 9112, 6.1: no Transfer-Encoding unless the request is one of HTTP/1.1 or later.
    """
    send, has_length = cycle.send, True

    async def send_on(message: Any) -> None:
        nonlocal has_length
        if message["type"] == "http.response.start":
            names = [name.lower() for name, _ in message.get("headers", ())]
            has_length = b"content-length" in names
            if not has_length:
                cycle.chunked_encoding = False
        elif not has_length:
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return send_on


def _begin_parser(protocol: HttpToolsProtocol) -> None:
    """Give a connection a parser that knows nothing of what was read before."""
    protocol.parser = httptools.HttpRequestParser(protocol)
    # As uvicorn has it: what was sent ahead of an answer that ends the connection is no error.
    protocol.parser.set_dangerous_leniencies(lenient_data_after_close=True)
