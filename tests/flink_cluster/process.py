"""Run a child process that cannot outlive this one."""

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO


class GuardedProcess:
    """A child that writes to a log file and is killed by its id, even when Python is killed.

    A JVM that a killed test run leaves behind holds a gigabyte for ever. A tiny shell therefore
    waits for its standard input to close, which happens however this process ends, and then kills
    the child. (`PR_SET_PDEATHSIG` would fire when the starting *thread* ends.)
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environ: Mapping[str, str],
        interactive: bool = False,
    ) -> None:
        self.log = log
        pipe = subprocess.PIPE if interactive else None
        # A session of its own: Ctrl-C is for the tests, which then stop their children in order.
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or output,
                stderr=output,
                env=dict(environ),
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            ["sh", "-c", 'read -r _; kill -KILL "$1"', "sh", str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Return the id of the child."""
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """Return the exit status, or None while the child runs."""
        return self._process.poll()

    @property
    def stdin(self) -> IO[bytes]:
        """Return the standard input of an interactive child."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """Return the standard output of an interactive child."""
        assert self._process.stdout is not None
        return self._process.stdout

    def tail(self, lines: int = 40) -> str:
        """Return the end of the log."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def kill(self) -> None:
        """Kill the child without a chance to tidy up, and wait for its end. Safe to repeat."""
        # The guard goes first: once the child is reaped, its id may belong to somebody else.
        self._guard.kill()
        self._guard.wait()
        self._process.kill()
        self._process.wait()
        for stream in (self._guard.stdin, self._process.stdin, self._process.stdout):
            if stream is not None:
                # What a dead child has not read is still to be flushed, and cannot be.
                with suppress(BrokenPipeError):
                    stream.close()
