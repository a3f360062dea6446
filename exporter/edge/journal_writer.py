"""Write to the journal's file, and notice when it is no longer the file at its path.

What is answered with 200 must be on the disk of this place, not in a file that was deleted or moved
away: so before a transaction, and after it before anything is confirmed, the path is looked at.
Once that file is lost nothing is taken any more until the journal has been begun anew: in the file
that is there now, or a new one, with all that the lost one and the memory hold.

Everything here blocks and belongs to the writer's thread.
"""

import asyncio
import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exporter.edge import journal_file, journal_sql
from exporter.edge.file_lock import acquire
from exporter.edge.file_watch import FileWatch, real_path
from exporter.edge.jobs import KnownJob
from exporter.edge.journal_copy import Carrying, Holdings, carry_over
from exporter.edge.journal_file import JournalConnection
from exporter.edge.journal_sql import Entry, Outcome, StoredJob
from exporter.edge.listening_time import ListeningTime
from exporter.edge.precedence import Precedence, Round
from exporter.errors import JournalError
from exporter.pacing import Clock

_MEASURE_EVERY = 256
_MOST_WHEN_IDLE = 10_000
_NOTE_EVERY = 10.0
"""Seconds of listening that a kill can make forgotten."""
_LOCK_SECONDS = 0.5
Task = Callable[[sqlite3.Connection, Round], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the journal keeps of what was acknowledged."""

    seconds: float
    bytes: int
    keep_pending: bool = False
    """Whether what is still to be passed on stays for as long as there is room."""


@dataclass(slots=True)
class Work:
    """One thing for the writer to do, and who waits for it."""

    entry: Entry | None
    task: Task | None
    anew: Holdings | None
    done: "asyncio.Future[Any]"
    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """How the journal was begun anew."""

    jobs: tuple[StoredJob, ...]
    """All jobs that the file knows now."""
    set_aside: Path | None
    """Where what is not as we left it was moved to, if anything was."""
    complete: bool
    """Whether all reports of the lost file could be read."""


class JournalWriter:
    """The file, and what is needed to write into it."""

    def __init__(
        self, path: Path, limits: Limits, *, clock: Clock, listening: ListeningTime
    ) -> None:
        self.path = path
        self.limits = limits
        self.connection: JournalConnection | None = None
        self._clock = clock
        self._listening = listening
        self._watch: FileWatch | None = None
        self._precedence = Precedence()
        self._lost = ""
        self._unconfirmed: set[tuple[str, str]] = set()
        self._set_aside: Path | None = None
        self._short_of_room = False
        self._next_seq = 1
        self._written = 0
        self._noted_at = 0.0

    def holds(self, path: Path) -> bool:
        """Say whether the file at a path is this one, under whatever name."""
        return self._watch is not None and self._watch.holds(path)

    def open(self) -> Path | None:
        """Open the file; return where a damaged one was moved to. Raises JournalError."""
        opened = journal_file.open_file(self.path, self._clock())
        try:
            self._noted_at = journal_sql.listened(opened.connection)
            jobs, _ = journal_sql.read_jobs(opened.connection)
            self._next_seq = journal_sql.last_seq(opened.connection) + 1
        except sqlite3.Error as exc:
            opened.connection.close()
            raise JournalError(f"{self.path}: {exc}") from None
        self._use(opened.connection, opened.watch, jobs)
        self._listening.begin(self._noted_at)
        return opened.set_aside

    def close(self) -> None:
        """Close the file; what lies at its path by now stays untouched."""
        connection, watch = self._files()
        if self._lost or watch.check():
            journal_file.let_go(connection, watch, self.path)
            return
        # On a full disk only this is forgotten: how long we listened since it was noted last.
        with contextlib.suppress(sqlite3.Error):
            journal_sql.note_listened(connection, self._listening())
        connection.close()

    def commit(self, batch: Sequence[Work]) -> dict[str, int]:
        """Do what a batch asks for, or nothing of it; return how many reports expired.

        Raises JournalError when nothing of it can be relied on.
        """
        for work in batch:
            if work.anew is not None:
                try:
                    work.result = self._begin_anew(work.anew)
                except JournalError as exc:
                    raise self._lose(str(exc)) from None
        if self._lost:
            raise JournalError(self._lost)
        connection, watch = self._files()
        if change := watch.check():
            raise self._lose(change)
        try:
            judged, expired = self._try(connection, batch)
        except sqlite3.Error as exc:
            self._short_of_room = journal_file.is_full(exc)
            raise JournalError(str(exc)) from None
        finally:
            if self._short_of_room:
                # As soon as there is some room: the log may have taken what its content could use.
                self._short_of_room = not journal_file.make_room(connection)
            change = watch.accept()
        if change:
            self._unconfirmed |= {
                (work.entry.project, work.entry.message_id)
                for work in batch
                if work.entry is not None and work.result is Outcome.STORED
            }
            raise self._lose(change)
        self._precedence.keep(judged)
        return expired

    def _try(
        self, connection: sqlite3.Connection, batch: Sequence[Work]
    ) -> tuple[Round, dict[str, int]]:
        """Write a batch in one transaction; raises sqlite3.Error when nothing of it was."""
        heard = self._listening()
        judged = self._precedence.round(heard)
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._store([work for work in batch if work.entry is not None], connection, judged)
            for work in batch:
                if work.task is not None:
                    work.result = work.task(connection, judged)
                if work.anew is not None:
                    journal_sql.probe(connection, self._clock())
            if heard - self._noted_at >= _NOTE_EVERY:
                journal_sql.note_listened(connection, heard)
                self._noted_at = heard
            expired = self._trim(connection, len(batch), heard)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return judged, expired

    def _store(self, batch: Sequence[Work], connection: sqlite3.Connection, judged: Round) -> None:
        entries = [work.entry for work in batch if work.entry is not None]
        if not entries:
            return
        heard = judged.heard
        outcomes = journal_sql.store_reports(connection, entries, self._next_seq, heard)
        self._next_seq += len(entries)
        self._written += len(entries)
        counting: list[KnownJob] = []
        for work, entry, outcome in zip(batch, entries, outcomes, strict=True):
            work.result = outcome
            if outcome is Outcome.STORED:
                jobs = judged.take(entry.jobs)
                counting += jobs
                if jobs is not entry.jobs:
                    work.entry = replace(entry, jobs=jobs)
        journal_sql.store_jobs(connection, counting, heard)

    def _trim(self, connection: sqlite3.Connection, batch: int, heard: float) -> dict[str, int]:
        """Let go of some of the oldest reports if there are too many of them."""
        if batch and self._written < _MEASURE_EVERY:
            return {}
        self._written = 0
        journal_file.fit_log(connection, self.path)
        return journal_sql.trim(
            connection,
            before=heard - self.limits.seconds,
            surplus=journal_sql.used_bytes(connection) - self.limits.bytes,
            # More than what comes in, so that the surplus melts without holding anyone up.
            most=2 * _MEASURE_EVERY if batch else _MOST_WHEN_IDLE,
            keep_pending=self.limits.keep_pending,
        )

    def _lose(self, change: str) -> JournalError:
        self._lost = change
        return JournalError(change)

    def _begin_anew(self, holdings: Holdings) -> Renewal | None:
        """Make the place at the path the journal again. Raises JournalError while it cannot be."""
        connection, watch = self._files()
        change = watch.check()
        if not change and not self._lost:
            return None
        try:
            complete = True
            if change:
                complete = self._move(connection, watch, holdings)
            else:
                # The file came back as it was, with what was refused meanwhile.
                journal_sql.discard(connection, self._unconfirmed)
                watch.accept()
            jobs, _ = journal_sql.read_jobs(self._files()[0])
        except (sqlite3.Error, OSError) as exc:
            text = exc.strerror if isinstance(exc, OSError) else str(exc)
            raise JournalError(f"{self.path}: {text}") from None
        self._lost = ""
        self._unconfirmed.clear()
        aside, self._set_aside = self._set_aside, None
        return Renewal(jobs=tuple(jobs), set_aside=aside, complete=complete)

    def _move(self, connection: JournalConnection, watch: FileWatch, holdings: Holdings) -> bool:
        """Go over to the file at the path, or a new one; say whether all could be carried over."""
        place, now = real_path(self.path), self._clock()
        _check_place(place)
        kept = connection.lock if connection.lock and connection.lock.is_at(place) else None
        lock = kept or acquire(place, _LOCK_SECONDS)
        try:
            log = journal_file.log_of(place)
            changed_by_others = watch.holds(place)
            if changed_by_others:
                self._set_aside = journal_file.set_aside(place, now)
            elif watch.holds(log):
                # The log of the lost file: read as that of another it would spoil it.
                log.unlink()
            opened = journal_file.open_file(self.path, now, lock_seconds=_LOCK_SECONDS, lock=lock)
        except (JournalError, OSError):
            if kept is None:
                lock.release()
            raise
        carrying = Carrying(unconfirmed=self._unconfirmed, doubtful=changed_by_others)
        try:
            complete = carry_over(
                connection, opened.connection, holdings, carrying, self._listening()
            )
            jobs, _ = journal_sql.read_jobs(opened.connection)
            self._next_seq = journal_sql.last_seq(opened.connection) + 1
        except sqlite3.Error:
            opened.connection.lock = None if kept else lock
            opened.connection.close()
            raise
        connection.lock = None if kept else connection.lock
        opened.watch.accept()
        opened.watch.follow(watch)
        self._set_aside = opened.set_aside or self._set_aside
        self._use(opened.connection, opened.watch, jobs)
        journal_file.let_go(connection, watch, self.path)
        return complete

    def _use(
        self, connection: JournalConnection, watch: FileWatch, jobs: Sequence[StoredJob]
    ) -> None:
        self.connection, self._watch = connection, watch
        self._precedence = Precedence()
        for each in jobs:
            self._precedence.restore(each.known, each.heard)

    def _files(self) -> tuple[JournalConnection, FileWatch]:
        if self.connection is None or self._watch is None:
            # Never: nothing is written before the file is open.
            raise AssertionError("no file")
        return self.connection, self._watch


def _check_place(place: Path) -> None:
    """Raise OSError where no file can be opened or made, before anything there is touched."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(place).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
