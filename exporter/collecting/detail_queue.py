"""Decide in which order to ask about single jobs, and whose turn it is when nothing has happened.

Everything here is pure: time is an argument, and what was asked is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from exporter.model import Job

_ROUTINE_SHARE = 4
"""One question in so many is about a job whose details are merely old, whatever else is due."""
_GRAIN = 1e-6

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailQueue:
    """What to ask after an inventory, most urgent first."""

    news: tuple[Job, ...] = ()
    """Jobs to which something has happened."""
    missing: tuple[Job, ...] = ()
    """Jobs that a complete listing lacks: to be asked for by id before they are let go."""
    urgent: tuple[Job, ...] = ()
    """Jobs that are about to change, that only details tell the state of, or that are new to us."""
    routine: tuple[Job, ...] = ()
    """Jobs whose details have merely become old."""

    def in_order(self) -> Iterator[Job]:
        """Yield everything in the order to ask: if time runs out, no kind has had none of it."""
        yield from self.news
        yield from self.missing
        routine = iter(self.routine)
        for number, job in enumerate(self.urgent, start=1):
            yield job
            if number % (_ROUTINE_SHARE - 1) == 0:
                yield from islice(routine, 1)
        yield from routine


class RoundRobin:
    """Whose details are due, of jobs to which nothing has happened.

    In each detail_interval every job is worth one question. That spreads them evenly over the
    polls, and when there is no time for all the oldest are still the first.
    """

    def __init__(self, detail_interval: float, *, credit: float) -> None:
        """Take how many questions are earned already: a part of one."""
        self._detail_interval = detail_interval
        self._credit = credit
        self._listed_at: float | None = None

    def due(self, calm: list[_T], now: float) -> list[_T]:
        """Return as many as the time since then is worth; first come those asked longest ago."""
        elapsed = 0.0 if self._listed_at is None else max(0.0, now - self._listed_at)
        self._listed_at = now
        earned = len(calm) * elapsed / self._detail_interval
        self._credit = min(self._credit + earned, max(1.0, len(calm)))
        return calm[: int(self._credit + _GRAIN)]

    def asked(self) -> None:
        """Hear that one of them was asked about."""
        self._credit -= 1
