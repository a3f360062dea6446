"""Understand the command line, run what it asks for, and end with the right exit code."""

import argparse
import asyncio
import contextlib
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TextIO

from exporter import __version__
from exporter.app import App
from exporter.collecting.sharding import Shard, read_shard
from exporter.commands.arguments import build_parser, common_arguments
from exporter.configuration import checking
from exporter.configuration.config import Config, load
from exporter.configuration.config_warnings import config_warnings
from exporter.edge import sender
from exporter.edge.receiver import REPORTS
from exporter.errors import ConfigError, ConfigProblem, ExporterError
from exporter.files import MOST_TEXT, read
from exporter.listening import health
from exporter.listening.authentication import Guard
from exporter.listening.connections import Connections
from exporter.listening.descriptors import Descriptors, raise_limit
from exporter.listening.passwords import Passwords
from exporter.listening.protection import Protection, WatchedProtection, read_protection
from exporter.process.condition_log import ConditionLog, Log
from exporter.process.garbage_collection import GarbageCollection
from exporter.process.logs import build_log, quiet_all, quiet_libraries
from exporter.process.standard_streams import LAST_WORDS_SECONDS, Output, take_over
from exporter.process.supervision import Supervision
from exporter.runtime import Runtime
from exporter.serving.server import Signals, listen, parse_address, serving
from exporter.simulator import demo
from exporter.telemetry.telemetry import Telemetry

EXIT_FAILED = 1
EXIT_USAGE = 2


def main(
    arguments: Sequence[str] | None = None,
    *,
    runtime: Runtime | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Run the program; return its exit code."""
    # Without streams given this is a process of its own.
    writer = take_over() if err is None else None
    output = Output(sys.stdout if out is None else out)
    try:
        options = parser().parse_args(arguments)
        log = build_log(options.log_level, options.log_format, writer or err)
        (quiet_libraries if writer is None else quiet_all)(log)
        console = Console(log=log, out=output, lines_lost=lambda: writer.lost if writer else 0)
        return _run(options, runtime or Runtime(), console, output, err or sys.stderr)
    finally:
        output.close()
        if writer is not None:
            writer.drain(LAST_WORDS_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What a command says things to."""

    log: Log
    out: Output
    lines_lost: Callable[[], int]


def _run(
    options: argparse.Namespace, runtime: Runtime, console: Console, output: Output, err: TextIO
) -> int:
    run: Callable[[argparse.Namespace, Runtime, Console], int] = options.run
    try:
        code = run(options, runtime, console)
    except ConfigError as exc:
        for problem in exc.problems:
            err.write(f"error: {problem}\n")
        return EXIT_USAGE
    except ExporterError as exc:
        err.write(f"error: {exc}\n")
        return EXIT_FAILED
    # Whoever has read enough knows it; a disk that is full leaves him with less than he thinks.
    output.close()
    if output.failure:
        err.write(f"error: standard output: {output.failure}\n")
        return EXIT_FAILED
    return code


def _serve(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    load_config = _loader(options, runtime, waits=False)
    asyncio.run(_serve_until_stopped(load_config, options, runtime, console))
    return 0


def _check(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    config = _loader(options, runtime, waits=True)()
    if options.web_config_file:
        read_protection(Path(options.web_config_file))
    for warning in config_warnings(config):
        console.out.write(f"warning: {warning}\n")
    if not options.online:
        count = len(config.sources)
        console.out.write(f"{options.config_file}: ok, {count} source{'s' if count != 1 else ''}\n")
        return 0
    rows = asyncio.run(checking.try_sources(config, runtime))
    console.out.write(checking.table(rows))
    return 0 if all(row.works for row in rows) else EXIT_FAILED


def _healthy(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    try:
        if options.pid is not None:
            words = health.words_of(options.pid)
            options, _ = common_arguments(defaults=True).parse_known_args(words)
        where = parse_address(options.web_listen_address)
        wrong = health.look(*where, options.web_config_file)
    except ConfigError as exc:
        # Whatever is wrong is one sentence here, and one exit code: those who ask know no other.
        wrong = str(exc).replace("\n", "; ")
    console.out.write(f"not healthy: {wrong}\n" if wrong else "healthy\n")
    return EXIT_FAILED if wrong else 0


def _once(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    async def poll() -> tuple[bool, bytes]:
        app = App(
            _loader(options, runtime, waits=True),
            runtime=runtime,
            log=console.log,
            shard=_shard(options, runtime),
        )
        try:
            return await app.poll_once(), app.exposition.scrape()[0]
        finally:
            await app.stop()

    succeeded, page = asyncio.run(poll())
    console.out.write(page.decode())
    return 0 if succeeded else EXIT_FAILED


def _plan(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    config = _loader(options, runtime, waits=True)()
    shards = _shard(options, runtime).total
    if not options.online:
        counts = {source.settings.name: options.jobs for source in config.sources}
        console.out.write(checking.plan(config, counts, shards))
        return 0
    rows = asyncio.run(checking.try_sources(config, runtime))
    counts = {row.source: row.jobs for row in rows if row.jobs is not None}
    problems = {row.source: row.message for row in rows if row.jobs is None}
    if problems and not counts:
        reasons = "; ".join(f"{source}: {reason}" for source, reason in problems.items())
        raise ExporterError(f"no forecast, the jobs cannot be counted: {reasons}")
    console.out.write(checking.plan(config, counts, shards, problems=problems))
    return EXIT_FAILED if problems else 0


def _demo(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    async def run() -> None:
        async with demo.clouds(clock=runtime.clock, serve=serving, seed=options.seed) as show:

            def load_demo() -> Config:
                return checking.parse_text(show.configuration, runtime.environ)

            await _serve_until_stopped(load_demo, options, runtime, console, show.report)

    asyncio.run(run())
    return 0


def _report(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    if options.file is not None:
        body = _read_file(options.file)
    else:
        body = sender.build_report(
            job_id=options.job_id, status=options.status, now=runtime.clock()
        )
    token = _read_file(options.token_file).decode(errors="replace").split("\n", 1)[0].strip()
    message = asyncio.run(
        sender.send_report(options.url, options.project, token, body, runtime=runtime)
    )
    console.out.write(f"{message}\n")
    return 0


def _read_file(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(MOST_TEXT)
        return read(Path(name), MOST_TEXT, waits=True)
    except OSError as exc:
        problem = ConfigProblem("", f"{name}: {exc.strerror or 'cannot be read'}")
        raise ConfigError((problem,)) from None


async def _serve_until_stopped(
    load_config: Callable[[], Config],
    options: argparse.Namespace,
    runtime: Runtime,
    console: Console,
    beside: Callable[[str], Coroutine[Any, Any, None]] | None = None,
) -> None:
    log = console.log
    supervision = Supervision(runtime.environ, monotonic=runtime.monotonic, sleep=runtime.sleep)
    garbage = GarbageCollection(monotonic=runtime.monotonic)
    app = App(
        load_config,
        runtime=runtime,
        log=log,
        shard=_shard(options, runtime),
        reloading=supervision.reloading,
        rendered=garbage.rendered,
        loaded=lambda: connections.limit(
            descriptors.share(options.web_max_connections, app.upstream_connections())
        ),
        lines_lost=console.lines_lost,
    )
    watched, unprotected = _watched(options, log, app.telemetry), Protection()
    protection: Callable[[], Protection] = watched or (lambda: unprotected)
    descriptors = Descriptors(raise_limit(), conditions=ConditionLog(log))
    connections = Connections(
        monotonic=runtime.monotonic, most=options.web_max_connections, conditions=ConditionLog(log)
    )
    # Signals are heard before anything starts: a SIGHUP must never end the program.
    with (
        garbage.in_charge(),
        Signals() as signals,
        listen(options.web_listen_address) as listener,
        contextlib.closing(Passwords(secrets.token_bytes(32))) as passwords,
    ):
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
                    _beside(supervision.keep_telling(app.alive, app.status)),
                    _beside(
                        watched.keep_looking(runtime.aside, runtime.sleep) if watched else None
                    ),
                    _beside(beside(address) if beside is not None else None),
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
async def _beside(work: Coroutine[Any, Any, None] | None) -> AsyncIterator[None]:
    """Do some work while the context is entered."""
    task = asyncio.create_task(work) if work is not None else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _loader(options: argparse.Namespace, runtime: Runtime, *, waits: bool) -> Callable[[], Config]:
    """Return what loads the configuration; a command may be given a pipe, and waits for it."""
    return lambda: load(Path(options.config_file), runtime.environ, waits=waits)


def _shard(options: argparse.Namespace, runtime: Runtime) -> Shard:
    return read_shard(options.shard, options.total_shards, runtime.environ)


def parser() -> argparse.ArgumentParser:
    """Return what understands the command line."""
    return build_parser(
        {
            "serve": _serve,
            "check-config": _check,
            "healthy": _healthy,
            "once": _once,
            "plan": _plan,
            "edge-report": _report,
            "demo": _demo,
        }
    )
