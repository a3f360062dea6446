"""Write lines to standard error without ever waiting for it, and count those that are lost.

What reads a log can stop reading, its disk can be full, and it can be gone. The polling goes on in
any case: lines wait in a bounded queue for a thread of their own, and what finds no room there, or
cannot be written, is lost. The next line that can be written is preceded by one that says how many.
"""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable

LOST = "log lines were lost"
_MOST_LINES = 5000
_MOST_BYTES = 2 * 1024 * 1024
_LONGEST_LINE = 64 * 1024


def plain_notice(lines: int) -> str:
    """Say that lines were lost while no format was chosen yet."""
    return f'level=warning event="{LOST}" lines={lines}'


class LogWriter:
    """The lines on their way to a file descriptor."""

    def __init__(
        self,
        descriptor: int,
        *,
        write: Callable[[int, bytes], int] = os.write,
        most_lines: int = _MOST_LINES,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        """Take the descriptor, which may be blocking or not; nothing is started before a line."""
        self.lost = 0
        """Lines that were lost since the start."""
        self._descriptor = descriptor
        self._write = write
        self._most_lines = most_lines
        self._most_bytes = most_bytes
        self._notice: Callable[[int], str] = plain_notice
        self._changed = threading.Condition()
        self._queue: deque[bytes | int] = deque()
        """Lines, and between them how many found no room at that place."""
        self._bytes = 0
        self._dropped = 0
        """Lines that found no room, of which the queue does not tell yet."""
        self._busy = False
        self._thread: threading.Thread | None = None
        # These two are the thread's own.
        self._untold = 0
        self._torn = False

    def tell_losses(self, notice: Callable[[int], str]) -> None:
        """Say in these words how many lines were lost."""
        self._notice = notice

    def write(self, text: str) -> None:
        """Take a line, with its end; returns at once."""
        line = text.encode("utf-8", "backslashreplace")
        if len(line) > _LONGEST_LINE:
            line = line[:_LONGEST_LINE] + b"...\n"
        with self._changed:
            full = len(self._queue) >= self._most_lines
            if full or self._bytes + len(line) > self._most_bytes or not self._is_running():
                self.lost += 1
                self._dropped += 1
                return
            if self._dropped:
                self._queue.append(self._dropped)
                self._dropped = 0
            self._queue.append(line)
            self._bytes += len(line)
            self._changed.notify_all()

    def flush(self) -> None:
        """Do nothing: whoever writes does not wait."""

    def drain(self, seconds: float) -> None:
        """Wait until everything is written, but not for long."""
        end = time.monotonic() + seconds
        with self._changed:
            while (self._queue or self._busy) and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)

    def _is_running(self) -> bool:
        if self._thread is None:
            # It must not keep the process from its end, whatever it waits for.
            thread = threading.Thread(target=self._run, name="log", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                while not self._queue and not self._dropped:
                    self._changed.wait()
                self._busy = True
                if self._queue:
                    item = self._queue.popleft()
                else:
                    item, self._dropped = self._dropped, 0
                if isinstance(item, bytes):
                    self._bytes -= len(item)
            if isinstance(item, int):
                self._untold += item
                self._tell()
            elif not (self._tell() and self._send(item)):
                self._untold += 1
                with self._changed:
                    self.lost += 1

    def _tell(self) -> bool:
        """Say what was lost, if anything; False when that cannot be said either."""
        if self._untold:
            if not self._send(f"{self._notice(self._untold)}\n".encode()):
                return False
            self._untold = 0
        return True

    def _send(self, line: bytes) -> bool:
        # The first half of a line may stand there already, and what follows must not go on with it.
        data = b"\n" + line if self._torn else line
        written = 0
        try:
            while written < len(data):
                written += self._some(data[written:])
        except OSError:
            self._torn = 0 < written < len(data) or (self._torn and not written)
            return False
        self._torn = False
        return True

    def _some(self, data: bytes) -> int:
        try:
            return self._write(self._descriptor, data)
        except BlockingIOError:
            # Others who share the descriptor have made it one that does not block.
            waiting = select.poll()
            waiting.register(self._descriptor, select.POLLOUT)
            waiting.poll()
            return 0
