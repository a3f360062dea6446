"""Serve simulated clouds, for whoever has no account at hand."""

import argparse
import asyncio

from exporter.commands.console import Console
from exporter.commands.serve import serve_until_stopped
from exporter.configuration import checking
from exporter.configuration.config import Config
from exporter.runtime import Runtime
from exporter.serving.server import serving
from exporter.simulator import demo


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Serve the demo until it is stopped."""

    async def run() -> None:
        async with demo.clouds(clock=runtime.clock, serve=serving, seed=options.seed) as show:

            def load_demo() -> Config:
                return checking.parse_text(show.configuration, runtime.environ)

            await serve_until_stopped(load_demo, options, runtime, console, show.report)

    asyncio.run(run())
    return 0
