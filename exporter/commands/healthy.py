"""Ask an exporter that runs whether it is well."""

import argparse

from exporter.commands.arguments import common_arguments
from exporter.commands.console import EXIT_FAILED, Console
from exporter.errors import ConfigError
from exporter.listening import health
from exporter.listening.addresses import parse_address
from exporter.runtime import Runtime


def run(options: argparse.Namespace, runtime: Runtime, console: Console) -> int:
    """Ask the exporter that the flags describe, or that a process is."""
    try:
        if options.pid is not None:
            words = health.words_of(options.pid)
            options, _ = common_arguments().parse_known_args(words)
        where = parse_address(options.web_listen_address)
        wrong = health.look(*where, options.web_config_file)
    except ConfigError as exc:
        # Whatever is wrong is one sentence here, and one exit code: those who ask know no other.
        wrong = str(exc).replace("\n", "; ")
    console.out.write(f"not healthy: {wrong}\n" if wrong else "healthy\n")
    return EXIT_FAILED if wrong else 0
