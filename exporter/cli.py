"""Understand the command line, run what it asks for, and end with the right exit code.

A command is a module of `exporter.commands`, and is imported when it is asked for: a health check
that is made twice a minute has no use for what polls the clouds.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from exporter import commands
from exporter.commands.arguments import build_parser
from exporter.commands.console import EXIT_FAILED, EXIT_USAGE, Console
from exporter.commands.help import language_of
from exporter.errors import ConfigError, ExporterError
from exporter.process.logs import build_log, quiet_all, quiet_libraries
from exporter.process.standard_streams import LAST_WORDS_SECONDS, Output, take_over
from exporter.runtime import Runtime


def main(
    arguments: Sequence[str] | None = None,
    *,
    runtime: Runtime | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
    stdin: TextIO | None = None,
) -> int:
    """Run the program; return its exit code."""
    # Without streams given this is a process of its own.
    writer = take_over() if err is None else None
    output = Output(sys.stdout if out is None else out)
    runtime = runtime or Runtime()
    language = language_of(runtime.environ, getattr(sys.stdout, "encoding", None) or "ascii")
    try:
        options = build_parser(language).parse_args(arguments)
        log = build_log(options.log_level, options.log_format, writer or err)
        (quiet_libraries if writer is None else quiet_all)(log)
        console = Console(
            log=log,
            out=output,
            lines_lost=lambda: writer.lost if writer else 0,
            ask=_asking(stdin or sys.stdin, err or sys.stderr),
        )
        return _run(options, runtime, console, output, err or sys.stderr)
    finally:
        output.close()
        if writer is not None:
            writer.drain(LAST_WORDS_SECONDS)


def _asking(stdin: TextIO, err: TextIO) -> Callable[[str], str] | None:
    """Return what asks a question, if there is somebody to answer."""
    if stdin is None or not stdin.isatty():
        return None

    def ask(question: str) -> str:
        err.write(question)
        err.flush()
        try:
            line = stdin.readline()
        except KeyboardInterrupt:
            raise ExporterError("interrupted") from None
        if not line:
            raise ExporterError("the input has ended")
        return line.strip()

    return ask


def _run(
    options: argparse.Namespace, runtime: Runtime, console: Console, output: Output, err: TextIO
) -> int:
    command: Any = importlib.import_module(f"{commands.__name__}.{options.command}")
    try:
        code: int = command.run(options, runtime, console)
    except ConfigError as exc:
        for problem in exc.problems:
            # What has a place begins with it, as editors want it.
            err.write(f"{problem if problem.place else problem.headed('error')}\n")
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
