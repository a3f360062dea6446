"""Bound how many answers are made at a time: whoever does not read makes room for who does."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exporter.process.turns import CrowdedError

_STILL_SECONDS = 0.25


@dataclass(slots=True, eq=False)
class Seat:
    """The place of an answer that is made while it is sent."""

    task: "asyncio.Task[object] | None"
    waits_since: float = math.inf
    """When it was handed the piece that it has not taken yet."""


class Seats:
    """All answers that are being made."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._taken: dict[Seat, None] = {}

    @contextmanager
    def seat(self) -> Iterator[Seat]:
        """Take a seat while the context is entered.

        When there is none, who has waited for its reader the longest, for a moment at least,
        must go. Raises CrowdedError when all others read.
        """
        if len(self._taken) >= self._most:
            now = asyncio.get_running_loop().time()
            still = min(self._taken, key=lambda each: each.waits_since)
            if now - still.waits_since < _STILL_SECONDS:
                raise CrowdedError
            del self._taken[still]
            if still.task is not None:
                still.task.cancel()
        seat = Seat(asyncio.current_task())
        self._taken[seat] = None
        try:
            yield seat
        finally:
            self._taken.pop(seat, None)
