"""A journal that is opened for one piece of work, and reports to store in it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from exporter.edge.jobs import KnownJob
from exporter.edge.journal import Events, Journal
from exporter.edge.journal_sql import Entry
from exporter.edge.journal_writer import Limits
from tests.edge.receivers import NOW_MS, PROJECT, body, entry
from tests.virtual_time import EPOCH

T = TypeVar("T")


@dataclass(slots=True)
class Told:
    """What the journal has told."""

    stored: list[str] = field(default_factory=list)
    expired: dict[str, int] = field(default_factory=dict)
    commits: int = 0
    failures: list[str | None] = field(default_factory=list)

    def expire(self, project: str, count: int) -> None:
        self.expired[project] = self.expired.get(project, 0) + count

    def commit(self, seconds: float) -> None:
        self.commits += 1


def known(
    job_id: str = "1", *, at: float = 0.0, state: str = "running", **facts: object
) -> KnownJob:
    return KnownJob(
        project=PROJECT,
        job_id=job_id,
        create_time=NOW_MS + int(at * 1000),
        received=EPOCH + at,
        facts={"state": state, "state_since_timestamp": EPOCH + at, **facts},
    )


def report(name: str, *jobs: KnownJob, relay: bool = False, content: bytes | None = None) -> Entry:
    return Entry(
        project=PROJECT,
        message_id=name,
        received_at=EPOCH,
        body=content or body(entry(), message_id=name),
        jobs=jobs,
        relay=relay,
    )


def with_journal(
    path: Path,
    work: Callable[[Journal], Awaitable[T]],
    told: Told | None = None,
    *,
    seconds: float = 3600.0,
    size: int = 2**30,
    monotonic: Callable[[], float] = lambda: 0.0,
    keep_pending: bool = False,
) -> T:
    """Open a journal, let something be done with it, and close it."""
    told = told or Told()

    async def scenario() -> T:
        journal = Journal(
            path,
            limits=Limits(seconds=seconds, bytes=size, keep_pending=keep_pending),
            events=Events(
                stored=lambda each: told.stored.append(each.message_id),
                expired=told.expire,
                committed=told.commit,
                failed=told.failures.append,
            ),
            clock=lambda: EPOCH,
            monotonic=monotonic,
        )
        await journal.open()
        try:
            return await work(journal)
        finally:
            await journal.close()

    return asyncio.run(scenario())


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()
