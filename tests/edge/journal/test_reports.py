"""Reports come back as they were stored, once each, and in order."""

import asyncio
import json
from pathlib import Path

from exporter.edge.journal import Journal
from exporter.edge.journal_sql import Entry, Outcome
from tests.edge.journal.opened_journal import Told, known, report, rows, with_journal
from tests.edge.receivers import PROJECT, body, entry
from tests.virtual_time import EPOCH


def test_reports_come_back(path: Path) -> None:
    async def write(journal: Journal) -> None:
        assert await journal.append(report("a", known(), known("2"))) is Outcome.STORED
        assert await journal.append(report("b", known(at=5, state="failed"))) is Outcome.STORED

    with_journal(path, write)
    jobs, lost = with_journal(path, lambda journal: journal.jobs())
    assert lost == 0
    assert {each.known.job_id: each.known.state for each in jobs} == {"1": "failed", "2": "running"}
    assert {each.known.received for each in jobs} == {EPOCH, EPOCH + 5}


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
        await journal.relayed(PROJECT, [first.message_id])
        return [each.body for each in await journal.pending(PROJECT, 10)]

    assert with_journal(path, write) == [b"b", b"c"]
    assert with_journal(path, lambda journal: journal.backlog()) == {PROJECT: 2}
