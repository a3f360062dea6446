"""Share the file descriptors of the process between those who connect and whom it connects to.

Connections that nobody bounds below the limit of the process take all descriptors there are, and
then neither a scrape nor a poll finds one.
"""

import contextlib
import resource

from exporter.process.condition_log import ConditionLog

_MOST = 65536
"""Descriptors that are asked for. More are never needed, and some systems name a billion."""
_OWN = 32
"""Descriptors beside all connections: files that are read, the journal, the loop's own."""
_BACKLOG = 128
_ITS_SHARE = 32
_ROUNDS = 3
"""Connections that are let in and not counted yet are those of so many turns of the loop."""
_LEAST_SHARE = 4
_FEW = "fewer connections than asked for"


def raise_limit() -> int:
    """Raise the soft limit of descriptors as far as the hard one allows; return what holds then.

    The soft limit is low for the sake of programs that use select(2), which this one does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _MOST if soft == resource.RLIM_INFINITY else soft
    # A sandbox may forbid it; less is less, and no failure.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


class Descriptors:
    """So many descriptors, and how many of them connections of clients may take."""

    def __init__(self, limit: int, *, conditions: ConditionLog) -> None:
        self._limit = limit
        self._conditions = conditions

    @property
    def at_once(self) -> int:
        """Return how many connections may be let in before they are counted."""
        return max(1, min(_BACKLOG, self._limit // _ITS_SHARE))

    def share(self, asked: int, upstream: int) -> int:
        """Return how many connections clients may have, of those that were asked for.

        `upstream` is what connections to the platforms may take; where both cannot be had, clients
        get a quarter of what there is.
        """
        room = self._limit - _OWN - _ROUNDS * self.at_once
        most = min(asked, max(room - upstream, room // _LEAST_SHARE, 1))
        if most < asked:
            facts = {"asked": str(asked), "limit": str(most), "descriptors": str(self._limit)}
            self._conditions.began(_FEW, f"{_FEW}: there are too few file descriptors", **facts)
        else:
            self._conditions.ended(_FEW, "there are file descriptors for all connections again")
        return most
