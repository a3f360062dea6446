"""Poll every source once and print what a scrape would have got."""

import argparse
import asyncio

from exporter.app import App
from exporter.commands.configured import load_when_asked, shard_of
from exporter.commands.console import EXIT_FAILED, Console
from exporter.runtime import Runtime


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Poll once and print the page."""

    async def poll() -> tuple[bool, bytes]:
        app = App(
            load_when_asked(options, runtime, waits=True),
            runtime=runtime,
            log=console.log,
            shard=shard_of(options, runtime),
        )
        try:
            return await app.poll_once(), app.exposition.scrape()[0]
        finally:
            await app.stop()

    succeeded, page = asyncio.run(poll())
    console.out.write(page.decode())
    return 0 if succeeded else EXIT_FAILED
