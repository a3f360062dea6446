"""Run the exporter as its users do, with a listener that is protected, and ask it with curl."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.flink_cluster.process import GuardedProcess

ROOT = Path(__file__).parent.parent.parent
TOKEN = "edge-token"
_ADDRESS = re.compile(r"address=(https?://\S+)")
_WITHIN = 30.0


class Program:
    """The exporter, serving at `address` while the context is entered."""

    def __init__(
        self,
        folder: Path,
        web: str = "",
        *flags: str,
        address: str = "127.0.0.1:0",
        **environ: str,
    ) -> None:
        self.listen_address = address
        self.folder = folder
        self.log = folder / "exporter.log"
        (folder / "exporter.yml").write_text(
            "sources: [{name: a, platform: apache_flink, endpoint: 'http://127.0.0.1:1'}]\n"
            f"edge: {{database: edge.db, projects: {{p: {{token: {TOKEN}}}}}}}\n"
        )
        self.flags = [f"--config.file={folder / 'exporter.yml'}", *flags]
        self.environ = {**os.environ, "PYTHONUNBUFFERED": "1", **environ}
        if web:
            (folder / "web.yml").write_text(web)
            self.flags.append(f"--web.config.file={folder / 'web.yml'}")
        self.address = ""

    def __enter__(self) -> Self:
        command = (sys.executable, "-m", "exporter", *self.flags)
        self.process = GuardedProcess(
            (*command, f"--web.listen-address={self.listen_address}"),
            log=self.log,
            environ=self.environ,
        )
        match = _ADDRESS.search(self.until("listening"))
        assert match is not None
        self.address = match[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def until(self, text: str) -> str:
        """Wait for a line of the log that holds the text; return it."""
        deadline = time.monotonic() + _WITHIN
        while time.monotonic() < deadline:
            for line in self.log.read_text().splitlines():
                if text in line:
                    return line
            assert self.process.ended is None, self.process.tail()
            time.sleep(0.05)
        raise AssertionError(f"no {text!r} in the log:\n{self.process.tail()}")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def curl(self, path: str, *options: str) -> tuple[int, int]:
        """Ask with curl; return its exit code and the status of the answer, 0 without any."""
        done = subprocess.run(
            [
                *("curl", "--silent", "--noproxy", "*", "--max-time", "30"),
                *("--output", str(self.folder / "answer"), "--write-out", "%{http_code}"),
                *options,
                f"{self.address}{path}",
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, int(done.stdout)
