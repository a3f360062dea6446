"""No acknowledged report is lost: not by kill -9, not by a full disk."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx

from exporter.edge.journal_file import damaged_files
from tests.e2e.exporter_process import Nursery, free_port
from tests.e2e.reporters import JobTracker, reporting
from tests.edge.receivers import NOW_MS, configuration

KILLS = 25


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def check(database: Path, job_tracker: JobTracker) -> None:
    """Check that the file is sound and has each acknowledged report exactly once."""
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    stored = [str(row[0]) for row in rows(database, "SELECT message_id FROM reports")]
    assert len(stored) == len(set(stored))
    assert job_tracker.acknowledged.keys() <= set(stored)
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

    async def scenario(nursery: Nursery) -> JobTracker:
        job_tracker = JobTracker()
        async with reporting(port, job_tracker):
            for _ in range(KILLS):
                nursery.start()
                await job_tracker.grow(random.randint(1, 150))
                assert nursery.end(signal.SIGKILL) == -signal.SIGKILL
            nursery.start()
            await job_tracker.grow(50)
        ready = await answer(port, "/-/ready")
        assert ready is not None
        assert ready.status_code == 200
        assert nursery.end(signal.SIGTERM) == 0
        return job_tracker

    nursery = Nursery(config, port, tmp_path / "log")
    try:
        job_tracker = asyncio.run(scenario(nursery))
    finally:
        nursery.close()
    assert len(job_tracker.acknowledged) > KILLS
    assert job_tracker.refused == {}
    assert damaged_files(tmp_path / "edge.db") == []
    check(tmp_path / "edge.db", job_tracker)


@contextlib.contextmanager
def small_disk(tmp_path: Path, port: int) -> Iterator[tuple[Nursery, Path]]:
    """Run an exporter with its journal on a disk of 2 MiB, half of it taken; yield both."""
    disk = tmp_path / "disk"
    disk.mkdir()
    config = tmp_path / "exporter.yml"
    config.write_text(configuration(disk, "rate_limit: 1000000"))
    # In a namespace of its own the mount needs no root and leaves nothing behind.
    script = (
        f"mount -t tmpfs -o size=2m tmpfs {disk} && head -c 1m /dev/zero > {disk}/filler && "
        'exec "$@"'
    )
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    prefix = ("unshare", "--mount", *user, "sh", "-c", script, "sh")
    nursery = Nursery(config, port, tmp_path / "log", prefix)
    try:
        nursery.start()
        yield nursery, Path(f"/proc/{nursery.pid}/root{disk}")
    finally:
        nursery.close()


def source_is_up(page: httpx.Response | None) -> str | None:
    """Return what a page says of the journal."""
    found = re.search(
        r'^streaming_source_up{.*source="edge"} (\S+)$', page.text if page else "", re.M
    )
    return found[1] if found else None


def test_no_acknowledged_report_is_lost_by_a_full_disk(tmp_path: Path) -> None:
    port = free_port()

    async def scenario(nursery: Nursery, disk: Path) -> JobTracker:
        job_tracker = JobTracker()
        async with reporting(port, job_tracker):
            await job_tracker.until(lambda: job_tracker.refused.get(503, 0) > 100)
            await comes_to_say(port, "0.0")
            assert len(job_tracker.acknowledged) > 100
            (disk / "filler").unlink()
            await job_tracker.grow(500)
            await comes_to_say(port, "1.0")
        nursery.end(signal.SIGKILL)
        return job_tracker

    with small_disk(tmp_path, port) as (nursery, disk):
        job_tracker = asyncio.run(scenario(nursery, disk))
        for name in ("edge.db", "edge.db-wal"):
            shutil.copy(disk / name, tmp_path / name)
    assert job_tracker.refused.keys() == {503}
    check(tmp_path / "edge.db", job_tracker)


async def comes_to_say(port: int, expected: str) -> None:
    """Wait until the page says this of the journal, once: on a small disk it is soon full again."""
    said: list[str | None] = []
    for _ in range(100):
        said.append(source_is_up(await answer(port, "/metrics")))
        if said[-1] == expected:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the journal is up: {said}, expected {expected}")
