"""A report is confirmed only where a restart will find it, whatever happens to the file."""

import asyncio
import contextlib
import itertools
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from exporter.edge.journal_file import damaged_files
from exporter.runtime import Runtime
from tests.edge.receivers import Edge, body, entry, receiving
from tests.edge.test_relay import Dli, pending, relaying, send
from tests.edge.test_service import until

UP = 'streaming_source_up{platform="edge",source="edge"} %s\n'


class Pauses:
    """The pauses of an exporter: those before the journal is begun anew can be held up."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Pause for a moment."""
        if seconds == 5.0:
            await self.go_on.wait()
        await asyncio.sleep(min(seconds, 0.01))


@contextlib.asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[Edge, Pauses]]:
    """Run an exporter with its journal in a folder."""
    pauses = Pauses()
    runtime = Runtime(environ={}, home=folder, sleep=pauses.sleep)
    async with receiving(folder, runtime=runtime) as edge:
        yield edge, pauses


async def report(edge: Edge, job: int, status: str = "job_running", name: str = "") -> int:
    answer = await edge.post(body(entry(job, status=status), message_id=name or f"m-{job}"))
    return answer.status_code


async def again(edge: Edge, job: int) -> None:
    """Report until it is confirmed."""
    await confirmed(lambda: report(edge, job))


async def confirmed(send_it: Callable[[], Awaitable[int]]) -> None:
    async with asyncio.timeout(30):
        for _ in itertools.count():
            if await send_it() == 200:
                return
            await asyncio.sleep(0.01)


def rows(path: Path, query: str) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return sorted(str(row[0]) for row in connection.execute(query))


def delete(folder: Path) -> None:
    for each in ("edge.db", "edge.db-wal"):
        (folder / each).unlink()


def delete_the_file_alone(folder: Path) -> None:
    (folder / "edge.db").unlink()


def delete_the_log(folder: Path) -> None:
    (folder / "edge.db-wal").unlink()


def delete_everything(folder: Path) -> None:
    for each in folder.glob("edge.db*"):
        each.unlink()


def rename(folder: Path) -> None:
    (folder / "edge.db").rename(folder / "old.db")


def exchange_the_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()


def delete_the_folder_and_make_it_again(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def put_an_empty_file_in_its_place(folder: Path) -> None:
    (folder / "other").touch()
    (folder / "other").rename(folder / "edge.db")


def put_nonsense_in_its_place(folder: Path) -> None:
    (folder / "other").write_bytes(b"nonsense" * 1000)
    (folder / "other").rename(folder / "edge.db")


def cut_to_nothing(folder: Path) -> None:
    os.truncate(folder / "edge.db", 0)


def cut_the_log_to_nothing(folder: Path) -> None:
    os.truncate(folder / "edge.db-wal", 0)


def overwrite_with_as_many_bytes(folder: Path) -> None:
    content = (folder / "edge.db").read_bytes()
    (folder / "edge.db").write_bytes(content[::-1])


EXCHANGES = [
    delete,
    delete_the_file_alone,
    delete_the_log,
    delete_everything,
    rename,
    exchange_the_folder,
    delete_the_folder_and_make_it_again,
    put_an_empty_file_in_its_place,
    put_nonsense_in_its_place,
    cut_to_nothing,
    cut_the_log_to_nothing,
    overwrite_with_as_many_bytes,
]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.__name__)
def test_lost_file_is_told_and_the_journal_is_begun_anew(
    tmp_path: Path, exchange: Callable[[Path], None]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    async def scenario() -> None:
        async with watched(folder) as (edge, pauses):
            assert await report(edge, 1) == 200
            exchange(folder)
            assert [await report(edge, 2), await report(edge, 3)] == [503, 503]
            assert UP % "0.0" in await edge.page()
            assert [job["job_id"] for job in await edge.jobs()] == ["1"]
            said = edge.log.said()
            assert said.count("edge reports cannot be stored, senders are asked to wait") == 1
            pauses.go_on.set()
            await again(edge, 2)
            await until(lambda: "edge reports are stored again" in edge.log.said())
            assert UP % "1.0" in await edge.page()
            assert [job["job_id"] for job in await edge.jobs()] == ["1", "2"]
            # As after kill -9: what is there now.
            copy = tmp_path / "copy"
            shutil.copytree(folder, copy)
        assert rows(copy / "edge.db", "SELECT job_id FROM jobs") == ["1", "2"]
        assert "m-2" in rows(copy / "edge.db", "SELECT message_id FROM reports")
        async with receiving(folder) as edge:
            assert [job["job_id"] for job in await edge.jobs()] == ["1", "2"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "exchange",
    [delete, delete_the_log, rename, exchange_the_folder, put_an_empty_file_in_its_place],
    ids=lambda each: each.__name__,
)
def test_report_confirmed_before_is_known_in_the_new_file(
    tmp_path: Path, exchange: Callable[[Path], None]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    async def scenario() -> None:
        async with watched(folder) as (edge, pauses):
            await report(edge, 1)
            exchange(folder)
            pauses.go_on.set()
            await again(edge, 2)
            conflict = body(entry(9), message_id="m-1")
            assert (await edge.post(conflict)).status_code == 400
        assert rows(folder / "edge.db", "SELECT message_id FROM reports") == ["m-1", "m-2"]

    asyncio.run(scenario())


def test_place_that_is_not_usable_is_waited_for(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    folder.mkdir()

    async def scenario() -> None:
        async with watched(folder) as (edge, pauses):
            pauses.go_on.set()
            await report(edge, 1)
            folder.rename(elsewhere)
            assert await report(edge, 2) == 503
            for _ in range(20):
                await asyncio.sleep(0.01)
                assert await report(edge, 2) == 503
            said = edge.log.said()
            assert said.count("edge reports cannot be stored, senders are asked to wait") == 1
            folder.write_text("no folder")
            assert await report(edge, 2) == 503
            folder.unlink()
            folder.mkdir()
            await again(edge, 2)
        assert rows(folder / "edge.db", "SELECT job_id FROM jobs") == ["1", "2"]

    asyncio.run(scenario())


def test_file_that_comes_back_is_gone_on_with(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    folder.mkdir()

    async def scenario() -> None:
        async with watched(folder) as (edge, pauses):
            await report(edge, 1)
            folder.rename(elsewhere)
            assert await report(edge, 2) == 503
            elsewhere.rename(folder)
            pauses.go_on.set()
            await again(edge, 2)
            assert [job["job_id"] for job in await edge.jobs()] == ["1", "2"]
        assert damaged_files(folder / "edge.db") == []
        assert rows(folder / "edge.db", "SELECT message_id FROM reports") == ["m-1", "m-2"]

    asyncio.run(scenario())


def test_snapshot_that_is_restored_is_added_to(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    async def scenario() -> None:
        async with receiving(folder) as edge:
            await report(edge, 1)
            await report(edge, 2)
        shutil.copytree(folder, tmp_path / "snapshot")
        async with watched(folder) as (edge, pauses):
            await report(edge, 2, "job_finish", name="end")
            await report(edge, 3)
            # Restored as a copy is: written beside, then put in place.
            shutil.copy(tmp_path / "snapshot" / "edge.db", folder / "restored")
            (folder / "restored").rename(folder / "edge.db")
            assert await report(edge, 4) == 503
            pauses.go_on.set()
            await again(edge, 4)
            states = {job["job_id"]: job["state"] for job in await edge.jobs()}
        assert states == {"1": "running", "2": "finished", "3": "running", "4": "running"}
        names = rows(folder / "edge.db", "SELECT message_id FROM reports")
        assert names == ["end", "m-1", "m-2", "m-3", "m-4"]
        async with receiving(folder) as edge:
            assert states == {job["job_id"]: job["state"] for job in await edge.jobs()}

    asyncio.run(scenario())


def test_database_of_another_program_in_its_place_is_left_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with watched(tmp_path) as (edge, pauses):
            await report(edge, 1)
            with contextlib.closing(sqlite3.connect(tmp_path / "theirs.db")) as connection:
                connection.execute("CREATE TABLE theirs (x)")
            (tmp_path / "theirs.db").rename(tmp_path / "edge.db")
            pauses.go_on.set()
            assert await report(edge, 2) == 503
            await asyncio.sleep(0.2)
            assert await report(edge, 2) == 503
            (tmp_path / "edge.db").rename(tmp_path / "theirs.db")
            await again(edge, 2)
        assert rows(tmp_path / "theirs.db", "SELECT name FROM sqlite_schema") == ["theirs"]
        assert rows(tmp_path / "edge.db", "SELECT job_id FROM jobs") == ["1", "2"]

    asyncio.run(scenario())


def link(folder: Path) -> None:
    os.link(folder / "edge.db", folder / "backup.db")


def read(folder: Path) -> None:
    (folder / "edge.db").read_bytes()


def forbid(folder: Path) -> None:
    (folder / "edge.db").chmod(0o400)


def copy_beside(folder: Path) -> None:
    shutil.copy(folder / "edge.db", folder / "copy.db")


@pytest.mark.parametrize("act", [link, read, forbid, copy_beside], ids=lambda each: each.__name__)
def test_what_leaves_the_file_as_it_is_disturbs_nobody(
    tmp_path: Path, act: Callable[[Path], None]
) -> None:
    async def scenario() -> None:
        async with watched(tmp_path) as (edge, _):
            await report(edge, 1)
            act(tmp_path)
            assert await report(edge, 2) == 200
        assert rows(tmp_path / "edge.db", "SELECT job_id FROM jobs") == ["1", "2"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "exchange",
    [delete, delete_the_log, exchange_the_folder, delete_the_folder_and_make_it_again],
    ids=lambda each: each.__name__,
)
def test_what_is_still_to_be_passed_on_is_passed_on_from_the_new_file(
    tmp_path: Path, exchange: Callable[[Path], None]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    async def scenario() -> None:
        dli = Dli()
        dli.faults.outage = True
        async with relaying(folder, dli) as edge:
            await send(edge, "a", "b", "c")
            exchange(folder)
            content = body(entry(), message_id="d")

            async def send_it() -> int:
                return (await edge.post(content, token="a")).status_code

            await confirmed(send_it)
            await until(lambda: pending(edge) == 4)

    asyncio.run(scenario())
    query = "SELECT message_id FROM outbox JOIN reports USING (seq)"
    assert rows(folder / "edge.db", query) == ["a", "b", "c", "d"]
