"""Listen, serve, and answer the signals an operator sends.

SIGTERM and SIGINT stop within two seconds, SIGHUP reloads the configuration.
"""

import asyncio
import contextlib
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Self, cast

import uvicorn
from starlette.types import ASGIApp

from exporter.errors import ConfigError, ConfigProblem
from exporter.listening.accept import TlsAcceptor
from exporter.listening.connections import Client, Connections
from exporter.listening.protection import Protection
from exporter.listening.protocol import ANY_TARGET, BoundedProtocol

_DRAIN_SECONDS = 1
_BACKLOG = 128
"""Connections that wait to be let in. asyncio tries so many at once, even when it can open none."""
_OPEN = Protection()
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%a-z]+)\]|(?P<four>[^:\[\]]*)):(?P<port>\d{1,5})")


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us.

    Its own handler sends the signal again after shutting down, so that the process would end with
    the signal's status instead of 0.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving and tell whoever waits for it."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def parse_address(address: str) -> tuple[str, int]:
    """Return host, empty for every interface, and port. Raises ConfigError."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65535:
        raise _error(f"{address}: expected host:port, [host]:port or :port")
    return match["six"] or match["four"], int(match["port"])


def listen(address: str) -> socket.socket:
    """Open a listening socket for `host:port`, `[host]:port`, or `:port` for every interface.

    Every interface means IPv6 and IPv4, or IPv4 alone on a system without IPv6. Raises ConfigError.
    """
    host, port = parse_address(address)
    try:
        listener = _listen_at(host, port) if host else _listen_everywhere(port)
        # Connections inherit it. asyncio sets it only where a socket's protocol number is given,
        # and without it the end of every answer waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as exc:
        raise _error(f"{address}: {exc.strerror or 'cannot listen there'}") from None


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    *,
    connections: Connections | None = None,
    protection: Callable[[], Protection] = lambda: _OPEN,
    bodies_at: tuple[bytes, ...] = ANY_TARGET,
) -> AsyncIterator[None]:
    """Serve an application on open sockets while the context is entered.

    `protection` says what protects each new connection, and `bodies_at` are the beginnings of the
    targets whose requests have a body.
    """
    known = Connections(monotonic=time.monotonic) if connections is None else connections

    def protocol(**of_uvicorn: Any) -> asyncio.Protocol:
        now = protection()

        def speak(client: Client | None = None) -> asyncio.Protocol:
            return BoundedProtocol(
                **of_uvicorn,
                connections=known,
                fresh=lambda: protection().context is now.context,
                bodies_at=bodies_at,
                client=client,
            )

        if now.context is None:
            return speak()
        return TlsAcceptor(
            connections=known, context=now.context, allowed_sans=now.allowed_sans, inside=speak
        )

    server = _Server(
        uvicorn.Config(
            app,
            # Only ever called; that it makes protocols of two kinds is none of its business.
            http=cast("type[asyncio.Protocol]", protocol),
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            backlog=_BACKLOG,
        )
    )
    with known.sweeping():
        task = asyncio.create_task(server.serve(sockets=list(sockets)))
        try:
            await server.listening.wait()
            yield
        finally:
            server.should_exit = True
            await task


class Signals:
    """The signals an operator sends, from the moment the context is entered."""

    _WANTED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self._received: asyncio.Queue[signal.Signals] = asyncio.Queue()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in self._WANTED:
            loop.add_signal_handler(number, self._received.put_nowait, number)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in self._WANTED:
            loop.remove_signal_handler(number)

    async def until_stopped(self, reload: Callable[[], Awaitable[None]]) -> None:
        """Wait for SIGTERM or SIGINT, reloading at each SIGHUP meanwhile."""
        while await self._received.get() is signal.SIGHUP:
            # The problems are logged where they are found; the old configuration stays.
            with contextlib.suppress(ConfigError):
                await reload()


def _listen_at(host: str, port: int) -> socket.socket:
    family, _, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(target[:2], family=family, backlog=_BACKLOG)


def _listen_everywhere(port: int) -> socket.socket:
    try:
        return socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
        )
    except (OSError, ValueError):
        # Where nothing else is asked for, as Prometheus' own exporters do.
        return socket.create_server(("0.0.0.0", port), backlog=_BACKLOG)  # nosec B104


def _error(message: str) -> ConfigError:
    return ConfigError((ConfigProblem("--web.listen-address", message),))
