"""Serve, and answer the signals an operator sends.

SIGTERM and SIGINT stop within two seconds, whatever else is going on; SIGHUP reloads the
configuration.
"""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Self, cast

import uvicorn
from starlette.types import ASGIApp

from exporter.listening.accept import TlsAcceptor
from exporter.listening.addresses import BACKLOG
from exporter.listening.connections import Client, Connections
from exporter.listening.protection import Protection
from exporter.listening.protocol import ANY_TARGET, BoundedProtocol

_DRAIN_SECONDS = 1
_OPEN = Protection()


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


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    *,
    connections: Connections | None = None,
    protection: Callable[[], Protection] = lambda: _OPEN,
    bodies_at: tuple[bytes, ...] = ANY_TARGET,
    at_once: int = BACKLOG,
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
                each.listen(BACKLOG)
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
