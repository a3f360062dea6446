"""No acknowledged report is lost: not by kill -9, not by a full disk."""

import asyncio
import contextlib
import os
import re
import shutil
import sqlite3
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import httpx

from exporter.edge.journal_file import damaged_files
from tests.e2e.exporter_process import ExporterProcess, free_port
from tests.e2e.reporters import Ledger, reporting
from tests.edge import NOW_MS, configuration

KILLS = 50
_READY = 3
"""Processes that have done their imports and wait for their turn."""


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def check(database: Path, ledger: Ledger) -> None:
    """Check that the file is sound and has each acknowledged report exactly once."""
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    stored = [str(row[0]) for row in rows(database, "SELECT message_id FROM reports")]
    assert len(stored) == len(set(stored))
    assert ledger.acknowledged.keys() <= set(stored)
    # Of each job the newest report counts, and no older one has taken its place.
    newest = {
        str(job): int(str(at)) for job, at in rows(database, "SELECT job_id, create_ms FROM jobs")
    }
    for message_id in stored:
        job, count = message_id.split("-")
        assert newest[job] >= NOW_MS + int(count)


async def answer(port: int, path: str) -> httpx.Response | None:
    """Return the answer of the exporter, or None while nobody listens."""
    async with httpx.AsyncClient(trust_env=False) as client:
        with contextlib.suppress(httpx.TransportError):
            return await client.get(f"http://127.0.0.1:{port}{path}")
    return None


def test_no_acknowledged_report_is_lost_by_kill_9(tmp_path: Path) -> None:
    config, port, random = tmp_path / "exporter.yml", free_port(), Random()
    config.write_text(configuration(tmp_path, "rate_limit: 1000000"))

    def process() -> ExporterProcess:
        return ExporterProcess(config, port, tmp_path / "log")

    async def scenario(waiting: deque[ExporterProcess]) -> Ledger:
        ledger = Ledger()
        async with reporting(port, ledger):
            for _ in range(KILLS):
                running = waiting.popleft()
                running.begin()
                waiting.append(process())
                target = len(ledger.acknowledged) + random.randint(1, 150)
                await ledger.until(lambda n=target: len(ledger.acknowledged) >= n)  # type: ignore[misc]
                running.kill()
            last = waiting.popleft()
            last.begin()
            before = len(ledger.acknowledged)
            await ledger.until(lambda: len(ledger.acknowledged) > before + 50)
        ready = await answer(port, "/-/ready")
        assert ready is not None
        assert ready.status_code == 200
        assert last.terminate() == 0
        return ledger

    waiting = deque(process() for _ in range(_READY))
    try:
        ledger = asyncio.run(scenario(waiting))
    finally:
        for each in waiting:
            each.kill()
    assert len(ledger.acknowledged) > KILLS
    assert ledger.refused == {}
    assert damaged_files(tmp_path / "edge.db") == []
    check(tmp_path / "edge.db", ledger)


@contextlib.asynccontextmanager
async def small_disk(tmp_path: Path, port: int) -> AsyncIterator[tuple[int, Path]]:
    """Run an exporter with its journal on a disk of 2 MiB; yield its process and that disk."""
    disk = tmp_path / "disk"
    disk.mkdir()
    config = tmp_path / "exporter.yml"
    config.write_text(configuration(disk, "rate_limit: 1000000"))
    # In a namespace of its own the mount needs no root and leaves nothing behind. The shell
    # outlives the exporter, so that the disk can still be looked at.
    script = (
        f"mount -t tmpfs -o size=2m tmpfs {disk} && head -c 1m /dev/zero > {disk}/filler && "
        '"$@"; read end'
    )
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    shell = ExporterProcess(
        config,
        port,
        tmp_path / "log",
        prefix=("unshare", "--mount", *user, "sh", "-c", script, "sh"),
    )
    shell.begin()
    try:
        yield shell.pid, Path(f"/proc/{shell.pid}/root{disk}")
    finally:
        shell.kill()


def child_of(pid: int) -> int:
    """Return the process that a process has started."""
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def source_is_up(page: httpx.Response | None) -> str | None:
    """Return what a page says of the journal."""
    found = re.search(
        r'^streaming_source_up{.*source="edge"} (\S+)$', page.text if page else "", re.M
    )
    return found[1] if found else None


def test_no_acknowledged_report_is_lost_by_a_full_disk(tmp_path: Path) -> None:
    port = free_port()

    async def scenario() -> Ledger:
        ledger = Ledger()
        async with small_disk(tmp_path, port) as (pid, disk):
            async with reporting(port, ledger):
                await ledger.until(lambda: ledger.refused.get(503, 0) > 100)
                assert await is_up(port) == "0.0"
                assert len(ledger.acknowledged) > 100
                before = len(ledger.acknowledged)
                (disk / "filler").unlink()
                await ledger.until(lambda: len(ledger.acknowledged) > before + 500)
                assert await is_up(port) == "1.0"
            os.kill(child_of(pid), 9)
            for name in ("edge.db", "edge.db-wal"):
                shutil.copy(disk / name, tmp_path / name)
        return ledger

    ledger = asyncio.run(scenario())
    assert ledger.refused.keys() == {503}
    check(tmp_path / "edge.db", ledger)


async def is_up(port: int) -> str | None:
    """Return what the page says once it was rendered after the latest change."""
    found = None
    async with asyncio.timeout(20):
        for _ in range(2):
            before = found
            page = await answer(port, "/metrics")
            found = source_is_up(page)
            await asyncio.sleep(0.5)
            if found == before:
                break
    return found
