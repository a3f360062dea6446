"""Recognise what a listing tells of a job as what the last one told, before it is read again.

Of ten thousand jobs hardly any is different at the next poll, but for how long it has run. To read
a row field by field takes ten times as long as to compare it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from exporter.fields import Flaws, Record
from exporter.model import Job
from exporter.vendors.flink.graph import TaskCounts, parse_task_counts

_STEADY: Final = (
    *("jid", "name", "state", "jobType", "schedulerType"),
    *("start-time", "end-time", "last-modification"),
)
"""What a row tells beside `duration` and `tasks`, up to Flink 2.3."""
_LONGEST: Final = 1024
"""Characters of a text that is remembered."""
_MOST_COUNTS: Final = 1000
"""Different sets of counts remembered: most jobs of a cluster are alike in them."""
_MOST_TASK_STATES: Final = 32

_Steady = tuple[object, ...]


class RowMemory:
    """The rows of the last listing of one cluster, and what was read of each."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[_Steady, Job]] = {}
        self._about: object = None
        self._counts: dict[tuple[tuple[str, object], ...], TaskCounts] = {}

    def parser(
        self, parse: Callable[[Record], Job | None], *, about: object, now: float, flaws: Flaws
    ) -> Callable[[Record], Job | None]:
        """Return what reads a row of the next listing as `parse` does, or knows it from the last.

        What was read while `about` was something else is of no use. A row in which something could
        not be read is read each time, so that this is noted each time.
        """
        before = self._known if about == self._about else {}
        known: dict[object, tuple[_Steady, Job]] = {}
        self._known, self._about = known, about

        def read(row: Record) -> Job | None:
            steady = row.unread(*_STEADY)
            if not all(map(_is_plain, steady)):
                return parse(row)
            found = before.get(steady[0])
            if found is not None and found[0] == steady and self._has_tasks(row, found[1]):
                # The texts of the last listing go on living; those of this one need not.
                steady, job = found[0], found[1].later(now, row.milliseconds("duration"))
                known[steady[0]] = steady, job
                return job
            noted = flaws.count
            read_anew = parse(row)
            if read_anew is not None and noted == flaws.count:
                known[steady[0]] = steady, read_anew
            return read_anew

        return read

    def task_counts(self, counts: Record) -> TaskCounts:
        """Read counts of tasks, or know them: one value serves all jobs that are alike in them."""
        told = counts.all_unread()
        found = self._known_counts(told)
        if found is None:
            found = parse_task_counts(counts)
            if len(told) <= _MOST_TASK_STATES and all(
                _is_plain(name) and type(number) is int and number >= 0 for name, number in told
            ):
                if len(self._counts) >= _MOST_COUNTS:
                    self._counts.clear()
                self._counts[told] = found
        return found

    def _has_tasks(self, row: Record, job: Job) -> bool:
        (told,) = row.unread("tasks")
        if not isinstance(told, Mapping):
            return told is None and not job.tasks
        return self._known_counts(tuple(told.items())) == job.tasks

    def _known_counts(self, told: tuple[tuple[str, object], ...]) -> TaskCounts | None:
        try:
            return self._counts.get(told)
        except TypeError:
            # A list, or an object, is where a number belongs.
            return None


def _is_plain(value: object) -> bool:
    """Say whether something can be compared, and kept, without harm."""
    if isinstance(value, str):
        return len(value) <= _LONGEST
    return value is None or isinstance(value, int | float)
