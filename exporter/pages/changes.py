"""Put the state changes of a job that were seen into rows of a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.collecting.history import Change
from exporter.model import State
from exporter.pages.formatting import Moment, moment, visible
from exporter.pages.reader import Reader
from exporter.pages.texts.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One state change that was seen."""

    time: Moment | None
    before: State | None
    after: State | None
    text: str


def change_rows(changes: Iterable[Change], reader: Reader) -> tuple[ChangeRow, ...]:
    """Return the state changes as they are shown."""
    return tuple(
        ChangeRow(
            time=moment(change.at, reader),
            before=change.before,
            after=change.after,
            text=_remark(change, reader.words),
        )
        for change in changes
    )


def _remark(change: Change, words: Words) -> str:
    if change.after is None:
        return words["no_longer_listed"]
    if change.before is None:
        return words["listed_again"]
    return words["new_run"] if change.new_run else visible(change.native_status)
