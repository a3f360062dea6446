"""Open the journal's file: check it, bring it up to date, and set a damaged one aside.

SQLite in WAL mode with full synchronisation: a transaction is on the disk when COMMIT returns. The
file is locked for this process alone, which also spares it the shared-memory file, whose pages a
full disk could take away. Everything here blocks and belongs into a thread.
"""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from exporter.errors import JournalError

MIGRATIONS = (
    """
    CREATE TABLE reports (
        seq INTEGER PRIMARY KEY,
        project TEXT NOT NULL,
        message_id TEXT NOT NULL,
        received_at REAL NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (project, message_id)
    );
    CREATE TABLE jobs (
        project TEXT NOT NULL,
        job_id TEXT NOT NULL,
        create_ms INTEGER NOT NULL,
        received_at REAL NOT NULL,
        state TEXT NOT NULL,
        since REAL,
        last_error REAL,
        facts TEXT NOT NULL,
        PRIMARY KEY (project, job_id)
    ) WITHOUT ROWID;
    CREATE TABLE probe (id INTEGER PRIMARY KEY, at REAL NOT NULL);
    """,
    # Reports that are still to be passed on, in order.
    """
    CREATE TABLE outbox (
        project TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (project, seq)
    ) WITHOUT ROWID;
    """,
)
"""What brings a file from each version to the next; an empty file has version 0."""

_APPLICATION_ID = 0x534A4558
"""What SQLite's header says of a file that is ours: "SJEX"."""
_LOCK_SECONDS = 5.0
_WAL_BYTES = 16 * 1024 * 1024
_PAGE_BYTES = 4096
_LOG_PAGES = 1000
_LOG_SHARE = 16
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class _DamagedError(Exception):
    """The file is not what SQLite has written; its connection is still open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A journal's file, ready for use."""

    connection: sqlite3.Connection
    set_aside: Path | None
    """Where a damaged file was moved to, if there was one."""


def open_file(
    path: Path,
    now: float,
    *,
    migrations: Sequence[str] = MIGRATIONS,
    lock_seconds: float = _LOCK_SECONDS,
) -> Opened:
    """Open or create the file; when it is damaged, set it aside and begin a new one.

    Raises JournalError when the file cannot be used and is not ours to move.
    """
    aside = None
    for _ in range(2):
        try:
            connection = _connect(path, migrations, lock_seconds)
        except _DamagedError as exc:
            try:
                # In this order, since SQLite tidies away the log of a file that it closes.
                aside = _set_aside(path, now)
            finally:
                exc.connection.close()
            continue
        return Opened(connection=connection, set_aside=aside)
    raise JournalError(f"{path}: a new file is damaged at once")


def damaged_files(path: Path) -> list[Path]:
    """Return the damaged files that were set aside and still lie beside the journal."""
    found = path.parent.glob(f"{path.name}.damaged-*")
    return sorted(each for each in found if not each.name.endswith(("-wal", "-shm")))


def size(path: Path) -> int:
    """Return the bytes that the journal takes on the disk."""
    total = 0
    for each in (path, path.with_name(f"{path.name}-wal")):
        try:
            total += each.stat().st_size
        except OSError:
            continue
    return total


def is_damage(exc: sqlite3.Error) -> bool:
    """Say whether SQLite found the file damaged, rather than the disk full or the file locked."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def is_full(exc: sqlite3.Error) -> bool:
    """Say whether the disk had no room."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def make_room(connection: sqlite3.Connection) -> bool:
    """Give back the space of the log, all of which is in the file then; say whether it worked."""
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return False
    return not busy


def fit_log(connection: sqlite3.Connection, path: Path) -> None:
    """Let SQLite tidy its log before that takes a large part of what is free on the disk."""
    try:
        disk = os.statvfs(path)
    except OSError:
        return
    share = disk.f_bavail * disk.f_frsize // _LOG_SHARE // _PAGE_BYTES
    connection.execute(f"PRAGMA wal_autocheckpoint = {min(_LOG_PAGES, max(1, share))}")


def _connect(path: Path, migrations: Sequence[str], lock_seconds: float) -> sqlite3.Connection:
    connection = _open(path, lock_seconds)
    try:
        _claim(connection)
        _check_origin(connection, path, len(migrations))
        damaged = connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok"
        if not damaged:
            fit_log(connection, path)
            _migrate(connection, migrations)
    except JournalError:
        connection.close()
        raise
    except sqlite3.Error as exc:
        damaged = is_damage(exc)
        if not damaged:
            connection.close()
            detail = "in use by another process" if "locked" in str(exc) else str(exc)
            raise JournalError(f"{path}: {detail}") from None
    if damaged:
        raise _DamagedError(connection)
    return connection


def _open(path: Path, lock_seconds: float) -> sqlite3.Connection:
    try:
        # Reports can hold what their senders would not publish. SQLite gives its other files the
        # permissions of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return sqlite3.connect(
            path, timeout=lock_seconds, isolation_level=None, check_same_thread=False
        )
    except OSError as exc:
        raise JournalError(f"{path}: {exc.strerror or 'cannot be opened'}") from None
    except sqlite3.Error as exc:
        raise JournalError(f"{path}: {exc}") from None


def _claim(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    # Takes the lock now rather than with the first report.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def _check_origin(connection: sqlite3.Connection, path: Path, newest: int) -> None:
    version, application = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("user_version", "application_id")
    )
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if not empty and application != _APPLICATION_ID:
        raise JournalError(f"{path}: a database of some other program")
    if version > newest:
        raise JournalError(f"{path}: written by a newer version of this exporter")


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for index in range(version, len(migrations)):
        connection.execute("BEGIN IMMEDIATE")
        for statement in migrations[index].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {index + 1}")
        connection.execute("COMMIT")


def _set_aside(path: Path, now: float) -> Path:
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}.{number}")
    try:
        # The log belongs to the file: tools that rescue what is left look for it by this name.
        for suffix in ("-wal", "-shm"):
            companion = path.with_name(path.name + suffix)
            if companion.exists():
                companion.rename(aside.with_name(aside.name + suffix))
        path.rename(aside)
    except OSError as exc:
        raise JournalError(f"{path}: damaged, and cannot be moved: {exc.strerror}") from None
    return aside
