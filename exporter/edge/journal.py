"""Keep every acknowledged report: committed to the disk before it is answered.

One thread owns the file. While it waits for the disk the next reports gather, and all of them go
into the next transaction: durability costs one synchronisation for as many reports as there are
connections, not one each. What a transaction contains is confirmed after its COMMIT, or refused as
a whole when that fails. Never more than one transaction is on its way: handing each report over by
itself would wake the thread for every one, and make many small transactions of them.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from exporter.edge import journal_file, journal_sql
from exporter.edge.jobs import KnownJob
from exporter.edge.journal_sql import Entry, Outcome, Pending, StoredJob
from exporter.errors import JournalError
from exporter.pacing import Clock

MOST_WAITING_BYTES = 64 * 1024 * 1024
"""Reports that wait for a slow disk; beyond that more are refused."""
_MOST_PER_COMMIT = 512
_IDLE_SECONDS = 30.0
_ENDED = "the journal has ended"
_MEASURE_EVERY = 256
_MOST_WHEN_IDLE = 10_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the journal keeps of what was acknowledged."""

    seconds: float
    bytes: int


@dataclass(slots=True, kw_only=True)
class Events:
    """Whom the journal tells what happened; called on the event loop, in the order of commits."""

    stored: Callable[[Entry], None]
    """A new report is on the disk."""
    expired: Callable[[str, int], None]
    """So many reports of a project left before they were passed on."""
    committed: Callable[[float], None]
    """A transaction took so many seconds."""
    failed: Callable[[str | None], None]
    """Writing does not work, and why; or None when it works again."""


@dataclass(slots=True)
class _Work:
    """One thing for the writer to do, and who waits for it."""

    entry: Entry | None
    task: Callable[[sqlite3.Connection], Any] | None
    done: "asyncio.Future[Any]"
    result: Any = None


class Journal:
    """The durable memory of edge reports; use it from one event loop."""

    def __init__(
        self, path: Path, *, limits: Limits, events: Events, clock: Clock, monotonic: Clock
    ) -> None:
        self.path = path
        self.limits = limits
        self._events = events
        self._clock = clock
        self._monotonic = monotonic
        self._queue: queue.SimpleQueue[list[_Work] | None] = queue.SimpleQueue()
        self._waiting: list[_Work] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: sqlite3.Connection | None = None
        self._closing = False
        self._ended = False
        self._short_of_room = False
        self._waiting_bytes = 0
        self._failure: str | None = None
        self._next_seq = 1
        self._written = 0

    async def open(self) -> Path | None:
        """Open the file and start the writer; return where a damaged one was moved to.

        Raises JournalError.
        """
        opened = await asyncio.to_thread(journal_file.open_file, self.path, self._clock())
        self._connection = opened.connection
        self._next_seq = journal_sql.last_seq(opened.connection) + 1
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, name="edge journal", daemon=True)
        self._thread.start()
        return opened.set_aside

    async def close(self) -> None:
        """Write what is waiting and close the file."""
        self._closing = True
        while self._waiting or self._busy:
            self._hand_over()
            if self._busy:
                await self._idle.wait()
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    async def append(self, entry: Entry) -> Outcome:
        """Store a report; when this returns it is on the disk. Raises JournalError."""
        if self._waiting_bytes > MOST_WAITING_BYTES:
            raise JournalError("too many reports wait for the disk")
        size = len(entry.body)
        self._waiting_bytes += size
        try:
            outcome: Outcome = await self._submit(entry, None)
        finally:
            self._waiting_bytes -= size
        return outcome

    async def jobs(self) -> tuple[list[StoredJob], int]:
        """Return what is known of every job, and how many rows are lost. Raises JournalError."""
        return await self._ask(journal_sql.read_jobs)

    async def forget(self, jobs: Sequence[KnownJob]) -> None:
        """Drop jobs unless they were reported again meanwhile. Raises JournalError."""
        await self._ask(lambda connection: journal_sql.forget(connection, jobs))

    async def pending(self, project: str, most: int) -> list[Pending]:
        """Return the oldest reports that are still to be passed on. Raises JournalError."""
        return await self._ask(
            lambda connection: journal_sql.read_pending(connection, project, most)
        )

    async def backlog(self) -> dict[str, int]:
        """Return how many reports of each project are to be passed on. Raises JournalError."""
        return await self._ask(journal_sql.count_pending)

    async def relayed(self, project: str, seqs: Sequence[int]) -> None:
        """Note that reports were passed on. Raises JournalError."""
        await self._ask(lambda connection: journal_sql.drop_pending(connection, project, seqs))

    async def probe(self) -> None:
        """Try whether writing works. Raises JournalError."""
        now = self._clock()
        await self._ask(lambda connection: journal_sql.probe(connection, now))

    async def _ask(self, task: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._submit(None, task)
        return result

    async def _submit(
        self, entry: Entry | None, task: Callable[[sqlite3.Connection], Any] | None
    ) -> Any:
        if self._loop is None or self._closing or self._ended:
            raise JournalError("the journal is closed")
        work = _Work(entry, task, self._loop.create_future())
        if not self._waiting and not self._busy:
            # At the end of this turn of the loop, with all that came in during it.
            self._loop.call_soon(self._hand_over)
        self._waiting.append(work)
        return await work.done

    def _hand_over(self) -> None:
        if self._busy or not self._waiting:
            return
        if self._ended:
            late, self._waiting = self._waiting, []
            for work in late:
                self._settle(work, _ENDED)
            return
        self._busy = True
        self._idle.clear()
        batch, self._waiting = self._waiting[:_MOST_PER_COMMIT], self._waiting[_MOST_PER_COMMIT:]
        self._queue.put(batch)

    # What follows runs in the writer's thread.

    def _write(self) -> None:
        connection = self._connection
        if connection is None:  # Never: the thread starts after the file is open.
            raise AssertionError("no file")
        batch: list[_Work] | None = []
        try:
            while (batch := self._next()) is not None:
                self._commit(connection, batch)
        finally:
            connection.close()
            # After a fault of ours nobody may wait for ever.
            self._ended = True
            self._tell(batch or [], _ENDED, {}, 0.0)

    def _next(self) -> list[_Work] | None:
        """Return the next batch; an empty one when it is time to tidy up, None at the end."""
        try:
            return self._queue.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            return []

    def _commit(self, connection: sqlite3.Connection, batch: list[_Work]) -> None:
        started = self._monotonic()
        expired: dict[str, int] = {}
        failure: str | None = None
        try:
            expired = self._try(connection, batch)
        except sqlite3.Error as exc:
            failure = str(exc)
            self._short_of_room = journal_file.is_full(exc)
        self._tell(batch, failure, expired, self._monotonic() - started)
        if self._short_of_room:
            # As soon as there is some room: the log may have taken what its content could use.
            self._short_of_room = not journal_file.make_room(connection)

    def _try(self, connection: sqlite3.Connection, batch: list[_Work]) -> dict[str, int]:
        """Write a batch in one transaction; raises sqlite3.Error when nothing of it was."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._store([work for work in batch if work.entry is not None], connection)
            for work in batch:
                if work.task is not None:
                    work.result = work.task(connection)
            expired = self._trim(connection, len(batch))
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return expired

    def _store(self, batch: list[_Work], connection: sqlite3.Connection) -> None:
        entries = [work.entry for work in batch if work.entry is not None]
        if not entries:
            return
        outcomes = journal_sql.store(connection, entries, self._next_seq)
        self._next_seq += len(entries)
        self._written += len(entries)
        for work, outcome in zip(batch, outcomes, strict=True):
            work.result = outcome

    def _trim(self, connection: sqlite3.Connection, batch: int) -> dict[str, int]:
        """Let go of some of the oldest reports if there are too many of them."""
        if batch and self._written < _MEASURE_EVERY:
            return {}
        self._written = 0
        journal_file.fit_log(connection, self.path)
        return journal_sql.trim(
            connection,
            before=self._clock() - self.limits.seconds,
            surplus=journal_sql.used_bytes(connection) - self.limits.bytes,
            # More than what comes in, so that the surplus melts without holding anyone up.
            most=2 * _MEASURE_EVERY if batch else _MOST_WHEN_IDLE,
        )

    def _tell(
        self, batch: list[_Work], failure: str | None, expired: dict[str, int], seconds: float
    ) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, batch, failure, expired, seconds)

    # What follows runs on the event loop again.

    def _deliver(
        self, batch: list[_Work], failure: str | None, expired: dict[str, int], seconds: float
    ) -> None:
        if batch:
            self._busy = False
            self._idle.set()
            self._events.committed(seconds)
            # The disk works on the next batch while this one is answered.
            self._hand_over()
            self._tell_health(failure)
        for work in batch:
            self._settle(work, failure)
        for project, count in expired.items():
            self._events.expired(project, count)

    def _tell_health(self, failure: str | None) -> None:
        if failure != self._failure:
            self._failure = failure
            self._events.failed(failure)

    def _settle(self, work: _Work, failure: str | None) -> None:
        if failure is None and work.entry is not None and work.result is Outcome.STORED:
            # Even if the sender has gone: it is on the disk, and will be known after a restart.
            self._events.stored(work.entry)
        if work.done.done():
            return
        if failure is None:
            work.done.set_result(work.result)
        else:
            work.done.set_exception(JournalError(failure))
