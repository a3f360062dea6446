"""Load the configuration that the flags name, and find out which shard they say this is."""

import argparse
from collections.abc import Callable
from pathlib import Path

from exporter.collecting.sharding import Shard, read_shard
from exporter.configuration.config import Config, load
from exporter.runtime import Runtime


def load_when_asked(
    options: argparse.Namespace, runtime: Runtime, *, waits: bool
) -> Callable[[], Config]:
    """Return what loads the configuration; a command may be given a pipe, and waits for it."""
    return lambda: load(Path(options.config_file), runtime.environ, waits=waits)


def shard_of(options: argparse.Namespace, runtime: Runtime) -> Shard:
    """Return which shard the flags say this is. Raises ConfigError."""
    return read_shard(options.shard, options.total_shards, runtime.environ)
