"""Keep the garbage collector from stopping everything for long.

Python looks at all that lives whenever a quarter of it is new, and after a poll of many jobs it is:
that takes 40 ms with 10,000 jobs and 180 ms with 100,000. What polls leave behind is freed by its
reference counts, and cycles mostly die young. Those that grew old are found every ten minutes,
right after a rendering.
"""

import contextlib
import gc
from collections.abc import Iterator
from typing import Protocol

from exporter.pacing import Clock

FULL_EVERY = 600.0
"""Seconds between two looks at everything."""
_NEVER = 1_000_000_000


class Collector(Protocol):
    """What is needed of the module `gc`."""

    def get_threshold(self) -> tuple[int, int, int]:
        """Return after how much a collection of each generation begins."""

    def set_threshold(self, young: int, middle: int, old: int, /) -> None:
        """Say after how much a collection of each generation begins."""

    def collect(self) -> int:
        """Look at everything."""


class GarbageCollection:
    """Decides when to look at everything, in place of Python's own rule."""

    def __init__(self, *, monotonic: Clock, collector: Collector = gc) -> None:
        self._monotonic = monotonic
        self._collector = collector
        self._full_at = monotonic()

    @contextlib.contextmanager
    def in_charge(self) -> Iterator[None]:
        """Decide while the context is entered; all is as it was before when it is left."""
        young, middle, old = self._collector.get_threshold()
        self._collector.set_threshold(young, middle, _NEVER)
        try:
            yield
        finally:
            self._collector.set_threshold(young, middle, old)

    def rendered(self) -> None:
        """Look at everything if it is time: nobody waits for a page that is just done."""
        now = self._monotonic()
        if now - self._full_at >= FULL_EVERY:
            self._full_at = now
            self._collector.collect()
