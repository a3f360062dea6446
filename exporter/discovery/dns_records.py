"""Describe what DNS tells, whoever asks it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record: the address of A and AAAA, or the target and port of SRV."""

    host: str
    """Without the dot at its end."""
    port: int | None = None


class Lookup(Protocol):
    """Whatever looks names up."""

    async def __call__(self, name: str, kind: str) -> tuple[Record, ...]:
        """Return the records, none if there are none. Raises FetchError when nobody told."""
