"""Say whether a configuration can be used, and whether its APIs answer."""

import argparse
import asyncio

from exporter.commands.configured import load_when_asked, read_files
from exporter.commands.console import EXIT_FAILED, Console
from exporter.configuration import checking
from exporter.configuration.config_warnings import config_warnings
from exporter.configuration.limits import changed_limits
from exporter.runtime import Runtime


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Check the configuration; with `--online` try each API too."""
    config = read_files(options, load_when_asked(options, runtime, waits=True))
    warnings = config_warnings(config)
    for warning in config.origin.place(warnings) if warnings else ():
        console.out.write(f"{warning.headed('warning')}\n")
    for limits in changed_limits(config):
        console.out.write(f"attention: {limits}\n")
    if not options.online:
        count = len(config.sources)
        console.out.write(f"{options.config_file}: ok, {count} source{'s' if count != 1 else ''}\n")
        return 0
    rows = asyncio.run(checking.try_sources(config, runtime))
    console.out.write(checking.table(rows))
    if clusters := checking.cluster_table(rows):
        console.out.write(f"\n{clusters}")
    return 0 if all(row.works for row in rows) else EXIT_FAILED
