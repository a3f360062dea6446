"""Clocks jump, ours and those at the edge; what is known, shown and kept does not."""

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.edge.journal import Journal
from exporter.runtime import Runtime
from tests.edge.journal.opened_journal import Told, known, report, with_journal
from tests.edge.receivers import PROJECT, Edge, body, entry, receiving
from tests.edge.test_relay import SOURCES, Dli, pending, send
from tests.edge.test_service import _soon, until
from tests.virtual_time import EPOCH

HOUR, DAY, YEAR = 3600.0, 86400.0, 365 * 86400.0


@dataclass(slots=True)
class Clocks:
    """A clock on the wall that can be set, and one that only runs on."""

    wall: float = EPOCH
    running: float = 1000.0

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.running += seconds

    def runtime(self, folder: Path, **more: Any) -> Runtime:
        """Return a runtime that has these clocks, and short pauses."""
        return Runtime(
            environ={},
            home=folder,
            sleep=_soon,
            clock=lambda: self.wall,
            monotonic=lambda: self.running,
            **more,
        )


@contextlib.asynccontextmanager
async def watched(folder: Path, clocks: Clocks, more: str = "") -> AsyncIterator[Edge]:
    async with receiving(folder, more, runtime=clocks.runtime(folder)) as edge:
        yield edge


async def tell(edge: Edge, clocks: Clocks, job: int, status: str, ahead: float = 0.0) -> None:
    """Report a job, by a clock that is ahead by so much."""
    content = entry(job, status=status, create_time=int((clocks.wall + ahead) * 1000))
    name = f"{job}-{status}-{clocks.wall}-{clocks.running}-{ahead}"
    assert (await edge.post(body(content, message_id=name))).status_code == 200


async def states(edge: Edge) -> dict[str, tuple[str, bool]]:
    return {job["job_id"]: (job["state"], job["stale"]) for job in await edge.jobs()}


def count(folder: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


JUMPS = [25 * HOUR, 10 * YEAR, -DAY, -20 * YEAR, 700.0, 1300.0]


@pytest.mark.parametrize("jump", JUMPS)
def test_jump_of_our_clock_changes_nothing_that_is_known(tmp_path: Path, jump: float) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with watched(tmp_path, clocks) as edge:
            await tell(edge, clocks, 1, "job_running")
            await tell(edge, clocks, 2, "job_finish")
            clocks.wall += jump
            clocks.pass_(60)
            await asyncio.sleep(0.1)
            service = edge.app._edge._service
            assert service is not None
            # What an idle moment tidies up.
            service._journal._queue.put([])
            both = {"1": ("running", False), "2": ("finished", False)}
            assert await states(edge) == both
            page = await edge.page()
            assert page.count("streaming_job_info{") == 2
            clocks.wall -= jump
            await asyncio.sleep(0.1)
            assert await states(edge) == both
            edge.app.exposition.refresh()
            assert (await edge.client.get("/metrics")).text.count("streaming_job_info{") == 2
        assert (count(tmp_path, "reports"), count(tmp_path, "jobs")) == (2, 2)

    asyncio.run(scenario())


@pytest.mark.parametrize("jump", JUMPS)
def test_jump_while_the_exporter_is_down_changes_nothing(tmp_path: Path, jump: float) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with watched(tmp_path, clocks) as edge:
            await tell(edge, clocks, 1, "job_running")
            await tell(edge, clocks, 2, "job_finish")
        clocks.wall += jump
        clocks.running = 5.0
        async with watched(tmp_path, clocks) as edge:
            await asyncio.sleep(0.1)
            service = edge.app._edge._service
            assert service is not None
            service._journal._queue.put([])
            both = {"1": ("running", False), "2": ("finished", False)}
            assert await states(edge) == both
            clocks.wall -= jump
            assert await states(edge) == both
        assert (count(tmp_path, "reports"), count(tmp_path, "jobs")) == (2, 2)

    asyncio.run(scenario())


def test_silence_is_counted_across_restarts(tmp_path: Path) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with watched(tmp_path, clocks) as edge:
            await tell(edge, clocks, 1, "job_running")
            clocks.pass_(400)
        clocks.running = 0.0
        async with watched(tmp_path, clocks) as edge:
            assert await states(edge) == {"1": ("running", False)}
            clocks.pass_(201)
            assert await states(edge) == {"1": ("running", True)}
        clocks.running = 0.0
        async with watched(tmp_path, clocks) as edge:
            assert await states(edge) == {"1": ("running", True)}
            clocks.pass_(600)
            assert await states(edge) == {}
            await until(lambda: edge.app._edge._service._job_tracker.count(PROJECT) == 0)  # type: ignore[union-attr]

    asyncio.run(scenario())
    assert count(tmp_path, "jobs") == 0


def test_nobody_is_silent_while_nothing_can_be_stored(tmp_path: Path) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with watched(tmp_path, clocks) as edge:
            await tell(edge, clocks, 1, "job_running")
            (tmp_path / "edge.db").rename(tmp_path / "other.db")
            tmp_path.joinpath("edge.db").mkdir()
            refused = await edge.post(body(entry(2), message_id="x"))
            assert refused.status_code == 503
            clocks.pass_(DAY)
            await asyncio.sleep(0.05)
            assert await states(edge) == {"1": ("running", False)}
            tmp_path.joinpath("edge.db").rmdir()
            await until(lambda: "edge reports are stored again" in edge.log.said())
            clocks.pass_(601)
            assert await states(edge) == {"1": ("running", True)}

    asyncio.run(scenario())


def test_time_of_the_last_report_follows_a_clock_that_is_put_right(tmp_path: Path) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with watched(tmp_path, clocks) as edge:
            clocks.wall += YEAR
            await tell(edge, clocks, 1, "job_running")
            clocks.wall -= YEAR
            clocks.pass_(1)
            await tell(edge, clocks, 2, "job_running")
            name = f'streaming_edge_report_timestamp_seconds{{project="{PROJECT}"}}'
            found = re.search(re.escape(name) + r" (\S+)", await edge.page())
            assert found is not None
            assert float(found[1]) == EPOCH + 1
        async with watched(tmp_path, clocks) as edge:
            found = re.search(re.escape(name) + r" (\S+)", await edge.page())
            assert found is not None
            assert float(found[1]) == EPOCH + 1

    asyncio.run(scenario())


def test_age_of_what_is_to_be_passed_on_does_not_jump(tmp_path: Path) -> None:
    async def scenario() -> None:
        dli, clocks = Dli(), Clocks()
        dli.faults.outage = True
        projects = f"projects: {{{PROJECT}: {{token: a}}}}\n  relay: {{source: dli}}"
        runtime = clocks.runtime(tmp_path, transport=dli.transport)
        async with receiving(tmp_path, sources=SOURCES, runtime=runtime, projects=projects) as edge:
            await send(edge, "1")
            await until(lambda: pending(edge) == 1)
            clocks.wall += YEAR
            clocks.pass_(30)
            found = re.search(r"relay_oldest_age_seconds{.*} (\S+)", await edge.page())
            assert found is not None
            assert float(found[1]) == 30.0

    asyncio.run(scenario())


def test_what_is_to_be_passed_on_goes_only_for_want_of_room(tmp_path: Path) -> None:
    now = [0.0]

    async def write(journal: Journal) -> None:
        content = b'"' + b"x" * 5000 + b'"'
        for start in range(0, 1500, 100):
            now[0] = 0.0 if start < 1000 else 30 * DAY
            names = range(start, start + 100)
            await asyncio.gather(
                *(
                    journal.append(report(str(n), known(str(n)), relay=n % 2 == 0, content=content))
                    for n in names
                )
            )

    for folder, size, lost in (("roomy", 2**30, False), ("narrow", 2**20, True)):
        (tmp_path / folder).mkdir()
        path, told = tmp_path / folder / "edge.db", Told()
        with_journal(path, write, told, size=size, monotonic=lambda: now[0], keep_pending=True)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            query = "SELECT pending, count(*) FROM reports GROUP BY pending"
            kept = dict(connection.execute(query).fetchall())
        assert kept.get(0, 0) < 750
        assert (kept[1] < 750) is lost
        assert told.expired == ({PROJECT: 750 - kept[1]} if lost else {})
        # What nobody waits for goes before what is to be passed on.
        assert not lost or kept.get(0, 0) == 0 or kept.get(0, 0) <= kept[1]


AHEAD = [YEAR, DAY, HOUR, 240.0, 20.0]


@pytest.mark.parametrize("ahead", AHEAD)
def test_failure_is_seen_as_soon_as_a_clock_at_the_edge_is_put_right(
    tmp_path: Path, ahead: float
) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with watched(tmp_path, clocks) as edge:
            await tell(edge, clocks, 1, "job_running", ahead=ahead)
            (job,) = await edge.jobs()
            assert job["updated_timestamp"] == job["state_since_timestamp"] == EPOCH
            clocks.pass_(1)
            await tell(edge, clocks, 1, "job_submit_fail")
            assert await states(edge) == {"1": ("failed", False)}
        async with watched(tmp_path, clocks) as edge:
            assert await states(edge) == {"1": ("failed", False)}

    asyncio.run(scenario())


def test_failure_is_seen_though_the_wrong_clock_was_before_a_restart(tmp_path: Path) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with watched(tmp_path, clocks) as edge:
            await tell(edge, clocks, 1, "job_running", ahead=YEAR)
        clocks.running = 0.0
        async with watched(tmp_path, clocks) as edge:
            await tell(edge, clocks, 1, "job_submit_fail")
            assert await states(edge) == {"1": ("failed", False)}

    asyncio.run(scenario())


def test_error_of_a_time_to_come_happened_once(tmp_path: Path) -> None:
    clocks = Clocks()
    when = int((EPOCH + YEAR) * 1000)
    plan = {"jid": "a", "state": "RUNNING", "start-time": when, "vertices": []}

    async def scenario() -> None:
        async with watched(tmp_path, clocks) as edge:
            for number in range(4):
                failed = entry(
                    1,
                    status="job_running",
                    create_time=int((clocks.wall + YEAR) * 1000),
                    exceptions={"error_id": "x", "error_time": when},
                    plan=plan,
                )
                await edge.post(body(failed, message_id=str(number)))
                (job,) = await edge.jobs()
                assert job["last_error_timestamp"] == EPOCH
                assert job["start_timestamp"] == EPOCH
                clocks.pass_(30)
        async with watched(tmp_path, clocks) as edge:
            (job,) = await edge.jobs()
            assert job["last_error_timestamp"] == EPOCH

    asyncio.run(scenario())
