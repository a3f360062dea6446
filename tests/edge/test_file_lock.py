"""One process has the journal, by whatever name it is called, and keeps it until it ends."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.edge.file_lock import acquire
from exporter.edge.journal_file import open_file
from exporter.errors import ConfigError, JournalError
from tests.edge.receivers import SEED, receiving
from tests.virtual_time import EPOCH

_OPEN = """\
import sys
from pathlib import Path
from exporter.edge.journal_file import open_file
from exporter.errors import JournalError
try:
    open_file(Path(sys.argv[1]), 0.0, lock_seconds=0.1)
except JournalError as exc:
    print(exc)
else:
    print("taken")
"""
_OPEN_WITHOUT_OUR_LOCK = """\
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0.1).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as exc:
    print(exc)
else:
    print("taken")
"""


def elsewhere(path: Path, program: str = _OPEN) -> str:
    """Return what another process says that opens the file."""
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def symbolic(folder: Path) -> Path:
    (folder / "alias.db").symlink_to(folder / "edge.db")
    return folder / "alias.db"


def through_a_link_to_the_folder(folder: Path) -> Path:
    (folder / "link").symlink_to(folder)
    return folder / "link" / "edge.db"


def there_and_back(folder: Path) -> Path:
    (folder / "sub").mkdir()
    return folder / "sub" / ".." / "edge.db"


def relative(folder: Path) -> Path:
    return Path(os.path.relpath(folder / "edge.db"))


def hard(folder: Path) -> Path:
    os.link(folder / "edge.db", folder / "hard.db")
    return folder / "hard.db"


def renamed(folder: Path) -> Path:
    (folder / "edge.db").rename(folder / "renamed.db")
    return folder / "renamed.db"


NAMES = [symbolic, through_a_link_to_the_folder, there_and_back, relative, hard, renamed]
NamedSo = Callable[[Path], Path]


@pytest.mark.parametrize("name", NAMES, ids=lambda each: each.__name__)
def test_no_other_process_takes_it_after_a_reload_that_was_refused(
    tmp_path: Path, name: NamedSo
) -> None:
    async def scenario() -> None:
        async with receiving(tmp_path) as edge:
            await edge.post(SEED)
            alias = name(tmp_path)
            good = edge.text[0]
            bad = "sources: [{name: a, platform: apache_flink, endpoint: 'http://x', tls: {"
            (tmp_path / "ca.pem").write_text("nonsense")
            edge.text[0] = good.replace(str(tmp_path / "edge.db"), str(alias.absolute()))
            edge.text[0] += f"{bad}ca_file: {tmp_path / 'ca.pem'}}}}}]\n"
            with pytest.raises(ConfigError):
                await edge.app.reload()
            edge.text[0] = good
            await edge.app.reload()
            place = alias if name is renamed else tmp_path / "edge.db"
            for program in (_OPEN, _OPEN_WITHOUT_OUR_LOCK):
                said = await asyncio.to_thread(elsewhere, place, program)
                assert "in use by another process" in said or said == "database is locked"

    asyncio.run(scenario())


@pytest.mark.parametrize("name", NAMES[:4], ids=lambda each: each.__name__)
def test_reload_by_another_way_to_the_file_goes_on_with_it(tmp_path: Path, name: NamedSo) -> None:
    async def scenario() -> None:
        async with receiving(tmp_path) as edge:
            await edge.post(SEED)
            alias = name(tmp_path)
            edge.text[0] = edge.text[0].replace(str(tmp_path / "edge.db"), str(alias.absolute()))
            await edge.app.reload()
            assert [job["job_id"] for job in await edge.jobs()] == ["99270"]
            assert (await edge.post(SEED)).status_code == 200
            said = await asyncio.to_thread(elsewhere, tmp_path / "edge.db")
            assert f"in use by another process, pid {os.getpid()}" in said

    asyncio.run(scenario())


def test_reload_by_another_name_of_the_file_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiving(tmp_path) as edge:
            await edge.post(SEED)
            alias = hard(tmp_path)
            edge.text[0] = edge.text[0].replace(str(tmp_path / "edge.db"), str(alias))
            with pytest.raises(ConfigError, match=r"edge\.database: .*hard\.db: another name of"):
                await edge.app.reload()

    asyncio.run(scenario())


def test_who_holds_it_is_told(tmp_path: Path) -> None:
    opened = open_file(tmp_path / "edge.db", EPOCH)
    said = elsewhere(tmp_path / "edge.db")
    assert said == f"{tmp_path / 'edge.db'}: in use by another process, pid {os.getpid()}"
    opened.connection.close()
    assert elsewhere(tmp_path / "edge.db") == "taken"


def test_lock_is_kept_though_the_file_is_opened_and_closed(tmp_path: Path) -> None:
    opened = open_file(tmp_path / "edge.db", EPOCH)
    for _ in range(2):
        (tmp_path / "edge.db").read_bytes()
        with pytest.raises(JournalError):
            open_file(tmp_path / "edge.db", EPOCH, lock_seconds=0.0)
    assert "in use by another process" in elsewhere(tmp_path / "edge.db")
    opened.connection.close()


def test_lock_nobody_has_written_into_still_holds(tmp_path: Path) -> None:
    lock = acquire(tmp_path / "edge.db", 0.0)
    os.truncate(tmp_path / "edge.db.lock", 0)
    said = elsewhere(tmp_path / "edge.db")
    assert said == f"{tmp_path / 'edge.db'}: in use by another process"
    assert lock.is_at(tmp_path / "edge.db")
    lock.release()
    assert not lock.is_at(tmp_path / "edge.db")


def test_file_that_cannot_be_locked_is_told(tmp_path: Path) -> None:
    (tmp_path / "edge.db.lock").mkdir()
    with pytest.raises(JournalError, match="Is a directory"):
        acquire(tmp_path / "edge.db", 0.0)
    with pytest.raises(JournalError, match="No such file"):
        acquire(tmp_path / "none" / "edge.db", 0.0)


def test_file_behind_a_symbolic_link_is_created_where_that_points_to(tmp_path: Path) -> None:
    (tmp_path / "alias.db").symlink_to(tmp_path / "real.db")
    open_file(tmp_path / "alias.db", EPOCH).connection.close()
    assert (tmp_path / "alias.db").is_symlink()
    assert (tmp_path / "real.db").stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sqlite3.connect(tmp_path / "real.db")) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
