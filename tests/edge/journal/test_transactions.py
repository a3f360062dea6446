"""What the journal has confirmed is on the disk, whoever fails or leaves meanwhile."""

import asyncio
from pathlib import Path

import pytest

from exporter.edge.journal import Journal
from exporter.edge.journal_sql import Entry, Outcome
from exporter.errors import JournalError
from tests.edge.journal.opened_journal import Told, known, report, rows, with_journal


def test_concurrent_reports_share_a_commit(path: Path) -> None:
    told = Told()

    async def write(journal: Journal) -> None:
        outcomes = await asyncio.gather(
            *(journal.append(report(str(number), known(str(number)))) for number in range(100))
        )
        assert set(outcomes) == {Outcome.STORED}

    with_journal(path, write, told)
    assert len(told.stored) == 100
    assert told.commits == 1


def test_failed_transaction_stores_nothing_and_the_next_one_works(path: Path) -> None:
    told = Told()

    async def write(journal: Journal) -> None:
        # A limit on pages is what a full disk looks like to SQLite, and can be lifted.
        connection = journal._connection
        assert connection is not None
        await journal.append(report("a", known()))
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        content = b'"' + b"x" * 100_000 + b'"'
        answers = await asyncio.gather(
            *(journal.append(report(name, known("2"), content=content)) for name in "bc"),
            return_exceptions=True,
        )
        assert [str(each) for each in answers] == 2 * ["database or disk is full"]
        with pytest.raises(JournalError):
            await journal.append(report("b", content=content))
        connection.execute("PRAGMA max_page_count = 1000000")
        assert await journal.append(report("b", content=content)) is Outcome.STORED

    with_journal(path, write, told)
    assert told.stored == ["a", "b"]
    assert told.failures == ["database or disk is full", None]
    assert rows(path, "SELECT message_id FROM reports") == [("a",), ("b",)]
    assert rows(path, "SELECT job_id FROM jobs") == [("1",)]


class Deaf(Told):
    """Fails to hear of one report, and of how long transactions take."""

    def commit(self, seconds: float) -> None:
        raise LookupError("commit")

    def store(self, entry: Entry) -> None:
        if entry.message_id == "2":
            raise LookupError(entry.message_id)
        self.stored.append(entry.message_id)


def test_error_of_one_who_is_told_leaves_nobody_unanswered_and_nothing_untold(path: Path) -> None:
    told, errors = Deaf(), []

    async def write(journal: Journal) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(str(context["exception"])))
        journal._events.stored = told.store
        names = (str(number) for number in range(5))
        return await asyncio.wait_for(
            asyncio.gather(*(journal.append(report(name)) for name in names)), 20
        )

    assert with_journal(path, write, told) == [Outcome.STORED] * 5
    assert told.stored == ["0", "1", "3", "4"]
    assert errors == ["commit", "2"]


def test_what_waits_is_written_before_the_file_is_closed(path: Path) -> None:
    async def write(journal: Journal) -> "list[asyncio.Task[Outcome]]":
        tasks = [asyncio.create_task(journal.append(report(str(n)))) for n in range(2000)]
        await asyncio.sleep(0)
        return tasks

    with_journal(path, write)
    assert rows(path, "SELECT count(*) FROM reports") == [(2000,)]


def test_closed_journal_takes_nothing(path: Path) -> None:
    async def write(journal: Journal) -> None:
        await journal.close()
        with pytest.raises(JournalError, match="closed"):
            await journal.append(report("a"))

    with_journal(path, write)


def test_stored_report_is_told_though_its_sender_has_gone(path: Path) -> None:
    told = Told()

    async def write(journal: Journal) -> None:
        task = asyncio.create_task(journal.append(report("a")))
        await asyncio.sleep(0)
        task.cancel()
        await journal.append(report("b"))

    with_journal(path, write, told)
    assert told.stored == ["a", "b"]
