"""What the journal has confirmed is on the disk, once, and comes back."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from exporter.edge.jobs import KnownJob
from exporter.edge.journal import Events, Journal, Limits
from exporter.edge.journal_file import MIGRATIONS, damaged_files, open_file
from exporter.edge.journal_sql import Entry, Outcome
from exporter.errors import JournalError
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
    now: float = EPOCH,
) -> T:
    """Open a journal, let something be done with it, and close it."""
    told = told or Told()

    async def scenario() -> T:
        journal = Journal(
            path,
            limits=Limits(seconds=seconds, bytes=size),
            events=Events(
                stored=lambda each: told.stored.append(each.message_id),
                expired=told.expire,
                committed=told.commit,
                failed=told.failures.append,
            ),
            clock=lambda: now,
            monotonic=lambda: 0.0,
        )
        await journal.open()
        try:
            return await work(journal)
        finally:
            await journal.close()

    return asyncio.run(scenario())


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "edge.db"


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_reports_come_back(path: Path) -> None:
    async def write(journal: Journal) -> None:
        assert await journal.append(report("a", known(), known("2"))) is Outcome.STORED
        assert await journal.append(report("b", known(at=5, state="failed"))) is Outcome.STORED

    with_journal(path, write)
    jobs, lost = with_journal(path, lambda journal: journal.jobs())
    assert lost == 0
    assert {each.known.job_id: each.known.state for each in jobs} == {"1": "failed", "2": "running"}
    assert {each.known.received for each in jobs} == {EPOCH, EPOCH + 5}


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


def test_report_sent_twice_is_stored_once(path: Path) -> None:
    told = Told()

    async def write(journal: Journal) -> list[Outcome]:
        both = await asyncio.gather(journal.append(report("a")), journal.append(report("a")))
        return [*both, await journal.append(report("a"))]

    assert with_journal(path, write, told) == [Outcome.STORED] + 2 * [Outcome.DUPLICATE]
    assert told.stored == ["a"]
    assert rows(path, "SELECT count(*) FROM reports") == [(1,)]


def test_report_written_differently_is_the_same(path: Path) -> None:
    content = json.dumps(json.loads(body(entry(), message_id="a")), indent=3).encode()

    async def write(journal: Journal) -> Outcome:
        await journal.append(report("a"))
        return await journal.append(report("a", content=content))

    assert with_journal(path, write) is Outcome.DUPLICATE


def test_different_report_under_a_used_name_is_a_conflict(path: Path) -> None:
    async def write(journal: Journal) -> Outcome:
        await journal.append(report("a", known()))
        other = body(entry(2), message_id="a")
        return await journal.append(report("a", known("2"), content=other))

    assert with_journal(path, write) is Outcome.CONFLICT
    assert rows(path, "SELECT job_id FROM jobs") == [("1",)]


def test_same_name_in_another_project_is_another_report(path: Path) -> None:
    async def write(journal: Journal) -> Outcome:
        await journal.append(report("a"))
        other = Entry(project="q", message_id="a", received_at=EPOCH, body=b"{}", jobs=())
        return await journal.append(other)

    assert with_journal(path, write) is Outcome.STORED


def test_disk_keeps_the_rules_of_the_roster(path: Path) -> None:
    async def write(journal: Journal) -> None:
        await journal.append(report("a", known(at=10, last_error_timestamp=7.0)))
        await journal.append(report("b", known(at=5, state="failed")))
        await journal.append(report("c", known(at=20), known(at=15, state="finished")))

    with_journal(path, write)
    ((stored,), _) = with_journal(path, lambda journal: journal.jobs())
    assert stored.known.state == "running"
    assert stored.known.received == EPOCH + 20
    assert stored.since == EPOCH + 10
    assert stored.last_error == 7.0


def test_forgotten_job_is_gone_unless_reported_meanwhile(path: Path) -> None:
    async def write(journal: Journal) -> None:
        await journal.append(report("a", known(), known("2")))
        await journal.append(report("b", known("2", at=9)))
        await journal.forget([known(), known("2")])

    with_journal(path, write)
    assert rows(path, "SELECT job_id FROM jobs") == [("2",)]


def test_reports_to_pass_on_are_in_order_and_dropped_when_passed(path: Path) -> None:
    async def write(journal: Journal) -> list[bytes]:
        for name in "abc":
            await journal.append(report(name, relay=True, content=name.encode()))
        await journal.append(report("d"))
        first = (await journal.pending(PROJECT, 2))[0]
        await journal.relayed(PROJECT, [first.seq])
        return [each.body for each in await journal.pending(PROJECT, 10)]

    assert with_journal(path, write) == [b"b", b"c"]
    assert with_journal(path, lambda journal: journal.backlog()) == {PROJECT: 2}


def test_old_reports_expire_and_what_was_not_passed_on_is_told(path: Path) -> None:
    told = Told()

    async def write(journal: Journal) -> None:
        for start in range(0, 600, 100):
            names = range(start, start + 100)
            await asyncio.gather(
                *(journal.append(report(str(n), known(str(n)), relay=n % 2 == 0)) for n in names)
            )

    with_journal(path, write, told, now=EPOCH + 3601)
    kept = len(rows(path, "SELECT seq FROM reports"))
    assert kept < 600
    assert told.expired == {PROJECT: (600 - kept) // 2}
    assert rows(path, "SELECT count(*) FROM jobs") == [(600,)]


def test_journal_stays_within_its_size(path: Path) -> None:
    async def write(journal: Journal) -> None:
        for start in range(0, 3000, 100):
            names = range(start, start + 100)
            content = b'"' + b"x" * 5000 + b'"'
            await asyncio.gather(*(journal.append(report(str(n), content=content)) for n in names))

    with_journal(path, write, size=2 * 2**20)
    assert path.stat().st_size < 6 * 2**20
    (oldest,) = rows(path, "SELECT min(seq), max(seq) FROM reports")
    assert oldest[0] != 1
    assert oldest[1] == 3000


@pytest.mark.parametrize("damage", ["header", "pages", "nonsense", "cut"])
def test_damaged_file_is_set_aside_whole(path: Path, damage: str) -> None:
    async def write(journal: Journal) -> None:
        for number in range(200):
            await journal.append(report(str(number), known(str(number))))

    with_journal(path, write)
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:16] = b"SQLite format 9\0"
    elif damage == "pages":
        content[4096 : 4096 * 6] = os.urandom(4096 * 5)
    elif damage == "nonsense":
        content = bytearray(b"sources: []\n" * 999)
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)
    opened = open_file(path, EPOCH)
    opened.connection.close()
    (aside,) = damaged_files(path)
    assert opened.set_aside == aside
    assert aside.name == "edge.db.damaged-20231114T221320Z"
    assert aside.read_bytes() == content
    assert with_journal(path, lambda journal: journal.jobs()) == ([], 0)


def test_log_of_a_damaged_file_goes_with_it(path: Path) -> None:
    path.write_bytes(b"nonsense" * 1000)
    path.with_name("edge.db-wal").write_bytes(b"log")
    open_file(path, EPOCH).connection.close()
    assert path.with_name("edge.db.damaged-20231114T221320Z-wal").read_bytes() == b"log"
    assert len(damaged_files(path)) == 1


def test_second_damaged_file_of_a_second_has_a_name_of_its_own(path: Path) -> None:
    for _ in range(2):
        path.write_bytes(b"nonsense" * 1000)
        open_file(path, EPOCH).connection.close()
    assert [each.name for each in damaged_files(path)] == [
        "edge.db.damaged-20231114T221320Z",
        "edge.db.damaged-20231114T221320Z.2",
    ]


def test_file_of_an_older_version_is_brought_up_to_date(path: Path) -> None:
    opened = open_file(path, EPOCH, migrations=MIGRATIONS[:1])
    opened.connection.execute(
        "INSERT INTO reports VALUES (5, ?, 'old', 1.0, ?)", (PROJECT, body(message_id="old"))
    )
    opened.connection.close()
    assert rows(path, "PRAGMA user_version") == [(1,)]

    async def go_on(journal: Journal) -> Outcome:
        return await journal.append(report("new", relay=True))

    assert with_journal(path, go_on) is Outcome.STORED
    assert rows(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    names = rows(path, "SELECT seq, message_id FROM reports ORDER BY seq")
    assert names == [(5, "old"), (6, "new")]
    assert rows(path, "SELECT seq FROM outbox") == [(6,)]


def test_interrupted_migration_leaves_the_file_as_it_was(path: Path) -> None:
    open_file(path, EPOCH, migrations=MIGRATIONS[:1]).connection.close()
    with pytest.raises(JournalError):
        open_file(path, EPOCH, migrations=(MIGRATIONS[0], "CREATE TABLE half (x); CREATE nonsense"))
    assert rows(path, "PRAGMA user_version") == [(1,)]
    assert rows(path, "SELECT name FROM sqlite_schema WHERE name = 'half'") == []
    open_file(path, EPOCH).connection.close()


def test_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    open_file(path, EPOCH, migrations=(*MIGRATIONS, "CREATE TABLE later (x)")).connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="written by a newer version"):
        open_file(path, EPOCH)
    assert path.read_bytes() == before


def test_file_of_another_program_is_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(JournalError, match="a database of some other program"):
        open_file(path, EPOCH)
    assert rows(path, "SELECT name FROM sqlite_schema") == [("theirs",)]


def test_file_in_use_is_not_taken(path: Path) -> None:
    async def meanwhile(journal: Journal) -> None:
        with pytest.raises(JournalError, match="in use by another process"):
            open_file(path, EPOCH, lock_seconds=0.1)

    with_journal(path, meanwhile)


def test_file_is_for_its_owner_alone(path: Path) -> None:
    async def look(journal: Journal) -> set[int]:
        await journal.append(report("a"))
        return {each.stat().st_mode & 0o777 for each in path.parent.iterdir()}

    assert with_journal(path, look) == {0o600}


def test_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="Is a directory"):
        open_file(tmp_path, EPOCH)


def test_row_that_cannot_be_read_does_not_hide_the_others(path: Path) -> None:
    async def write(journal: Journal) -> None:
        await journal.append(report("a", known(), known("2")))

    with_journal(path, write)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE jobs SET facts = '{' WHERE job_id = '1'")
    connection.commit()
    connection.close()
    jobs, lost = with_journal(path, lambda journal: journal.jobs())
    assert ([each.known.job_id for each in jobs], lost) == (["2"], 1)


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


def test_reports_beyond_what_may_wait_are_refused(path: Path) -> None:
    async def write(journal: Journal) -> list[object]:
        content = b"x" * (40 * 2**20)
        return list(
            await asyncio.gather(
                *(journal.append(report(name, content=content)) for name in "abc"),
                return_exceptions=True,
            )
        )

    first, second, third = with_journal(path, write)
    assert (first, second) == (Outcome.STORED, Outcome.STORED)
    assert str(third) == "too many reports wait for the disk"
