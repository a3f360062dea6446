"""Remember how the input delay of one job went, and say whether it grows all the time.

A delay is told when details are had, or when a service behind the platform has a new one, and shown
again at every poll in between. So it counts from when it was told; one that was told again without
a change has not grown, and has not stood still either as long as the next one is not due.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter

GROWTH_WINDOW = 600.0
"""Seconds through which a delay has to grow before a job is said to fall behind, if not longer."""
_TELLINGS = 4
"""How many delays have to be told after the first one, however long that takes."""
_APART = 20.0
"""Seconds between two delays that are remembered, at least: what wavers would seem to grow at times
if it were looked at more often."""
_CUTS = (1, 2 / 3, 1 / 3, 0)
"""Where the time is parted: as shares of it, counted back from its end."""


@dataclass(slots=True)
class _Told:
    """A delay, and from when until when nothing else was told."""

    first: float
    last: float
    delay: float


_first = attrgetter("first")


@dataclass(slots=True)
class Delays:
    """The delays that were told of one job since it was first behind."""

    _told: list[_Told] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._told)

    def clear(self) -> None:
        """Begin anew."""
        self._told.clear()

    def note(self, delay: float, told_at: float, now: float) -> None:
        """Take in a delay, when it was told, and the time of this look."""
        told = self._told
        if told and now < told[-1].last:
            # The clock was put back: what was told when cannot be said any more.
            told.clear()
        if told and told_at <= told[-1].last:
            # Nothing was told since, or what is shown now is an older view.
            return
        if told and delay == told[-1].delay:
            told[-1].last = told_at
        elif not told or told_at - told[-1].first >= _APART:
            told.append(_Told(told_at, told_at, delay))
        oldest = told_at - self._window()
        while len(told) > _TELLINGS + 1 and told[1].first <= oldest:
            del told[0]

    def grow(self, least: float) -> bool | None:
        """Say whether they grow by so many seconds in each; None where that cannot be said.

        After an outage a delay jumps, and so it does when a job restarts; a jump is no growth, and
        lies in one part of the time only. So three parts of it are compared, each of which must
        grow. One that does not ends nothing: a checkpoint, a break. Two of them do.
        """
        if not self._told:
            return None
        ends, window = self._told[-1].last, self._window()
        cuts = [ends - share * window for share in _CUTS]
        growths = [self._growth(begin, end) for begin, end in pairwise(cuts)]
        known = [growth for growth in growths if growth is not None]
        slow = sum(growth < least for growth in known)
        if len(known) == len(growths) and not slow:
            return True if len(self._told) > _TELLINGS else None
        return False if slow > 1 else None

    def _window(self) -> float:
        """Return through how many seconds they have to grow: so many that each part tells any."""
        told = self._told
        if len(told) <= _TELLINGS:
            return GROWTH_WINDOW
        return max(GROWTH_WINDOW, told[-1].first - told[-1 - _TELLINGS].first)

    def _growth(self, begin: float, end: float) -> float | None:
        """Return by how many seconds a second they grew in a part; None where none was told."""
        told = self._told
        before, after = (bisect_right(told, moment, key=_first) - 1 for moment in (begin, end))
        if before < 0:
            return None
        if before == after:
            return 0.0 if told[after].last >= end else None
        was, became = told[before], told[after]
        return (became.delay - was.delay) / (became.first - was.first)
