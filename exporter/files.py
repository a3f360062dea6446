"""Read files without waiting for them, and no more of them than makes sense.

Whatever a setting names can have become something else since: a pipe that nobody writes to, a
device without end, a file of gigabytes, one on a server that no longer answers. `read` never waits
for a pipe and has a bound; what a disk or a server takes its time for is read `Aside`.
"""

import asyncio
import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

MOST_TEXT = 16 * 1024 * 1024
"""Bytes of a configuration, or of anything else that people write."""
MOST_PEM = 4 * 1024 * 1024
"""Bytes of certificates: all public authorities together are a quarter of a megabyte."""
_AT_ONCE = 1024 * 1024
_PATIENCE = 20.0
_MOST_ABANDONED = 8
_MOST_NAMED = 64
"""Threads that hang in files at most, each in another one: a server can hold those of everybody."""
T = TypeVar("T")


def read(path: Path, most: int, *, waits: bool = False) -> bytes:
    """Return the content of a regular file of at most so many bytes.

    With `waits` a pipe or a terminal is read to its end too, as a command does for whoever typed
    it. Raises OSError, whose `strerror` says what is the matter.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | (0 if waits else os.O_NONBLOCK)
    try:
        number = os.open(path, flags)
    except ValueError:
        raise OSError(errno.EINVAL, "not the name of a file") from None
    try:
        # Asked of what was opened: the name can mean something else by now.
        found = os.fstat(number)
        _check_kind(found.st_mode, waits=waits)
        if found.st_size > most:
            raise _too_large(most)
        return _read(number, most)
    finally:
        os.close(number)


def read_text(path: Path, most: int = MOST_TEXT, *, waits: bool = False) -> str:
    """Return the text of a file, without the byte order mark that some editors put before it.

    Raises OSError as `read` does, and UnicodeDecodeError, which holds the content.
    """
    return read(path, most, waits=waits).decode("utf-8-sig")


@contextlib.contextmanager
def in_memory(content: bytes, path: Path | None) -> Iterator[str]:
    """Yield a name under which OpenSSL can read a content, for it reads only files by name.

    The content stays in memory where the system can do that (Linux): nothing is written to any
    disk, and what is read is what was looked at. Elsewhere the name is that of the file.
    """
    if path is not None and not hasattr(os, "memfd_create"):
        yield str(path)
        return
    number = os.memfd_create("pem")
    try:
        with open(number, "wb", closefd=False) as stream:
            stream.write(content)
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)


class Aside:
    """Does what may take long in a thread of its own, and waits for it only for a while.

    A thread that is waited for no longer ends when the system lets it, or with the process: neither
    the loop nor the end of the program waits for it, as they do for those of an executor. So work
    says what it is `of`, a path above all: one thread at a time is at work on that, and while it
    hangs nobody gets another one for it.
    """

    def __init__(self, *, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._abandoned = 0
        """Threads that hang in what has no name."""
        self._at_work: dict[Hashable, _Task[Any]] = {}

    async def __call__(self, work: Callable[[], T], of: Hashable = None) -> T:
        """Return what the work returns, or raise what it raises.

        Raises TimeoutError when it takes too long, and OSError when it cannot be begun.
        """
        await self._turn(of)
        task = self._start(work, of)
        try:
            async with asyncio.timeout(self._patience):
                return await task.outcome
        except TimeoutError:
            if task.outcome.done() and not task.abandoned:
                # It came in the last moment, or is the work's own error.
                return task.outcome.result()
            message = f"no answer within {self._patience:.0f} s"
            raise TimeoutError(errno.ETIMEDOUT, message) from None
        finally:
            # Also when whoever waited was cancelled: the thread goes on.
            if task.abandoned and of is None:
                self._abandoned += 1

    async def _turn(self, of: Hashable) -> None:
        now = asyncio.get_running_loop().time
        while of is not None and (other := self._at_work.get(of)) is not None:
            left = other.began + self._patience - now()
            if left <= 0:
                raise OSError(errno.EBUSY, "no answer yet to whoever read it before")
            await asyncio.wait((other.back,), timeout=left)

    def _start(self, work: Callable[[], T], of: Hashable) -> "_Task[T]":
        named = sum(each.abandoned for each in self._at_work.values())
        if self._abandoned >= _MOST_ABANDONED if of is None else named >= _MOST_NAMED:
            raise OSError(errno.EAGAIN, "too many files do not answer already")
        task: _Task[T] = _Task(work, asyncio.get_running_loop())
        task.ended = lambda: self._came_back(of, task)
        task.start()
        if of is not None:
            self._at_work[of] = task
        return task

    def _came_back(self, of: Hashable, task: "_Task[Any]") -> None:
        if of is not None:
            del self._at_work[of]
        elif task.abandoned:
            self._abandoned -= 1


async def at_once(work: Callable[[], T], of: Hashable = None) -> T:
    """Do what may take long here and now: for loops whose time is not that of the world."""
    return work()


class _Task(Generic[T]):
    """One piece of work in its thread."""

    def __init__(self, work: Callable[[], T], loop: asyncio.AbstractEventLoop) -> None:
        self.began = loop.time()
        self.outcome: asyncio.Future[T] = loop.create_future()
        self.back: asyncio.Future[None] = loop.create_future()
        """Done when the thread has ended."""
        self.ended: Callable[[], None] = lambda: None
        self._work = work
        self._loop = loop

    @property
    def abandoned(self) -> bool:
        """Say whether nobody waits for it any more."""
        return self.outcome.cancelled()

    def start(self) -> None:
        try:
            threading.Thread(target=self._run, name="aside", daemon=True).start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, "no thread can be started") from None

    def _run(self) -> None:
        tell: Callable[[], None]
        try:
            tell = partial(self.outcome.set_result, self._work())
        except BaseException as exc:
            tell = partial(self.outcome.set_exception, exc)
        # The loop may be gone by now.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end, tell)

    def _end(self, tell: Callable[[], None]) -> None:
        if not self.outcome.done():
            tell()
        self.ended()
        self.back.set_result(None)


def _check_kind(mode: int, *, waits: bool) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    waited_for = waits and (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode))
    if not stat.S_ISREG(mode) and not waited_for:
        raise OSError(errno.EINVAL, "not a regular file")


def _read(number: int, most: int) -> bytes:
    parts, total = [], 0
    while part := os.read(number, min(_AT_ONCE, most + 1 - total)):
        parts.append(part)
        total += len(part)
        if total > most:
            raise _too_large(most)
    return b"".join(parts)


def _too_large(most: int) -> OSError:
    kibibytes = most // 1024
    size = f"{kibibytes // 1024} MiB" if kibibytes >= 1024 else f"{kibibytes} KiB"
    return OSError(errno.EFBIG, f"larger than {size}")
