"""Take care of the three descriptors that a process is born with.

Whoever starts a program can have closed them, can stop reading them, and can go away. None of that
may stop it, and none of what it opens later may get their numbers: log lines would be written into
a client's connection.
"""

import atexit
import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import TextIO

from exporter.process.log_writer import LogWriter

_INPUT, _OUTPUT, _ERRORS = range(3)
LAST_WORDS_SECONDS = 0.5
"""How long the end waits for lines that are still to be written."""


class LineStream(io.TextIOBase):
    """A text stream whose lines go to a writer: what Python itself says to standard error."""

    def __init__(self, writer: LogWriter, descriptor: int) -> None:
        self._writer = writer
        self._descriptor = descriptor
        self._begun = ""

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor that the lines end up in."""
        return self._descriptor

    def write(self, text: str) -> int:
        """Take a text; its last line is kept until it has an end, or all of it is wanted."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._writer.write(f"{line}\n")
        return len(text)

    def flush(self) -> None:
        """Write what was begun too: whoever asks something waits for the answer in that line."""
        begun, self._begun = self._begun, ""
        if begun:
            self._writer.write(begun)


class Output:
    """Standard output of a command, whose reader may go away or whose disk may be full.

    `failure` says why not all of it is there; nothing when it is, or when the reader had enough.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False
        self.failure = ""

    def write(self, text: str) -> None:
        """Write a text, unless that has failed before."""
        if not self._gone:
            self._try(lambda: self._stream.write(text))

    def close(self) -> None:
        """Write what is still to be written."""
        if not self._gone:
            self._try(self._stream.flush)

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except OSError as exc:
            self._gone = True
            if not isinstance(exc, BrokenPipeError):
                self.failure = exc.strerror or "cannot be written"
            self._let_go()

    def _let_go(self) -> None:
        # Python tries once more at its end, and would complain and change the exit code.
        with contextlib.suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._stream.fileno())
            os.close(nothing)


def take_over() -> LogWriter:
    """Make the standard streams safe, and return what writes to standard error from now on."""
    reserve()
    if sys.stdin is None:
        sys.stdin = os.fdopen(_INPUT, encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(_OUTPUT, "w", encoding="utf-8", closefd=False)
    writer = LogWriter(_ERRORS)
    # Warnings, tracebacks and usage messages go there too.
    sys.stderr = LineStream(writer, _ERRORS)
    atexit.register(writer.drain, LAST_WORDS_SECONDS)
    return writer


def reserve() -> None:
    """Open the standard descriptors that are closed, each as what is empty or swallows all."""
    for number in (_INPUT, _OUTPUT, _ERRORS):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, which is this one: those below are open by now.
            opened = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(opened, True)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
