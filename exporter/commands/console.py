"""What every command says things to, and how it ends."""

from collections.abc import Callable
from dataclasses import dataclass

from exporter.process.condition_log import Log
from exporter.process.standard_streams import Output

EXIT_FAILED = 1
EXIT_USAGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What a command says things to."""

    log: Log
    out: Output
    lines_lost: Callable[[], int]
    ask: Callable[[str], str] | None = None
    """Asks whoever is at the terminal; None when nobody is."""
