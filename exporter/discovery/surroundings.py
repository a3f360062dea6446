"""Say what a way of finding clusters is given when it is opened."""

from dataclasses import dataclass

from exporter.runtime import Runtime
from exporter.source import SourceSettings
from exporter.upstream.connector import Connector


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The source that a discovery is of, and what that is connected by.

    `connector` goes to the JobManagers, and refuses addresses that nobody may be sent to: what is
    asked of a service that the configuration names goes by `connector.beside()`.
    """

    settings: SourceSettings
    connector: Connector
    refresh: float
    """Seconds between two looks."""

    @property
    def runtime(self) -> Runtime:
        """Return the clock, the random numbers and the like."""
        return self.connector.runtime
