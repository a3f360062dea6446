"""Decide which report of a job counts. Everything here is pure.

Reports can come in another order than they were made: one that is sent again after a newer one must
not bring back what has passed. Their `create_time` tells the order, but by a clock at the edge that
can be wrong and be put right. So it is believed as long as it is possible: a report that it calls
older is late, unless it would be later than any report is, or the clock must have been put back.
Whatever the clocks say, arrival wins in the end, and nothing of a job that reports stays hidden.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.edge.jobs import KnownJob

_MOST_LATE = 24 * 3600.0
"""Seconds after which nobody sends a report again."""
_SKEW = 300.0
"""Seconds by which a clock may be ahead and still be relied on."""
_HARMLESS = 5.0
"""Seconds for which hiding a report does no harm."""
_CLOSE = 2.0
"""Seconds within which two clocks agree."""
_LEAST_PACE = 5.0
_PACE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Standing:
    """The report of a job that counts so far, by its times."""

    created: float
    """By the clock of the agent."""
    received: float
    """By our clock."""
    heard: float
    """By the listening time."""
    passed_over: tuple[float, float] | None = None
    """When one that has come since, and was called older, was created and heard."""


Key = tuple[str, str]


class Precedence:
    """What counts of each job, for reports in the order in which they are stored."""

    def __init__(self) -> None:
        self._standings: dict[Key, Standing] = {}

    def restore(self, known: KnownJob, heard: float) -> None:
        """Take in what counted before."""
        self._standings[known.key] = _standing(known, heard)

    def round(self, heard: float) -> "Round":
        """Begin to judge the reports of one transaction."""
        return Round(self._standings, heard)

    def keep(self, judged: "Round") -> None:
        """Take in what was judged: the transaction is on the disk."""
        for key, standing in judged.changes.items():
            if standing is None:
                self._standings.pop(key, None)
            else:
                self._standings[key] = standing


class Round:
    """The reports of one transaction, which may yet fail."""

    def __init__(self, standings: dict[Key, Standing], heard: float) -> None:
        self._standings = standings
        self.heard = heard
        self.changes: dict[Key, Standing | None] = {}

    def take(self, jobs: tuple[KnownJob, ...]) -> tuple[KnownJob, ...]:
        """Return which entries of a report count: the very same tuple if all do."""
        counting = [known for known in jobs if self._take(known)]
        return jobs if len(counting) == len(jobs) else tuple(counting)

    def forget(self, jobs: Iterable[KnownJob]) -> None:
        """Let go of jobs unless they were reported again since."""
        for known in jobs:
            newest = self._find(known.key)
            if newest is not None and newest == _standing(known, newest.heard, newest.passed_over):
                self.changes[known.key] = None

    def _take(self, known: KnownJob) -> bool:
        key, heard = known.key, self.heard
        newest = self._find(key)
        if newest is None or supersedes(newest, known, heard):
            self.changes[key] = _standing(known, heard)
            return True
        created, before = known.create_time / 1000, newest.passed_over
        if before is None or heard - before[1] >= _LEAST_PACE:
            # Of several in a moment the first stays: pace shows over some time only.
            self.changes[key] = replace(newest, passed_over=(created, heard))
        return False

    def _find(self, key: Key) -> Standing | None:
        if key in self.changes:
            return self.changes[key]
        return self._standings.get(key)


def supersedes(newest: Standing, known: KnownJob, heard: float) -> bool:
    """Say whether a report that was heard after the newest takes its place."""
    created = known.create_time / 1000
    if created >= newest.created:
        return True
    # If one clock told both times, this report is later than that one was by so much.
    late = heard - newest.heard + newest.created - created
    # The clock of that one was ahead by so much at least: its time was still to come.
    ahead = newest.created - newest.received
    if late > (_MOST_LATE if ahead <= _SKEW else _SKEW):
        return True
    agrees = abs(created - known.received) <= _CLOSE
    if ahead > _HARMLESS and late >= ahead - _CLOSE and agrees:
        # The clock was put right: it was ahead by that much, and now tells the time.
        return True
    return newest.passed_over is not None and _keep_pace(*newest.passed_over, created, heard)


def _keep_pace(created: float, heard: float, later_created: float, later_heard: float) -> bool:
    """Say whether two reports were made as far apart as they came: by a clock that runs on.

    Reports that were held up come in a burst, or the newest is the last of them.
    """
    passed = later_heard - heard
    if passed < _LEAST_PACE:
        return False
    return abs(later_created - created - passed) <= max(2.0, _PACE_SHARE * passed)


def _standing(
    known: KnownJob, heard: float, passed_over: tuple[float, float] | None = None
) -> Standing:
    return Standing(known.create_time / 1000, known.received, heard, passed_over)
