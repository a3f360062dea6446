"""Open the journal's file: check it, bring it up to date, and set a damaged one aside.

SQLite in WAL mode with full synchronisation: a transaction is on the disk when COMMIT returns. The
file is locked for this process alone, which also spares it the shared-memory file, whose pages a
full disk could take away. Everything here blocks and belongs into a thread.

A file that exists is opened by SQLite and by nothing else of this process: closing any descriptor
of it would drop the locks that SQLite holds (https://www.sqlite.org/howtocorrupt.html, 2.2). That
nobody else takes it is held by a lock beside it as well.
"""

import contextlib
import ctypes
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from exporter.edge.file_lock import FileLock, acquire
from exporter.edge.file_watch import FileWatch, real_path
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
    # When what came was heard, by the listening time; and which reports nobody waits for.
    """
    ALTER TABLE reports ADD COLUMN heard REAL NOT NULL DEFAULT 0;
    ALTER TABLE reports ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
    UPDATE reports SET pending = 1 WHERE seq IN (SELECT seq FROM outbox);
    CREATE INDEX settled ON reports (seq) WHERE pending = 0;
    ALTER TABLE jobs ADD COLUMN heard REAL NOT NULL DEFAULT 0;
    CREATE TABLE listening (id INTEGER PRIMARY KEY, seconds REAL NOT NULL);
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


class JournalConnection(sqlite3.Connection):
    """A connection that holds the lock beside its file until it is closed."""

    lock: FileLock | None = None

    def close(self) -> None:
        """Close the file, then let go of its lock."""
        super().close()
        if self.lock is not None:
            self.lock.release()
            self.lock = None


class _DamagedError(Exception):
    """The file is not what SQLite has written; its connection is still open."""

    def __init__(self, connection: JournalConnection) -> None:
        self.connection = connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A journal's file, ready for use."""

    connection: JournalConnection
    watch: FileWatch
    """The file and its log as they were opened."""
    set_aside: Path | None
    """Where a damaged file was moved to, if there was one."""


def open_file(
    path: Path,
    now: float,
    *,
    migrations: Sequence[str] = MIGRATIONS,
    lock_seconds: float = _LOCK_SECONDS,
    lock: FileLock | None = None,
) -> Opened:
    """Open or create the file; when it is damaged, set it aside and begin a new one.

    A lock that is held already goes over to the connection. Raises JournalError when the file
    cannot be used and is not ours to move.
    """
    held = lock or _lock(path, lock_seconds)
    aside = None
    try:
        for _ in range(2):
            try:
                connection, watch = _connect(path, migrations, lock_seconds)
            except _DamagedError as exc:
                try:
                    # In this order, since SQLite tidies away the log of a file that it closes.
                    aside = set_aside(path, now)
                finally:
                    exc.connection.close()
                continue
            connection.lock = held
            return Opened(connection=connection, watch=watch, set_aside=aside)
        raise JournalError(f"{path}: a new file is damaged at once")
    except JournalError:
        if lock is None:
            held.release()
        raise


def let_go(connection: JournalConnection, watch: FileWatch, path: Path) -> None:
    """Close a file that is no longer the one at its path, without touching what is there now.

    SQLite removes the log of a file that it closes by its name, unless the file at the path has
    another number. Where another device has a file of the same number there, nothing but leaving
    this one open until the process ends keeps that log.
    """
    if watch.twin(path):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        return
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def damaged_files(path: Path) -> list[Path]:
    """Return the damaged files that were set aside and still lie beside the journal.

    Raises OSError when nobody can tell.
    """
    place = real_path(path)
    beginning = f"{place.name}.damaged-"
    return sorted(
        place.with_name(name)
        for name in os.listdir(place.parent)
        if name.startswith(beginning) and not name.endswith(("-wal", "-shm"))
    )


def size(path: Path) -> int:
    """Return the bytes that the journal takes on the disk. Raises OSError when nobody can tell."""
    total = 0
    for each in (path, log_of(real_path(path))):
        with contextlib.suppress(FileNotFoundError):
            total += each.stat().st_size
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


def log_of(path: Path) -> Path:
    """Return where SQLite keeps the log of a file."""
    return path.with_name(f"{path.name}-wal")


def _lock(path: Path, seconds: float) -> FileLock:
    if os.path.isdir(path):
        raise JournalError(f"{path}: Is a directory")
    return acquire(path, seconds)


def _connect(
    path: Path, migrations: Sequence[str], lock_seconds: float
) -> tuple[JournalConnection, FileWatch]:
    connection = _open(path, lock_seconds)
    try:
        _claim(connection)
        # SQLite keeps its files beside what a symbolic link points to.
        watch = FileWatch(path, log_of(real_path(path)))
        _check_origin(connection, path, len(migrations))
        damaged = connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok"
        if not damaged:
            fit_log(connection, path)
            _migrate(connection, migrations)
            if change := watch.accept():
                raise JournalError(change)
    except JournalError:
        connection.close()
        raise
    except OSError as exc:
        connection.close()
        raise JournalError(f"{path}: {exc.strerror or 'cannot be looked at'}") from None
    except sqlite3.Error as exc:
        damaged = is_damage(exc)
        if not damaged:
            connection.close()
            detail = "in use by another process" if "locked" in str(exc) else str(exc)
            raise JournalError(f"{path}: {detail}") from None
    if damaged:
        raise _DamagedError(connection)
    return connection, watch


def _open(path: Path, lock_seconds: float) -> JournalConnection:
    try:
        # Reports can hold what their senders would not publish. SQLite gives its other files the
        # permissions of this one. A file that is there already is not touched.
        with contextlib.suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            os.close(os.open(real_path(path), flags, 0o600))
        if not os.access(path, os.R_OK | os.W_OK):
            # It may be something else that keeps us from it.
            os.stat(path)
            raise JournalError(f"{path}: Permission denied")
        return sqlite3.connect(
            path,
            timeout=lock_seconds,
            isolation_level=None,
            check_same_thread=False,
            factory=JournalConnection,
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


def set_aside(path: Path, now: float) -> Path:
    """Move a file and its log to a name of their own beside it. Raises JournalError."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        path = real_path(path)
        aside = path.with_name(f"{path.name}.damaged-{stamp}")
        number = 1
        while aside.exists():
            number += 1
            aside = path.with_name(f"{path.name}.damaged-{stamp}.{number}")
        # The log belongs to the file: tools that rescue what is left look for it by this name.
        for suffix in ("-wal", "-shm"):
            companion = path.with_name(path.name + suffix)
            if companion.exists():
                companion.rename(aside.with_name(aside.name + suffix))
        path.rename(aside)
    except OSError as exc:
        raise JournalError(f"{path}: damaged, and cannot be moved: {exc.strerror}") from None
    return aside
