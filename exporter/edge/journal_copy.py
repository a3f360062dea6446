"""Carry what was acknowledged over into another file, when the journal's own is no longer there.

A file that was deleted, or whose folder was exchanged, can still be read by whoever has it open.
What it has is added to what the other file has: each report once, whichever file knows it, and of
each job what is known in memory. That can be repeated after it failed halfway.
"""

import sqlite3
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass

from exporter.edge import journal_sql
from exporter.edge.journal_sql import Pending, StoredJob
from exporter.edge.report import read_report
from exporter.errors import ReportError

_AT_ONCE = 500
_Row = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What is known in memory of what was acknowledged."""

    jobs: Sequence[StoredJob] = ()
    pending: Sequence[tuple[str, Pending]] = ()
    """Reports that are being passed on, with their projects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """How to carry reports over."""

    unconfirmed: Set[tuple[str, str]]
    """Reports that were written but refused, by project and message_id: they come again."""
    doubtful: bool
    """Whether somebody else wrote into the file, so that what it says must be looked at first."""


def carry_over(
    old: sqlite3.Connection,
    new: sqlite3.Connection,
    holdings: Holdings,
    carrying: Carrying,
    now: float,
) -> bool:
    """Write into a file what another one and the memory hold; say whether all could be read.

    Raises sqlite3.Error when the new file does not take it.
    """
    with _transaction(new):
        journal_sql.discard(new, carrying.unconfirmed)
        journal_sql.fit_heard(new, now)
        if not carrying.doubtful:
            _settle(old, new)
    complete = _copy_reports(old, new, carrying)
    with _transaction(new):
        _add_pending(new, holdings.pending)
        journal_sql.put_jobs(new, holdings.jobs)
        journal_sql.note_listened(new, now)
    return complete


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _settle(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Note in the new file what was passed on since it was copied from the old one."""
    for project, message_id in journal_sql.names_pending(new):
        try:
            if journal_sql.is_settled(old, project, message_id):
                journal_sql.drop_pending(new, project, [message_id])
        except sqlite3.DatabaseError:
            return


def _copy_reports(old: sqlite3.Connection, new: sqlite3.Connection, carrying: Carrying) -> bool:
    offset = journal_sql.last_seq(new)
    last = -1
    while True:
        try:
            rows = journal_sql.fetch_reports(old, last, _AT_ONCE)
        except sqlite3.Error:
            return False
        if not rows:
            return True
        last = rows[-1].seq
        wanted = [
            row
            for row in rows
            if (row.project, row.message_id) not in carrying.unconfirmed
            and (not carrying.doubtful or _is_sound(row))
        ]
        with _transaction(new):
            journal_sql.add_reports(new, wanted, offset)


def _add_pending(new: sqlite3.Connection, pending: Sequence[tuple[str, Pending]]) -> None:
    rows = [
        journal_sql.StoredReport(
            seq=number,
            project=project,
            message_id=each.message_id,
            received_at=each.received_at,
            body=each.body,
            heard=each.heard,
            pending=1,
        )
        for number, (project, each) in enumerate(pending, start=1)
    ]
    journal_sql.add_reports(new, rows, journal_sql.last_seq(new))


def _is_sound(row: journal_sql.StoredReport) -> bool:
    """Say whether a report is one that was stored, and no mixture of two files."""
    try:
        return read_report(row.body).message_id == row.message_id
    except (ReportError, AttributeError, TypeError):
        return False
