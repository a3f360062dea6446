"""Read what was done to an application: ListApplicationOperations and DescribeApplicationOperation.

Managed Service for Apache Flink, API Reference of kinesisanalyticsv2 (2018-05-23). The status of an
application says READY of one that was never started, of one that was stopped, and of one whose
start has failed: only its operations tell these apart. Operations are words without a list, so
what is not known is passed over. Everything here is pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exporter.errors import UnreadableError
from exporter.fields import Flaws, Record, read_rows, row_reader
from exporter.model import State

START, STOP = "StartApplication", "StopApplication"
UPDATE, ROLLBACK = "UpdateApplication", "RollbackApplication"
_LONGEST_ERROR = 512
_MOST_ROWS = 1000
"""Rows of one page that are looked at: fifty are asked for."""


class Outcome(StrEnum):
    """How an operation went: the values of `OperationStatus`."""

    IN_PROGRESS = "IN_PROGRESS"
    CANCELLED = "CANCELLED"
    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; times are epoch seconds."""

    name: str
    operation_id: str
    outcome: str
    started_at: float
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The operations of one application, the newest first.

    `whole` says that there are none before them.
    """

    operations: tuple[Operation, ...] = ()
    whole: bool = True

    @property
    def latest_start(self) -> Operation | None:
        """Return the newest attempt to start it, which is the run that goes on or has ended."""
        return self._first(lambda each: each.name == START)

    @property
    def latest_failure(self) -> Operation | None:
        """Return the newest operation that has failed."""
        return self._first(lambda each: each.outcome == Outcome.FAILED)

    @property
    def expected_running(self) -> bool | None:
        """Say whether somebody wants it to run: whether it was last told to start or to stop."""
        told = self._first(lambda each: each.name in (START, STOP))
        return None if told is None else told.name == START

    @property
    def going_on(self) -> bool:
        """Say whether an operation has not ended."""
        return any(each.outcome == Outcome.IN_PROGRESS for each in self.operations)

    @property
    def ended_at(self) -> float | None:
        """Return when an application that does not run has come to rest, if its end is told."""
        last = self._last
        if last is None or (last.name == START and last.outcome == Outcome.SUCCESSFUL):
            return None
        return last.ended_at

    @property
    def rests(self) -> bool:
        """Say whether it did not run when the last operation that tells had ended."""
        last = self._last
        if last is None:
            return self.whole
        return last.name != START or last.outcome == Outcome.FAILED

    def at_rest(self) -> State:
        """Tell what READY means: created, stopped, or failed."""
        if self._last is None:
            return State.CREATED if self.whole and self.latest_start is None else State.STOPPED
        return State.FAILED if self._last.outcome == Outcome.FAILED else State.STOPPED

    @property
    def _last(self) -> Operation | None:
        """Return what it has come to rest by, or its last good start where nothing ended it."""
        return self._first(_decides)

    def _first(self, fits: Callable[[Operation], bool]) -> Operation | None:
        return next((each for each in self.operations if fits(each)), None)


def history_of(operations: Iterable[Operation], *, whole: bool) -> History:
    """Put the operations of some pages together, whatever order they came in."""
    found = {each.operation_id: each for each in operations}
    ordered = sorted(found.values(), key=lambda each: each.started_at, reverse=True)
    return History(operations=tuple(ordered), whole=whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPage:
    """One page of operations, and the token of the next one."""

    operations: tuple[Operation, ...]
    token: str
    whole: bool
    """Whether each of its rows could be read."""


def parse_operations(document: Mapping[str, Any], flaws: Flaws) -> OperationPage:
    """Read one page of ListApplicationOperations.

    Raises UnreadableError when it is none: that is no empty one.
    """
    rows = document.get("ApplicationOperationInfoList")
    if not isinstance(rows, list):
        raise UnreadableError("operations: expected a list as ApplicationOperationInfoList")
    read = row_reader("operations", _parse_operation, flaws)
    found = read_rows(rows[:_MOST_ROWS], read)
    return OperationPage(
        operations=tuple(each for each in found if each is not None),
        token=Record(document, "operations", flaws).long_text("NextToken"),
        whole=None not in found,
    )


def _parse_operation(record: Record) -> Operation | None:
    operation_id, started_at = record.text("OperationId"), record.time_either("StartTime")
    if not operation_id or started_at is None:
        # Without a time nobody can say what it came after.
        record.missing("OperationId" if not operation_id else "StartTime")
        return None
    return Operation(
        name=record.text("Operation"),
        operation_id=operation_id,
        outcome=record.text("OperationStatus"),
        started_at=started_at,
        ended_at=record.time_either("EndTime"),
    )


def parse_failure(document: Mapping[str, Any], flaws: Flaws) -> str:
    """Read why an operation failed from DescribeApplicationOperation; empty if it is not told.

    Raises UnreadableError when it is none.
    """
    details = Record(document, "operation", flaws).record("ApplicationOperationInfoDetails")
    if not details:
        raise UnreadableError("operation: expected an object as ApplicationOperationInfoDetails")
    error = details.record("OperationFailureDetails").record("ErrorInfo")
    return error.long_text("ErrorString", limit=_LONGEST_ERROR)


def _decides(operation: Operation) -> bool:
    if operation.outcome == Outcome.FAILED:
        return operation.name in (START, UPDATE, ROLLBACK)
    return operation.outcome == Outcome.SUCCESSFUL and operation.name in (START, STOP)
