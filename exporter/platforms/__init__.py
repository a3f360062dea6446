"""Find platforms by name: one module each, and none knows another.

The name of the module is the value of `platform:` in the configuration, of the `platform` label and
of the folder of its fixtures. Each module has, in this order: the vendor's page and version, its
state words, its `Settings`, its source (I/O), its `parse_*` functions (pure) and `PLATFORM`.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from exporter.source import CallCost, Source, SourceSettings
from exporter.upstream.connector import Connector


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One kind of source: how it is configured, opened, and what it costs."""

    name: str
    settings: type[SourceSettings]
    open: Callable[[Any, Connector], Source]
    """Open a source; given an instance of `settings` and the source's connector."""
    cost: Callable[[Any, int], CallCost]
    """Say how many calls a source with so many running jobs makes."""
    check: Callable[[Any], Awaitable[None]] | None = None
    """Ask what an open source asks only now and then whether it answers. Raises FetchError."""
    supersedes: bool = False
    """Whether each start of a job is a new job_id, so that a later run replaces an ended one."""
    rescales: bool = False
    """Whether it counts a job that was rescaled as restarted, as Flink itself does."""


def names() -> tuple[str, ...]:
    """Return the names of all platforms."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def load(name: str) -> Platform:
    """Return the platform of that name. Raises KeyError when there is none."""
    if name not in names():
        raise KeyError(name)
    platform: Platform = importlib.import_module(f"{__name__}.{name}").PLATFORM
    return platform
