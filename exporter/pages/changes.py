"""Put the state changes of a job that were seen into rows of a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.collecting.history import Change
from exporter.model import State
from exporter.pages.formatting import Moment, moment, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One state change that was seen."""

    time: Moment | None
    before: State | None
    after: State | None
    text: str


def change_rows(changes: Iterable[Change], now: float) -> tuple[ChangeRow, ...]:
    """Return the state changes as they are shown."""
    return tuple(
        ChangeRow(
            time=moment(change.at, now),
            before=change.before,
            after=change.after,
            text=_remark(change),
        )
        for change in changes
    )


def _remark(change: Change) -> str:
    if change.after is None:
        return "no longer listed"
    if change.before is None:
        return "listed again"
    return "new run" if change.new_run else visible(change.native_status)
