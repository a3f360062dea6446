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
        async with demo.clouds(
            clock=runtime.clock, serve=serving, seed=options.seed, story=options.story
        ) as show:

            def load_demo() -> Config:
                return checking.parse_text(show.configuration, runtime.environ)

            async def tell(address: str) -> None:
                for story in show.stage.stories:
                    console.log.info(
                        "story",
                        name=story.name,
                        text=story.text,
                        source=story.source,
                        begins_in=f"{story.window.begins:.0f}s",
                        lasts=f"{story.window.lasts:.0f}s",
                        see=f"{address}/?source={story.source}",
                        runbook=f"{address}/runbooks/{story.alert}",
                    )
                await show.run(address)

            await serve_until_stopped(load_demo, options, runtime, console, tell)

    asyncio.run(run())
    return 0
