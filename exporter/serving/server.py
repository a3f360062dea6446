"""Listen, serve, and answer the signals an operator sends.

SIGTERM and SIGINT stop within two seconds, whatever else is going on; SIGHUP reloads the
configuration.
"""

import asyncio
import contextlib
import errno
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
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
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT, errno.ENOPROTOOPT)
"""Errors of a system that was built without IPv6, or has it switched off."""
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

    Every interface means IPv6 and IPv4, or IPv4 alone on a system without IPv6, and nothing less
    for any other reason. Raises ConfigError.
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
    at_once: int = _BACKLOG,
) -> AsyncIterator[None]:
    """Serve an application on open sockets while the context is entered.

    `protection` says what protects each new connection, and `bodies_at` are the beginnings of the
    targets whose requests have a body. `at_once` connections at most are let in before the next
    turn of the loop, which counts them.
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
            backlog=at_once,
        )
    )
    with known.sweeping():
        task = asyncio.create_task(server.serve(sockets=list(sockets)))
        try:
            await server.listening.wait()
            for each in sockets:
                # asyncio takes one number for both: how many it lets in at once, and how many wait.
                each.listen(_BACKLOG)
            yield
        finally:
            server.should_exit = True
            await task


class Signals:
    """The signals an operator sends, from the moment the context is entered."""

    _WANTED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self._stopped = asyncio.Event()
        self._hung_up = asyncio.Event()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in self._WANTED:
            event = self._hung_up if number is signal.SIGHUP else self._stopped
            loop.add_signal_handler(number, event.set)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in self._WANTED:
            loop.remove_signal_handler(number)

    async def unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do some work, whose errors are raised; False when SIGTERM or SIGINT ended it."""
        doing = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                await doing
            return doing.done()
        finally:
            doing.cancel()
            stopping.cancel()
            await asyncio.wait((doing, stopping))

    async def until_stopped(self, reload: Callable[[], object]) -> None:
        """Wait for SIGTERM or SIGINT; `reload` is called, and not waited for, at SIGHUP."""

        async def at_hang_up() -> None:
            while True:
                await self._hung_up.wait()
                # However many there were: they all mean the file as it is from now on.
                self._hung_up.clear()
                reload()

        reloading = asyncio.create_task(at_hang_up(), name="reload at SIGHUP")
        try:
            await self._stopped.wait()
        finally:
            reloading.cancel()


def _listen_at(host: str, port: int) -> socket.socket:
    family, _, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(target[:2], family=family, backlog=_BACKLOG)


def _listen_everywhere(port: int) -> socket.socket:
    try:
        return socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
        )
    except ValueError:
        # Python's word for a system whose sockets are of one family each.
        pass
    except OSError as exc:
        if exc.errno not in _NO_IPV6:
            raise
    # Where nothing else is asked for, as Prometheus' own exporters do.
    return socket.create_server(("0.0.0.0", port), backlog=_BACKLOG)  # nosec B104


def _error(message: str) -> ConfigError:
    return ConfigError((ConfigProblem("--web.listen-address", message),))
