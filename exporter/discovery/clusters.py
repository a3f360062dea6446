"""Describe the Flink clusters that were found, whoever found them."""

from dataclasses import dataclass
from typing import Protocol

from exporter.errors import FetchError
from exporter.model import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One Flink cluster that is there."""

    name: str
    """What it is called over all its lives: the `project` label. Never an address."""
    addresses: tuple[str, ...] = ()
    """Where its JobManagers answer: URLs; empty while there is nobody to ask yet."""
    incarnation: str = ""
    """What changes when it is made anew under its name: YARN's application id. May be empty."""
    native_status: str = ""
    """The word of whoever found it for how its one job stands, for as long as nobody can be asked.
    Empty where there is no such word, or where there may be more jobs than one."""
    server_name: str = ""
    """The name that its certificates are for, where the addresses do not say it. May be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCluster:
    """One cluster that is over, told by somebody who knows how it ended."""

    name: str
    incarnation: str
    state: State
    """How its one job ended; UNKNOWN when the witness does not know."""
    native_status: str
    end_timestamp: float | None
    error_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedTarget:
    """Something that was found and will not be asked, with why, for people."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """What one look found: everything, unless it says that it is not complete."""

    living: tuple[Cluster, ...]
    ended: tuple[EndedCluster, ...] = ()
    skipped: tuple[SkippedTarget, ...] = ()
    failures: tuple[FetchError, ...] = ()
    """Parts that could not be had; what they told before may be among the rest."""
    complete: bool = True
    """Whether a cluster that is not among these was not there."""


class Discovery(Protocol):
    """One way of finding clusters."""

    async def find(self) -> Clusters:
        """Return all clusters. Raises FetchError when none of them could be told."""

    async def aclose(self) -> None:
        """Close what was opened."""
