"""Carry httpx requests over aiohttp's connections, and send them without what we never use.

httpx's own pool scans all its requests linearly whenever one begins or ends, which at fifty in
flight costs several times what the request itself does; aiohttp's does not. The URL goes through as
it was signed: yarl would quote it anew unless told that it is encoded already.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Final, cast

import aiohttp
import httpx
from aiohttp import http_exceptions
from aiohttp.abc import AbstractResolver
from yarl import URL

from exporter.upstream.addresses import AddressRules
from exporter.upstream.framing import BoundedHandler
from exporter.upstream.resolving import CheckedResolver

_NOTHING_ADDED: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
KEPT_OPEN_SECONDS: Final = 90.0
"""Longer than most poll intervals, so that a poll does not begin with handshakes."""
_NAMES_KEPT_SECONDS: Final = 30
_PIECE: Final = 64 * 1024
"""Bytes of a body handed on at once: decompressed, they become a thousand times as many at most."""

_UNBOUNDED: Final = aiohttp.ClientTimeout(
    total=None, connect=None, sock_connect=None, sock_read=None
)

FOREIGN: Final = (aiohttp.ClientError, http_exceptions.HttpProcessingError, OSError, ValueError)
"""What aiohttp can raise while it sends or reads; time-outs are OSErrors too."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """A transport whose connections, with their keep-alive and names, are aiohttp's.

    Keeps up to `connections` of them to each host; with `rules` names lead to no address that they
    refuse. Bounds no time unless a request says so by
    httpx's `timeout` extension: each timer costs, and `exchange` has one for everything. Cookies,
    redirects, proxies and decompression are not its business: the first three are never wanted, the
    last is httpx's.
    """

    def __init__(
        self,
        *,
        context: ssl.SSLContext,
        connections: int,
        rules: AddressRules | None = None,
    ) -> None:
        self._context = context
        self._connections = connections
        self._rules = rules
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of its answer is read by whoever asked."""
        url = request.url
        target = f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"
        phases = request.extensions.get("timeout")
        try:
            answer = await self._open().request(
                request.method,
                URL(target, encoded=True),
                headers=[
                    (name.decode("ascii"), value.decode("latin-1"))
                    for name, value in request.headers.raw
                ],
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=_UNBOUNDED if phases is None else _phases(phases),
                server_hostname=request.extensions.get("sni_hostname"),
            )
        except FOREIGN as exc:
            raise _translated(exc, request) from _origin(exc)
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer, request),
            request=request,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        # Made at the first request, because a session belongs to the loop that runs then.
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                limit_per_host=self._connections,
                ssl=self._context,
                keepalive_timeout=KEPT_OPEN_SECONDS,
                ttl_dns_cache=_NAMES_KEPT_SECONDS,
                resolver=self._resolver(),
            )
            # What makes the protocol of each new connection; no option says so.
            loop = asyncio.get_running_loop()
            connector._factory = cast("Any", partial(BoundedHandler, loop=loop))
            session = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                skip_auto_headers=_NOTHING_ADDED,
                cookie_jar=aiohttp.DummyCookieJar(),
                # Proxies from the environment are httpx's business, netrc is nobody's.
                trust_env=False,
            )
            # A request whose connection breaks is signed anew by whoever tries it again, and
            # counted. aiohttp by itself would send it a second time as it is, where a platform
            # that has seen its nonce refuses it, and takes the key for misused. No option says so.
            session._retry_connection = False
            self._session = session
        return self._session

    def _resolver(self) -> AbstractResolver | None:
        if self._rules is None:
            return None
        return CheckedResolver(self._rules, aiohttp.ThreadedResolver())


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.content.iter_chunked(_PIECE):
                yield piece
        except FOREIGN as exc:
            raise _translated(exc, self._request) from _origin(exc)

    async def aclose(self) -> None:
        # A body read to its end gives the connection back; any other is not worth draining.
        if not self._answer.content.at_eof():
            self._answer.close()
        self._answer.release()


def _phases(seconds: dict[str, Any]) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None,
        # aiohttp counts the wait for a free connection and the making of a new one together.
        connect=_sum(seconds.get("pool"), seconds.get("connect")),
        sock_connect=seconds.get("connect"),
        sock_read=seconds.get("read"),
    )


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _translated(exc: Exception, request: httpx.Request) -> httpx.TransportError:
    """Return httpx's word for an exception of aiohttp; the client knows no others."""
    kind: type[httpx.TransportError] = httpx.ReadError
    match exc:
        case aiohttp.ConnectionTimeoutError():
            kind = httpx.ConnectTimeout
        case TimeoutError():
            kind = httpx.ReadTimeout
        case aiohttp.ClientConnectorError():
            kind = httpx.ConnectError
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            kind = httpx.UnsupportedProtocol
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            kind = httpx.RemoteProtocolError
        case aiohttp.ClientResponseError() | http_exceptions.HttpProcessingError():
            kind = httpx.RemoteProtocolError
        case ValueError():
            # A header that cannot be written. The text would quote it: only the kind goes on.
            kind = httpx.LocalProtocolError
    return kind("", request=request)


def _origin(exc: Exception) -> BaseException:
    # The cause tells a TLS failure from any other. aiohttp's own look like those of the standard
    # library by their classes, but lack what these know.
    return exc.__cause__ or exc


class PlainClient:
    """Send requests through a transport with authentication, and with nothing else.

    What `httpx.AsyncClient` does beside that takes more time than the request: it merges defaults,
    reads cookies, looks for redirects and calls hooks. `send` is a part of its interface.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.is_closed = False

    async def send(
        self,
        request: httpx.Request,
        *,
        auth: httpx.Auth | None,
        follow_redirects: bool,
        stream: bool,
    ) -> httpx.Response:
        """Send a request as often as its authentication asks for; return the last answer, unread.

        The earlier ones are its `history`. Redirects are answers like any other.
        """
        if self.is_closed:
            raise RuntimeError("this client is closed")
        if auth is None:
            return await self._transport.handle_async_request(request)
        flow = auth.async_auth_flow(request)
        history: list[httpx.Response] = []
        try:
            request = await anext(flow)
            while True:
                response = await self._transport.handle_async_request(request)
                response.history = list(history)
                accepted = False
                try:
                    request = await flow.asend(response)
                except StopAsyncIteration:
                    accepted = True
                    return response
                finally:
                    # No flow of ours needs what a refusal says, and it may be of any size. One
                    # that fails, or is cancelled while it logs in, leaves nobody to read it.
                    if not accepted:
                        await response.aclose()
                history.append(response)
        finally:
            await flow.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        self.is_closed = True
        await self._transport.aclose()


_MOST_SESSIONS = 256
"""Hosts of which the last connection is kept, forty kilobytes each."""


def resume_sessions(context: ssl.SSLContext) -> None:
    """Let connections of this context go on with the TLS session of the last one to that host.

    Neither asyncio nor aiohttp does that by itself: each of the connections of a poll would make a
    full handshake, with all its certificates.
    """
    last: dict[str | None, ssl.SSLObject] = {}

    class Resuming(ssl.SSLObject):
        _begun = False

        def do_handshake(self) -> None:
            if not self._begun:
                self._begun = True
                known = last.get(self.server_hostname)
                if known is not None and known.session is not None:
                    self.session = known.session
            super().do_handshake()
            # Asked for its session only when the next one begins: since TLS 1.3 a server sends it
            # some time after the handshake.
            last.pop(self.server_hostname, None)
            last[self.server_hostname] = self
            if len(last) > _MOST_SESSIONS:
                # Of the host that was connected to longest ago: others may name as many as they
                # like, and where they change all the time none comes back.
                del last[next(iter(last))]

    context.sslobject_class = Resuming
