"""Recognise what a listing tells of a job as what the last one told, before it is read again.

Of ten thousand jobs hardly any is different at the next poll, but for how long it has run. To read
a row field by field takes ten times as long as to compare it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from exporter.fields import Flaws, Record, row_reader
from exporter.model import Job
from exporter.process.steps import Steps
from exporter.vendors.flink.graph import TaskCounts, parse_task_counts

_STEADY: Final = (
    *("jid", "name", "state", "jobType", "schedulerType"),
    *("start-time", "end-time", "last-modification", "tasks"),
)
"""What a row tells beside `duration`, up to Flink 2.3: first the key, and last what is no text."""
_LONGEST: Final = 1024
"""Characters of a text that is remembered."""
_LONGEST_DURATION: Final = 2**53
"""Milliseconds: longer ones are read as anything else is that may not be true."""
_MOST_COUNTS: Final = 1000
"""Different sets of counts remembered: most jobs of a cluster are alike in them."""
_MOST_TASK_STATES: Final = 32
_FREED_PER_STEP: Final = 5000

_Steady = tuple[object, ...]
_Told = Mapping[str, object] | None
_Known = tuple[_Steady, Job]
"""What a row of the last listing told, and the job that was read of it."""


class RowMemory:
    """The rows of the last listing of one cluster, and what was read of each."""

    def __init__(self) -> None:
        self._known: dict[object, _Known] = {}
        self._about: object = None
        self._read: dict[object, _Known] = {}
        """What was read of a listing that may fail yet, and what it is about."""
        self._read_about: object = None
        self._counts: dict[tuple[tuple[str, object], ...], tuple[_Told, TaskCounts]] = {}

    def reader(
        self,
        place: str,
        parse: Callable[[Record], Job | None],
        *,
        about: object,
        now: float,
        flaws: Flaws,
    ) -> Callable[[int, object], Job | None]:
        """Return what reads a row of the next listing as `parse` does, or knows it from the last.

        What was read while `about` was something else is of no use. A row in which something could
        not be read is read each time, so that this is noted each time. Say in the end whether to
        `keep` what was read, or to `let_go` of it.
        """
        before = self._known if about == self._about else {}
        known: dict[object, _Known] = {}
        self._read, self._read_about = known, about

        def read(row: Record) -> Job | None:
            noted = flaws.count
            job = parse(row)
            steady = row.unread(_STEADY)
            if job is not None and noted == flaws.count and all(map(_is_plain, steady[:-1])):
                told = steady[-1]
                counts = None if told is None else self._known_counts(told)
                if told is None or counts is not None:
                    shared = None if counts is None else counts[0]
                    known[steady[0]] = (*steady[:-1], shared), job
            return job

        read_anew = row_reader(place, read, flaws)

        def recognise(number: int, fields: object) -> Job | None:
            if type(fields) is dict:
                get = fields.get
                steady, duration = tuple(map(get, _STEADY)), get("duration")
                key = steady[0]
                found = before.get(key) if type(key) is str else None
                if (
                    found is not None
                    and found[0] == steady
                    and type(duration) is int
                    and 0 <= duration < _LONGEST_DURATION
                ):
                    # The texts of the last listing go on living; those of this one need not.
                    told = found[0]
                    job = found[1].later(now, duration / 1000)
                    known[told[0]] = told, job
                    return job
            return read_anew(number, fields)

        return recognise

    def keep(self) -> None:
        """Take what was read for what the last listing told."""
        self._known, self._about = self._read, self._read_about
        self._read = {}

    def let_go(self) -> Steps[None]:
        """Forget what was read of a listing that failed; the one before it stays."""
        read, self._read = self._read, {}
        while read:
            # Freed at once, as many as there may be would hold everything up.
            for _ in range(min(len(read), _FREED_PER_STEP)):
                read.popitem()
            yield

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
