"""The file of the journal: damaged, older, newer, foreign, in use or out of reach."""

import os
import sqlite3
from pathlib import Path

import pytest

from exporter.edge.journal import Journal
from exporter.edge.journal_file import MIGRATIONS, damaged_files, open_file
from exporter.edge.journal_sql import Outcome
from exporter.errors import JournalError
from tests.edge.journal.opened_journal import known, report, rows, with_journal
from tests.edge.receivers import PROJECT, body
from tests.virtual_time import EPOCH


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


def test_name_of_a_journal_is_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "edge[1]*.db"
    (tmp_path / "edge1.db.damaged-1").touch()
    assert damaged_files(path) == []
    path.write_bytes(b"nonsense" * 1000)
    open_file(path, EPOCH).connection.close()
    assert [each.name for each in damaged_files(path)] == ["edge[1]*.db.damaged-20231114T221320Z"]


def test_links_that_go_round_in_a_circle_are_no_journal(path: Path) -> None:
    path.symlink_to(path.name)
    with pytest.raises(JournalError, match="Too many levels of symbolic links"):
        open_file(path, EPOCH)


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
