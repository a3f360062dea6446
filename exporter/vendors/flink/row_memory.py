"""Recognise what a listing tells of a job as what the last one told, before it is read again.

Of ten thousand jobs hardly any is different at the next poll, but for how long it has run. To read
a row field by field takes ten times as long as to compare it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from exporter.fields import Flaws, Record
from exporter.model import Job
from exporter.vendors.flink.graph import TaskCounts, parse_task_counts

_STEADY: Final = (
    *("jid", "name", "state", "jobType", "schedulerType"),
    *("start-time", "end-time", "last-modification"),
)
"""What a row tells beside `duration` and `tasks`, up to Flink 2.3."""
_TASKS: Final = ("tasks",)
_LONGEST: Final = 1024
"""Characters of a text that is remembered."""
_MOST_COUNTS: Final = 1000
"""Different sets of counts remembered: most jobs of a cluster are alike in them."""
_MOST_TASK_STATES: Final = 32

_Steady = tuple[object, ...]
_Told = Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class _Known:
    """A row of the last listing."""

    steady: _Steady
    tasks: _Told
    job: Job


class RowMemory:
    """The rows of the last listing of one cluster, and what was read of each."""

    def __init__(self) -> None:
        self._known: dict[object, _Known] = {}
        self._about: object = None
        self._counts: dict[tuple[tuple[str, object], ...], tuple[_Told, TaskCounts]] = {}

    def parser(
        self, parse: Callable[[Record], Job | None], *, about: object, now: float, flaws: Flaws
    ) -> Callable[[Record], Job | None]:
        """Return what reads a row of the next listing as `parse` does, or knows it from the last.

        What was read while `about` was something else is of no use. A row in which something could
        not be read is read each time, so that this is noted each time.
        """
        before = self._known if about == self._about else {}
        known: dict[object, _Known] = {}
        self._known, self._about = known, about

        def read(row: Record) -> Job | None:
            steady, tasks = row.unread(_STEADY), row.unread(_TASKS)[0]
            found = before.get(steady[0]) if isinstance(steady[0], str) else None
            if found is not None and found.steady == steady and found.tasks == tasks:
                job = found.job.later(now, row.milliseconds("duration"))
                # The texts of the last listing go on living; those of this one need not.
                known[found.steady[0]] = _Known(found.steady, found.tasks, job)
                return job
            noted = flaws.count
            read_anew = parse(row)
            if read_anew is not None and noted == flaws.count and all(map(_is_plain, steady)):
                counts = None if tasks is None else self._known_counts(tasks)
                if tasks is None or counts is not None:
                    shared = None if counts is None else counts[0]
                    known[steady[0]] = _Known(steady, shared, read_anew)
            return read_anew

        return read

    def task_counts(self, counts: Record) -> TaskCounts:
        """Read counts of tasks, or know them: one value serves all jobs that are alike in them."""
        told = counts.all_unread()
        known = self._known_counts(told)
        if known is not None:
            return known[1]
        found = parse_task_counts(counts)
        if len(told) <= _MOST_TASK_STATES and all(
            _is_plain(name) and type(number) is int and number >= 0 for name, number in told.items()
        ):
            if len(self._counts) >= _MOST_COUNTS:
                self._counts.clear()
            self._counts[tuple(told.items())] = told, found
        return found

    def _known_counts(self, told: object) -> tuple[_Told, TaskCounts] | None:
        if not isinstance(told, Mapping) or len(told) > _MOST_TASK_STATES:
            return None
        try:
            return self._counts.get(tuple(told.items()))
        except TypeError:
            # A list, or an object, is where a number belongs.
            return None


def _is_plain(value: object) -> bool:
    """Say whether something can be compared, and kept, without harm."""
    if isinstance(value, str):
        return len(value) <= _LONGEST
    return value is None or isinstance(value, int | float)
