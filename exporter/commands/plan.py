"""Say what the calls of a configuration cost."""

import argparse
import asyncio

from exporter.commands.configured import load_when_asked, shard_of
from exporter.commands.console import EXIT_FAILED, Console
from exporter.configuration import checking
from exporter.errors import ExporterError
from exporter.runtime import Runtime


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Forecast the calls, for as many jobs as there are or are said to be."""
    config = load_when_asked(options, runtime, waits=True)()
    shards = shard_of(options, runtime).total
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
    clusters = {
        row.source: row.clusters.reached + row.clusters.unreached
        for row in rows
        if row.clusters is not None
    }
    text = checking.plan(config, counts, shards, problems=problems, clusters=clusters)
    console.out.write(text)
    return EXIT_FAILED if problems else 0
