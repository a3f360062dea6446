"""Start the exporter again and again as a process that can be killed."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# Imports take far longer than everything else a start does. They are done once; each exporter is a
# process of its own that begins where the program does after them.
_NURSERY = """\
import os, sys
from exporter import cli
for _ in sys.stdin:
    pid = os.fork()
    if not pid:
        os.close(0)
        os._exit(cli.main(sys.argv[1:]))
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Nursery:
    """A place from which one exporter after the other is started."""

    def __init__(self, config: Path, port: int, log: Path, prefix: tuple[str, ...] = ()) -> None:
        arguments = [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, "-c", _NURSERY, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self.exporter = 0

    @property
    def pid(self) -> int:
        """Return the number of the process that starts the others."""
        return self._process.pid

    def start(self) -> None:
        """Start an exporter."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.exporter = int(self._line())

    def end(self, number: signal.Signals) -> int:
        """Send the exporter a signal that ends it; return its exit code."""
        os.kill(self.exporter, number)
        return int(self._line())

    def close(self) -> None:
        """End everything that still runs."""
        if self.exporter and Path(f"/proc/{self.exporter}").exists():
            os.kill(self.exporter, signal.SIGKILL)
        self._process.kill()
        self._process.wait(timeout=30)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()
