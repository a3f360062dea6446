"""Send a report of an edge job, as its agent does."""

import argparse
import asyncio
import sys
from pathlib import Path

from exporter.commands.console import Console
from exporter.edge import sender
from exporter.errors import ConfigError, ConfigProblem
from exporter.files import MOST_TEXT, read
from exporter.runtime import Runtime


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Send the report that the flags describe, or a file."""
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
