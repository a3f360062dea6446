"""Say what a target is."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).parent


class Form(Enum):
    """What the bytes of a target are, and so how they are best changed."""

    JSON = "json"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing to be fuzzed."""

    name: str
    form: Form
    check: Callable[[bytes], None]
    """Raises when the input does what no input may do; see `fuzz.page` for what is checked."""
    covers: tuple[Callable[..., object], ...]
    """The functions of the exporter that read what comes from outside."""
    seeds: tuple[str, ...] = ()
    """Patterns of files, below the root of the repository, that are good inputs to begin with."""
    examples: tuple[bytes, ...] = ()
    """Good inputs that are in no file."""

    @property
    def corpus(self) -> Path:
        """Return the file of inputs that together reach everything reached so far."""
        return ROOT / "corpus" / f"{self.name}.jsonl"

    @property
    def regressions(self) -> Path:
        """Return the folder of inputs that once were stumbled over."""
        return ROOT / "regressions" / self.name
