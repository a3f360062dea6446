"""Serve until a signal says stop: what the program does when no command is named."""

import argparse
import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from exporter import __version__
from exporter.app import App
from exporter.commands.configured import ReadBefore, load_when_asked, shard_of
from exporter.commands.console import Console
from exporter.configuration.config import Config
from exporter.edge.receiver import REPORTS
from exporter.listening.addresses import listen
from exporter.listening.authentication import Guard
from exporter.listening.connections import Connections
from exporter.listening.descriptors import Descriptors, raise_limit
from exporter.listening.passwords import Passwords
from exporter.listening.protection import Protection, WatchedProtection
from exporter.process.condition_log import ConditionLog, Log, trail
from exporter.process.garbage_collection import GarbageCollection
from exporter.process.supervision import Supervision
from exporter.runtime import Runtime
from exporter.serving.server import Signals, serving
from exporter.telemetry.telemetry import Telemetry


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Serve the configuration that the flags name."""
    load_config = load_when_asked(options, runtime, waits=False)
    asyncio.run(serve_until_stopped(load_config, options, runtime, console))
    return 0


async def serve_until_stopped(
    load_config: Callable[[], Config],
    options: argparse.Namespace,
    runtime: Runtime,
    console: Console,
    beside: Callable[[str], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve what is loaded, with some work beside it that is given the address."""
    log = console.log
    supervision = Supervision(runtime.environ, monotonic=runtime.monotonic, sleep=runtime.sleep)
    garbage = GarbageCollection(monotonic=runtime.monotonic)
    first = ReadBefore(load_config, log)
    app = App(
        first,
        runtime=runtime,
        log=log,
        shard=shard_of(options, runtime),
        reloading=supervision.reloading,
        rendered=garbage.rendered,
        loaded=lambda: connections.limit(
            descriptors.share(options.web_max_connections, app.upstream_connections())
        ),
        lines_lost=console.lines_lost,
    )
    descriptors = Descriptors(raise_limit(), conditions=ConditionLog(log))
    connections = Connections(
        monotonic=runtime.monotonic, most=options.web_max_connections, conditions=ConditionLog(log)
    )
    # Signals are heard before anything starts: a SIGHUP must never end the program.
    with garbage.in_charge(), Signals() as signals, contextlib.ExitStack() as held:
        # The files before the port: who starts it twice to try a change learns what is wrong there.
        if not await signals.unless_stopped(first.read(options, runtime)):
            return
        watched, unprotected = _watched(options, log, app.telemetry), Protection()
        protection: Callable[[], Protection] = watched or (lambda: unprotected)
        listener = held.enter_context(listen(options.web_listen_address))
        passwords = held.enter_context(contextlib.closing(Passwords(secrets.token_bytes(32))))
        guard = Guard(protection=protection, passwords=passwords, monotonic=runtime.monotonic)
        web = app.web(options.web_telemetry_path, guard=guard)
        try:
            if not await signals.unless_stopped(app.start()):
                return
            async with serving(
                web,
                [listener],
                connections=connections,
                protection=protection,
                bodies_at=REPORTS,
                at_once=descriptors.at_once,
            ):
                address = _shown(listener, secured=protection().context is not None)
                log.info("listening", address=address, version=__version__)
                supervision.ready(app.status())
                async with (
                    _beside("tell systemd", supervision.keep_telling(app.alive, app.status), log),
                    _beside(
                        "watch the web configuration",
                        watched.keep_looking(runtime.aside, runtime.sleep) if watched else None,
                        log,
                    ),
                    _beside("beside", beside(address) if beside is not None else None, log),
                ):
                    await signals.until_stopped(app.ask_to_reload)
                log.info("stopping")
                supervision.stopping()
        finally:
            await app.stop()


def _watched(
    options: argparse.Namespace, log: Log, telemetry: Telemetry
) -> WatchedProtection | None:
    if not options.web_config_file:
        return None
    return WatchedProtection(Path(options.web_config_file), log=log, outcome=telemetry)


def _shown(listener: socket.socket, *, secured: bool) -> str:
    host, port = listener.getsockname()[:2]
    shown = "localhost" if ip_address(host).is_unspecified else host
    return f"{'https' if secured else 'http'}://{shown}:{port}"


@contextlib.asynccontextmanager
async def _beside(
    name: str, work: Coroutine[Any, Any, None] | None, log: Log
) -> AsyncIterator[None]:
    """Do some work while the context is entered; when it fails that is said at once."""
    task = asyncio.create_task(work, name=name) if work is not None else None

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("a task ended unexpectedly", task=task.get_name(), detail=trail(exc))

    if task is not None:
        task.add_done_callback(ended)
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
