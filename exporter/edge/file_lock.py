"""Hold a file for one process, by a lock beside it that closing other descriptors cannot drop.

SQLite's own locks are those of POSIX, which a process loses as soon as it closes any descriptor of
the file, however that one came about. flock(2) belongs to the open descriptor instead. The file of
the lock stays where it is when the lock is let go: whoever removed it could remove that of another.
"""

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path

from exporter.edge.file_watch import real_path
from exporter.errors import JournalError

_AGAIN_SECONDS = 0.05
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})
_LONGEST_NUMBER = 20


class FileLock:
    """The lock of one file, held until `release`."""

    def __init__(self, descriptor: int, beside: Path) -> None:
        self._descriptor: int | None = descriptor
        self._beside = beside

    def is_at(self, path: Path) -> bool:
        """Say whether this is, still, the lock of whatever lies at a path."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(_beside(path)))
        except OSError:
            return False

    def release(self) -> None:
        """Let go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def acquire(path: Path, seconds: float) -> FileLock:
    """Lock a file, waiting so long for who holds it; the file itself is not opened.

    The lock lies beside what a symbolic link points to: all names of a file that differ only in the
    way to it have the same. Raises JournalError, which says who holds it.
    """
    try:
        beside = _beside(path)
        # Only its owner may write who holds it; it is on a par with the file it guards.
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise JournalError(f"{path}: {exc.strerror or 'cannot be locked'}") from None
    try:
        _wait(descriptor, path, seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except JournalError:
        os.close(descriptor)
        raise
    except OSError:
        # A full disk keeps no one from holding the lock; only who it is remains unsaid.
        pass
    return FileLock(descriptor, beside)


def _beside(path: Path) -> Path:
    real = real_path(path)
    return real.with_name(f"{real.name}.lock")


def _wait(descriptor: int, path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(_AGAIN_SECONDS)
                continue
            raise JournalError(f"{path}: {_held_by(descriptor)}") from None
        except OSError as exc:
            if exc.errno not in _UNSUPPORTED:
                raise
        # Where the file system knows no such lock, SQLite's own is the only one.
        return


def _held_by(descriptor: int) -> str:
    number = b""
    with contextlib.suppress(OSError):
        number = os.pread(descriptor, _LONGEST_NUMBER, 0).strip()
    if not number.isdigit():
        return "in use by another process"
    if int(number) == os.getpid():
        return f"in use by another process or another part of this one, pid {int(number)}"
    return f"in use by another process, pid {int(number)}"
