"""Real processes, real files: what was acknowledged is where a restart finds it."""

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.e2e.exporter_process import ROOT, Nursery, free_port
from tests.e2e.reporters import JobTracker, reporting
from tests.e2e.test_edge_crash import answer, check, comes_to_say
from tests.edge.receivers import configuration


def stored_after(
    tmp_path: Path,
    nursery: Nursery,
    port: int,
    exchange: Callable[[], None],
    restore: Callable[[], None] = lambda: None,
) -> JobTracker:
    """Report, exchange something underneath, go on, and kill the exporter."""

    async def scenario() -> JobTracker:
        job_tracker = JobTracker()
        async with reporting(port, job_tracker):
            for _ in range(2):
                await job_tracker.grow(100)
                exchange()
                before = job_tracker.refused.get(503, 0)
                await job_tracker.until(lambda: job_tracker.refused.get(503, 0) > before)  # noqa: B023
                await comes_to_say(port, "0.0")
                restore()
                await job_tracker.grow(100)
                await comes_to_say(port, "1.0")
        nursery.end(signal.SIGKILL)
        return job_tracker

    job_tracker = asyncio.run(scenario())
    assert job_tracker.refused.keys() == {503}
    log = (tmp_path / "log").read_text()
    assert log.count("senders are asked to wait") == log.count("stored again") == 2
    return job_tracker


@contextlib.contextmanager
def exporter(tmp_path: Path, database: Path, *prefix: str) -> Iterator[tuple[Nursery, int]]:
    """Run an exporter with its journal in a folder."""
    config, port = tmp_path / "exporter.yml", free_port()
    config.write_text(configuration(database, "rate_limit: 1000000"))
    nursery = Nursery(config, port, tmp_path / "log", prefix)
    try:
        nursery.start()
        yield nursery, port
    finally:
        nursery.close()


def test_no_acknowledged_report_is_lost_by_deleting_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    def exchange() -> None:
        for each in folder.glob("edge.db*"):
            each.unlink()

    with exporter(tmp_path, folder) as (nursery, port):
        job_tracker = stored_after(tmp_path, nursery, port, exchange)
    check(folder / "edge.db", job_tracker)


def test_no_acknowledged_report_is_lost_by_exchanging_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    numbers = iter(range(9))

    def exchange() -> None:
        folder.rename(tmp_path / f"old-{next(numbers)}")

    with exporter(tmp_path, folder) as (nursery, port):
        job_tracker = stored_after(tmp_path, nursery, port, exchange, folder.mkdir)
    check(folder / "edge.db", job_tracker)


def test_no_acknowledged_report_is_lost_by_an_older_copy_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    def exchange() -> None:
        # As an operator restores: everything there goes, everything of the copy comes.
        copy = tmp_path / "copy"
        if not copy.exists():
            shutil.copytree(folder, copy)
        for each in folder.iterdir():
            each.unlink()
        for each in copy.iterdir():
            shutil.copy(each, folder / each.name)

    with exporter(tmp_path, folder) as (nursery, port):
        job_tracker = stored_after(tmp_path, nursery, port, exchange)
    check(folder / "edge.db", job_tracker)


def test_no_acknowledged_report_is_lost_by_another_disk_mounted_in_its_place(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # In a namespace of its own the mounts need no root and leave nothing behind.
    script = f'mount -t tmpfs -o size=64m tmpfs {disk} && exec "$@"'
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    prefix = ("unshare", "--mount", *user, "sh", "-c", script, "sh")
    with exporter(tmp_path, disk, *prefix) as (nursery, port):
        same_user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        enter = ("nsenter", f"--target={nursery.pid}", "--mount", *same_user)

        def exchange() -> None:
            # The new disk gives its files the same numbers as the old one did.
            remount = f"umount -l {disk} && mount -t tmpfs -o size=64m tmpfs {disk}"
            subprocess.run([*enter, "sh", "-c", remount], check=True)

        job_tracker = stored_after(tmp_path, nursery, port, exchange)
        place = Path(f"/proc/{nursery.pid}/root{disk}")
        for name in ("edge.db", "edge.db-wal"):
            shutil.copy(place / name, tmp_path / name)
    check(tmp_path / "edge.db", job_tracker)


def test_second_exporter_says_who_has_the_file_and_ends(tmp_path: Path) -> None:
    with exporter(tmp_path, tmp_path) as (nursery, port):
        asyncio.run(until_ready(port))
        config = tmp_path / "second.yml"
        (tmp_path / "link").symlink_to(tmp_path)
        config.write_text(configuration(tmp_path / "link"))
        command = [sys.executable, "-m", "exporter", f"--config.file={config}"]
        second = subprocess.run(
            [*command, f"--web.listen-address=127.0.0.1:{free_port()}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 2
        held = f"in use by another process, pid {nursery.exporter}"
        told = rf"^\S*second\.yml:\d+:\d+: edge\.database: .*{held}\n"
        assert re.search(told, second.stderr, re.MULTILINE)
        assert nursery.end(signal.SIGTERM) == 0
    with exporter(tmp_path, tmp_path) as (nursery, port):
        asyncio.run(until_ready(port))


async def until_ready(port: int) -> None:
    async with asyncio.timeout(30):
        for _ in itertools.count():
            ready = await answer(port, "/-/ready")
            if ready is not None and ready.status_code == 200:
                return
            await asyncio.sleep(0.1)
