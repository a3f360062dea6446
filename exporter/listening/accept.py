"""Let a connection in by TLS, each with the certificate and rules of its moment.

The handshake is made here and not by the server itself, so that a renewed certificate is used from
the next connection on, and connections that never finish it are counted and ended like others.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable

from exporter.listening.connections import Client, Connections, Phase
from exporter.listening.tls import allowed

_GOODBYE_SECONDS = 2.0
"""How long somebody may take to confirm the end of a connection."""


class TlsAcceptor(asyncio.Protocol):
    """The protocol of a connection until its handshake is done."""

    def __init__(
        self,
        *,
        connections: Connections,
        context: ssl.SSLContext,
        allowed_sans: frozenset[str] | None,
        inside: Callable[[Client], asyncio.Protocol],
    ) -> None:
        self._connections = connections
        self._context = context
        self._allowed_sans = allowed_sans
        self._inside = inside
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, if there is room."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (a server has no others)
        # Nothing may be read before TLS reads it.
        transport.pause_reading()
        client = Client(transport, transport.get_write_buffer_size)
        if self._connections.enter(client, Phase.SHAKING_HANDS):
            self._opening = asyncio.get_running_loop().create_task(self._open(client))

    async def _open(self, client: Client) -> None:
        early = _Early()
        secured: asyncio.Transport | None = None
        # Who does not speak TLS, or has no certificate that is asked for, is no news.
        with contextlib.suppress(OSError):
            secured = await asyncio.get_running_loop().start_tls(
                client.transport,
                early,
                self._context,
                server_side=True,
                ssl_shutdown_timeout=_GOODBYE_SECONDS,
            )
        # A connection that is aborted in the handshake ends without an error.
        if secured is None or secured.is_closing():
            self._connections.leave(client)
            return
        certificate = secured.get_extra_info("ssl_object").getpeercert()
        if not allowed(certificate, self._allowed_sans):
            self._connections.leave(client)
            secured.abort()
            return
        protocol = self._inside(client)
        secured.set_protocol(protocol)
        protocol.connection_made(secured)
        if early.data:
            protocol.data_received(bytes(early.data))


class _Early(asyncio.Protocol):
    """Keep what comes between the end of the handshake and the moment somebody reads."""

    def __init__(self) -> None:
        self.data = bytearray()

    def data_received(self, data: bytes) -> None:
        self.data += data
