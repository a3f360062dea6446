"""The journal stays within its time, its size and its queue."""

import asyncio
from pathlib import Path

from exporter.edge.journal import Journal
from exporter.edge.journal_sql import Outcome
from tests.edge.journal.opened_journal import Told, known, report, rows, with_journal
from tests.edge.receivers import PROJECT


def test_old_reports_expire_and_what_was_not_passed_on_is_told(path: Path) -> None:
    told, now = Told(), [0.0]

    async def write(journal: Journal) -> None:
        for start in range(0, 600, 100):
            now[0] = 0.0 if start < 400 else 3601.0
            names = range(start, start + 100)
            await asyncio.gather(
                *(journal.append(report(str(n), known(str(n)), relay=n % 2 == 0)) for n in names)
            )

    with_journal(path, write, told, monotonic=lambda: now[0])
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
