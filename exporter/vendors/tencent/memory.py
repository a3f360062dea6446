"""Remember of each job what a row alone does not tell: when its run began, what it was before.

A start is told in two ways, which differ by seconds, and by hours after a run that the platform
began anew; one run must have one start all the same. Everything here is pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.model import Job, JobKey, State
from exporter.vendors.tencent.jobs import JobRow
from exporter.vendors.tencent.states import (
    OPERATING,
    RUNNING,
    named_operation,
    operating,
)
from exporter.vendors.tencent.times import Zone, agree

_ENDS = frozenset({State.STOPPED, State.SUSPENDED, State.FAILED})
"""States in which StopTime is an end: running jobs have one too."""
_CLOCKS = 600.0
"""Seconds by which a clock that jumps can move the beginning of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    start: float | None = None
    start_text: str = ""
    run_seconds: float = 0.0
    """How long the run had lasted when last told."""
    settled: State | None = None
    """The last state that was not `operating`."""
    operation: State | None = None
    """What the operation that goes on was taken for."""


_NOTHING = _Known()


class Memory:
    """What is known of the jobs of one source from earlier listings."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._known: dict[JobKey, _Known] = {}
        self._listed: dict[str, frozenset[JobKey]] = {}

    def settle(self, rows: Iterable[JobRow]) -> tuple[Job, ...]:
        """Return the jobs of some rows, dated and in their states, and remember them."""
        found = tuple(rows)
        for row in found:
            # All of them first: any running job tells the zone of the others.
            if row.began is not None:
                self._zone.note(row.start_text, row.began)
        return tuple(self._settle(row) for row in found)

    def keep(self, project: str, jobs: Iterable[Job]) -> None:
        """Forget what a whole listing of a project does not have, and the one before had not."""
        listed = frozenset(job.key for job in jobs)
        before = self._listed.get(project, frozenset())
        self._listed[project] = listed
        self._known = {
            key: known
            for key, known in self._known.items()
            if key.project != project or key in listed or key in before
        }

    def _settle(self, row: JobRow) -> Job:
        known = self._known.get(row.job.key, _NOTHING)
        state = self._state(row, known)
        start = self._start(row, known, state)
        goes_on = row.job.native_status == OPERATING
        settled = known.settled if goes_on or state is State.UNKNOWN else state
        self._known[row.job.key] = _Known(
            start=start or (known.start if row.start_text == known.start_text else None),
            start_text=row.start_text,
            run_seconds=row.run_seconds or 0.0,
            settled=settled,
            operation=state if goes_on and state is not State.UNKNOWN else None,
        )
        return row.job._replace(
            state=state,
            start_timestamp=start,
            end_timestamp=self._end(row, start) if state in _ENDS else None,
            created_timestamp=self._zone.read(row.created_text),
            updated_timestamp=self._zone.read(row.updated_text),
            duration_seconds=row.run_seconds,
        )

    def _state(self, row: JobRow, known: _Known) -> State:
        if row.job.native_status != OPERATING:
            return row.job.state
        named = named_operation(*row.operation_texts)
        # What an operation was taken for it stays: the units of a job that starts grow.
        return named or known.operation or operating(known.settled, row.job.compute_units)

    def _start(self, row: JobRow, known: _Known, state: State) -> float | None:
        told = self._zone.read(row.start_text)
        same = known.start is not None and row.start_text == known.start_text
        if row.job.native_status == RUNNING:
            if same and _goes_on(row, known):
                return known.start
            return told if row.began is None or agree(told, row.began) else row.began
        if state in (State.CREATED, State.STARTING, State.UNKNOWN):
            # There is no run yet, and the time is that of the one before.
            return None
        # The run may have begun anew by itself since the job was started.
        return known.start if same else told

    def _end(self, row: JobRow, start: float | None) -> float | None:
        end = self._zone.read(row.stop_text)
        return None if end is not None and start is not None and end < start else end


def _goes_on(row: JobRow, known: _Known) -> bool:
    """Say whether a running job is still in the run that is known.

    A run lasts longer each time it is told, whatever our clock says; only after a long silence can
    another one have lasted as long.
    """
    if row.run_seconds is None or row.began is None or known.start is None:
        return True
    return row.run_seconds >= known.run_seconds and abs(row.began - known.start) <= _CLOCKS
