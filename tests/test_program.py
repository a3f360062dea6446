"""The program as a process of its own, and what signals do to it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ADDRESS = re.compile(r"address=(http://\S+)")


class Program:
    """The exporter as a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "exporter", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.lines: list[str] = []
        self.address = ""

    def until(self, text: str) -> str:
        """Read the log up to a line that holds the text."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line)
            if match := ADDRESS.search(line):
                self.address = match[1]
            if text in line:
                return line
        raise AssertionError(f"ended without {text!r}: {''.join(self.lines)}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self) -> tuple[int, float]:
        """Ask it to stop; return its exit code and how long it took."""
        started = time.monotonic()
        self._process.terminate()
        code = self._process.wait(timeout=20)
        return code, time.monotonic() - started

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()


@pytest.fixture(name="program")
def _program() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.close()


@pytest.mark.real
def test_demo_serves_and_ends_within_two_seconds_of_sigterm(program: list[Program]) -> None:
    program.append(Program("demo", "--web.listen-address=127.0.0.1:0"))
    program[0].until("ready: every source has been polled")
    with httpx.Client(base_url=program[0].address, trust_env=False) as browser:
        assert browser.get("/-/healthy").status_code == 200
        assert browser.get("/-/ready").status_code == 200
        page = browser.get("/metrics")
        assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        names = set(re.findall(r'^streaming_job_info{.*job_id="([^"]*)"', page.text, re.MULTILINE))
        states = set(
            re.findall(r'^streaming_job_state{.*state="(\w+)"} 1.0$', page.text, re.MULTILINE)
        )
        assert len(names) >= 40
        assert len(states) >= 7
        check = subprocess.run(
            ["promtool", "check", "metrics"], input=page.text, capture_output=True, text=True
        )
        assert (check.returncode, check.stdout, check.stderr) == (0, "", "")
        # An open keep-alive connection must not hold it up.
        code, seconds = program[0].stop()
    assert code == 0
    assert seconds < 2


def test_sighup_reloads_and_a_bad_file_is_survived(program: list[Program], tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    good = "sources: [{name: a, platform: apache_flink, endpoint: 'http://127.0.0.1:1'}]\n"
    path.write_text(good)
    program.append(Program(f"--config.file={path}", "--web.listen-address=127.0.0.1:0"))
    program[0].until("listening")
    path.write_text(good.replace("name: a", "name: b"))
    program[0].signal(signal.SIGHUP)
    program[0].until("configuration loaded")
    path.write_text("sources: nonsense\n")
    program[0].signal(signal.SIGHUP)
    program[0].until("configuration not loaded")
    with httpx.Client(base_url=program[0].address, trust_env=False) as browser:
        page = browser.get("/metrics").text
        assert 'streaming_source_info{platform="apache_flink",source="b"} 1.0' in page
        assert 'source="a"' not in page
        assert "streaming_exporter_config_last_reload_successful 0.0" in page
        answer = browser.post("/-/reload")
        assert answer.status_code == 400
        message = "sources: expected a list of at least one source, found a text"
        assert answer.text == f"{path}:1:10: {message}\n"
        path.write_text(good)
        assert browser.post("/-/reload").status_code == 200
    assert program[0].stop()[0] == 0
