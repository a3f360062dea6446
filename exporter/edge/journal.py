"""Keep every acknowledged report: committed to the disk before it is answered.

One thread owns the file. While it waits for the disk the next reports gather, and all of them go
into the next transaction: durability costs one synchronisation for as many reports as there are
connections, not one each. What a transaction contains is confirmed after its COMMIT, or refused as
a whole when that fails. Never more than one transaction is on its way: handing each report over by
itself would wake the thread for every one, and make many small transactions of them. What is done
in the thread is in `journal_writer`.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from exporter.edge import journal_sql
from exporter.edge.jobs import KnownJob
from exporter.edge.journal_copy import Holdings
from exporter.edge.journal_sql import Entry, Outcome, Pending, StoredJob
from exporter.edge.journal_writer import JournalWriter, Limits, Renewal, Work
from exporter.edge.listening_time import ListeningTime
from exporter.edge.precedence import Round
from exporter.errors import JournalError
from exporter.pacing import Clock

MOST_WAITING_BYTES = 64 * 1024 * 1024
"""Reports that wait for a slow disk; beyond that more are refused."""
_MOST_PER_COMMIT = 512
_MOST_JOBS_PER_COMMIT = 10_000
"""Jobs of all reports of a transaction: what follows from it happens in one turn of the loop."""
_IDLE_SECONDS = 10.0
"""When nothing comes the file is looked at so often."""
_ENDED = "the journal has ended"
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Events:
    """Whom the journal tells what happened; called on the event loop, in the order of commits.

    Each call is one of the loop itself, before whoever waits for the journal goes on: an error of
    one listener is told by the loop, and keeps nobody else from hearing.
    """

    stored: Callable[[Entry], None]
    """A new report is on the disk; of its jobs it has those of which it is the one that counts."""
    expired: Callable[[str, int], None]
    """So many reports of a project left before they were passed on."""
    committed: Callable[[float], None]
    """A transaction took so many seconds."""
    failed: Callable[[str | None], None]
    """Writing does not work, and why; or None when it works again."""


class Journal:
    """The durable memory of edge reports; use it from one event loop."""

    def __init__(
        self, path: Path, *, limits: Limits, events: Events, clock: Clock, monotonic: Clock
    ) -> None:
        self.listening = ListeningTime(monotonic)
        self._writer = JournalWriter(path, limits, clock=clock, listening=self.listening)
        self._events = events
        self._clock = clock
        self._monotonic = monotonic
        self._queue: queue.SimpleQueue[list[Work] | None] = queue.SimpleQueue()
        self._waiting: list[Work] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._ended = False
        self._waiting_bytes = 0
        self._failure: str | None = None

    @property
    def _connection(self) -> sqlite3.Connection | None:
        return self._writer.connection

    def configure(self, path: Path, limits: Limits) -> None:
        """Use other limits, and another name of the same file, from now on."""
        self._writer.path = path
        self._writer.limits = limits

    def holds(self, path: Path) -> bool:
        """Say whether the file at a path is this one, under whatever name."""
        return self._writer.holds(path)

    async def open(self) -> Path | None:
        """Open the file and start the writer; return where a damaged one was moved to.

        Raises JournalError.
        """
        set_aside = await asyncio.to_thread(self._writer.open)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, name="edge journal", daemon=True)
        self._thread.start()
        return set_aside

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
            outcome: Outcome = await self._submit(Work(entry, None, None, self._promise()))
        finally:
            self._waiting_bytes -= size
        return outcome

    async def jobs(self) -> tuple[list[StoredJob], int]:
        """Return what is known of every job, and how many rows are lost. Raises JournalError."""
        return await self._ask(lambda connection, _: journal_sql.read_jobs(connection))

    async def forget(self, jobs: Sequence[KnownJob]) -> None:
        """Drop jobs unless they were reported again meanwhile. Raises JournalError."""

        def forget(connection: sqlite3.Connection, judged: Round) -> None:
            journal_sql.forget(connection, jobs)
            judged.forget(jobs)

        await self._ask(forget)

    async def pending(self, project: str, most: int) -> list[Pending]:
        """Return the oldest reports that are still to be passed on. Raises JournalError."""
        return await self._ask(
            lambda connection, _: journal_sql.read_pending(connection, project, most)
        )

    async def backlog(self) -> dict[str, int]:
        """Return how many reports of each project are to be passed on. Raises JournalError."""
        return await self._ask(lambda connection, _: journal_sql.count_pending(connection))

    async def relayed(self, project: str, message_ids: Sequence[str]) -> None:
        """Note that reports were passed on. Raises JournalError."""
        await self._ask(
            lambda connection, _: journal_sql.drop_pending(connection, project, message_ids)
        )

    async def begin_anew(self, holdings: Holdings) -> Renewal | None:
        """Make what is at the path the journal again, with all that was acknowledged.

        Whether writing works is tried. Return None if the file was the journal all the time.
        Raises JournalError.
        """
        result: Renewal | None = await self._submit(Work(None, None, holdings, self._promise()))
        return result

    async def _ask(self, task: Callable[[sqlite3.Connection, Round], T]) -> T:
        result: T = await self._submit(Work(None, task, None, self._promise()))
        return result

    def _promise(self) -> "asyncio.Future[Any]":
        if self._loop is None or self._closing or self._ended:
            raise JournalError("the journal is closed")
        return self._loop.create_future()

    async def _submit(self, work: Work) -> Any:
        if not self._waiting and not self._busy and self._loop is not None:
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
        end = _batch_end(self._waiting)
        batch, self._waiting = self._waiting[:end], self._waiting[end:]
        self._queue.put(batch)

    # What follows runs in the writer's thread.

    def _write(self) -> None:
        batch: list[Work] | None = []
        try:
            while (batch := self._next()) is not None:
                self._commit(batch)
        finally:
            self._writer.close()
            # After a fault of ours nobody may wait for ever.
            self._ended = True
            if batch is not None:
                self._tell(batch, _ENDED, {}, 0.0)

    def _next(self) -> list[Work] | None:
        """Return the next batch; an empty one when it is time to tidy up, None at the end."""
        try:
            return self._queue.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            return []

    def _commit(self, batch: list[Work]) -> None:
        started = self._monotonic()
        expired: dict[str, int] = {}
        failure: str | None = None
        try:
            expired = self._writer.commit(batch)
        except JournalError as exc:
            failure = str(exc)
        self._tell(batch, failure, expired, self._monotonic() - started)

    def _tell(
        self, batch: list[Work], failure: str | None, expired: dict[str, int], seconds: float
    ) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, batch, failure, expired, seconds)

    # What follows runs on the event loop again.

    def _deliver(
        self, batch: list[Work], failure: str | None, expired: dict[str, int], seconds: float
    ) -> None:
        if batch:
            self._busy = False
            self._idle.set()
            self._announce(self._events.committed, seconds)
            # The disk works on the next batch while this one is answered.
            self._hand_over()
        if batch or failure is not None:
            # That an idle moment went well says nothing: little or nothing was written in it.
            self._tell_health(failure)
        for work in batch:
            self._settle(work, failure)
        for project, count in expired.items():
            self._announce(self._events.expired, project, count)

    def _announce(self, event: Callable[..., None], *facts: object) -> None:
        if self._loop is not None:
            self._loop.call_soon(event, *facts)

    def _tell_health(self, failure: str | None) -> None:
        if failure != self._failure:
            self._failure = failure
            if failure is None:
                self.listening.go_on()
            else:
                self.listening.pause()
            self._announce(self._events.failed, failure)

    def _settle(self, work: Work, failure: str | None) -> None:
        if failure is None and work.entry is not None and work.result is Outcome.STORED:
            # Even if the sender has gone: it is on the disk, and will be known after a restart.
            self._announce(self._events.stored, work.entry)
        if work.done.done():
            return
        if failure is None:
            work.done.set_result(work.result)
        else:
            work.done.set_exception(JournalError(failure))


def _batch_end(waiting: Sequence[Work]) -> int:
    """Return how many of those that wait go into the next transaction, at least one."""
    jobs = 0
    for index, work in enumerate(waiting[:_MOST_PER_COMMIT]):
        jobs += len(work.entry.jobs) if work.entry is not None else 0
        if index and jobs > _MOST_JOBS_PER_COMMIT:
            return index
    return min(len(waiting), _MOST_PER_COMMIT)
