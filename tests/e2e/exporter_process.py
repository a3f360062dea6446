"""Run the exporter as a process that can be killed, with the next one waiting to take its place."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent.parent
# Importing takes longer than everything else a start does: it is done before its turn comes.
_WAITING = """\
import sys
from exporter import cli
sys.stdin.readline()
sys.exit(cli.main(sys.argv[1:]))
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class ExporterProcess:
    """One exporter, which starts its work when it is told to."""

    def __init__(self, config: Path, port: int, log: Path, prefix: tuple[str, ...] = ()) -> None:
        arguments = [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, "-c", _WAITING, *arguments],
                stdin=subprocess.PIPE,
                stderr=stream,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    def begin(self) -> None:
        """Let it start its work."""
        stdin: IO[bytes] | None = self._process.stdin
        assert stdin is not None
        stdin.write(b"\n")
        stdin.flush()

    def kill(self) -> None:
        """End it as a power cut would end it."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self._process.stdin is not None
        self._process.send_signal(number)
        code = self._process.wait(timeout=30)
        self._process.stdin.close()
        return code
