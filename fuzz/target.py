"""Say what a target is."""

import json
from collections.abc import Callable, Iterable
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


def json_target(
    name: str,
    check: Callable[[bytes], None],
    covers: tuple[Callable[..., object], ...],
    examples: Iterable[object],
) -> Target:
    """Return a target of JSON documents, with some of them to begin with."""
    return Target(
        name=name,
        form=Form.JSON,
        check=check,
        covers=covers,
        examples=tuple(json.dumps(each).encode() for each in examples),
    )
