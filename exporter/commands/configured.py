"""Load what the flags name, both files of it, and find out which shard they say this is."""

import argparse
from collections.abc import Callable
from pathlib import Path

from exporter.collecting.sharding import Shard, read_shard
from exporter.configuration.config import Config, load
from exporter.errors import ConfigError, ConfigProblem
from exporter.listening.protection import read_protection
from exporter.process.condition_log import Log
from exporter.runtime import Runtime


def load_when_asked(
    options: argparse.Namespace, runtime: Runtime, *, waits: bool
) -> Callable[[], Config]:
    """Return what loads the configuration; a command may be given a pipe, and waits for it."""
    return lambda: load(Path(options.config_file), runtime.environ, waits=waits)


def read_files(options: argparse.Namespace, load_config: Callable[[], Config]) -> Config:
    """Return the configuration, once the file of the listener is known to be good as well.

    Raises ConfigError with the problems of both.
    """
    problems: list[ConfigProblem] = []
    config: Config | None = None
    try:
        config = load_config()
    except ConfigError as exc:
        problems += exc.problems
    if options.web_config_file:
        try:
            read_protection(Path(options.web_config_file))
        except ConfigError as exc:
            problems += exc.problems
    if config is None or problems:
        raise ConfigError(tuple(problems))
    return config


class ReadBefore:
    """Loads the configuration; what was read before anything started is not read again."""

    def __init__(self, load_config: Callable[[], Config], log: Log) -> None:
        self._load = load_config
        self._log = log
        self._first: Config | None = None

    def __call__(self) -> Config:
        """Return what was read before, once, and from then on what the file says."""
        first, self._first = self._first, None
        return first or self._load()

    async def read(self, options: argparse.Namespace, runtime: Runtime) -> None:
        """Read both files. Raises ConfigError with the problems of both, which are logged too."""
        try:
            self._first = await runtime.aside(lambda: read_files(options, self._load))
        except OSError as exc:
            problem = ConfigProblem("", f"configuration: {exc.strerror or 'cannot be read'}")
            raise ConfigError((problem,)) from None
        except ConfigError as exc:
            self._log.error("configuration not loaded", problems=str(exc).replace("\n", "; "))
            raise


def shard_of(options: argparse.Namespace, runtime: Runtime) -> Shard:
    """Return which shard the flags say this is. Raises ConfigError."""
    return read_shard(options.shard, options.total_shards, runtime.environ)
