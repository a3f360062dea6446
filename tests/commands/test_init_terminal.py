"""`init` as a process of its own at a terminal: a question is there before its answer."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.commands.starting import SCHEMA, filled, headed

_LONGEST = 30.0


class _Terminal:
    """The other end of the terminal of a process."""

    def __init__(self, path: Path, language: str) -> None:
        self._mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exporter", "init", f"--output={path}"],
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env={**os.environ, "LANG": language, "LC_ALL": language, "PYTHONIOENCODING": "utf-8"},
        )
        os.close(theirs)

    def read_until(self, end: str) -> str:
        """Return what is shown until it ends so; fails when it does not within its time."""
        shown, deadline = b"", time.monotonic() + _LONGEST
        while not shown.decode(errors="ignore").endswith(end):
            if not select.select([self._mine], [], [], deadline - time.monotonic())[0]:
                pytest.fail(f"{end!r} does not come: {shown.decode()!r}")
            shown += os.read(self._mine, 4096)
        return shown.decode().replace("\r\n", "\n")

    def type(self, line: str) -> None:
        os.write(self._mine, f"{line}\n".encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._mine)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "exporter.yml"


@pytest.fixture(name="terminal", params=["C.UTF-8", "zh_CN.UTF-8"])
def _terminal(request: pytest.FixtureRequest, path: Path) -> Iterator[_Terminal]:
    terminal = _Terminal(path, request.param)
    yield terminal
    terminal.close()


def test_each_question_is_seen_with_its_prompt_before_it_is_answered(
    terminal: _Terminal, path: Path
) -> None:
    assert "apache_flink" in terminal.read_until("\n> ")
    terminal.type("flink")
    assert '"flink" ' in terminal.read_until("\n> ")
    terminal.type("apache_flink")
    assert "JobManager" in terminal.read_until("\n> ")
    terminal.type("http://h:1")
    assert terminal.process.wait(_LONGEST) == 0
    assert path.read_text() == headed(filled("apache_flink", {"endpoint": "http://h:1"}), SCHEMA)
