"""The log may be lost, never the polling: the real program with streams that nobody can use."""

import contextlib
import fcntl
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.exporter_process import ROOT
from tests.e2e.exporter_streams import Exporter, configured, flink, until

LOST = "streaming_exporter_log_lines_lost_total"


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Iterator[Path]:
    with flink() as address:
        yield configured(tmp_path, address)


def _survives(exporter: Exporter) -> None:
    exporter.until_ready()
    for _ in range(3):
        exporter.reload()
        exporter.polls_go_on()


def test_log_into_a_pipe_whose_reader_has_gone_is_counted(config: Path) -> None:
    reader, writer = os.pipe()
    with Exporter(config, stderr=writer) as exporter:
        os.close(writer)
        exporter.until_ready()
        os.close(reader)
        before = exporter.value(LOST)
        _survives(exporter)
        until(lambda: exporter.value(LOST) > before)
        assert exporter.ends() < 5


def test_log_onto_a_full_disk_is_counted(config: Path) -> None:
    with Path("/dev/full").open("w") as full, Exporter(config, stderr=full) as exporter:
        _survives(exporter)
        until(lambda: exporter.value(LOST) > 0)
        assert exporter.ends() < 5


def test_log_onto_a_terminal_that_is_gone_is_counted(config: Path) -> None:
    terminal, end = pty.openpty()
    with Exporter(config, stderr=end) as exporter:
        os.close(end)
        exporter.until_ready()
        os.close(terminal)
        _survives(exporter)
        until(lambda: exporter.value(LOST) > 0)
        assert exporter.ends() < 5


def _fill(writer: int) -> None:
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"." * 64)


@pytest.mark.parametrize("blocking", [True, False])
def test_pipe_that_nobody_empties_holds_nothing_up_and_has_all_lines_when_somebody_does(
    config: Path, *, blocking: bool
) -> None:
    reader, writer = os.pipe()
    _fill(writer)
    os.set_blocking(writer, blocking)
    with Exporter(config, stderr=writer) as exporter:
        os.close(writer)
        _survives(exporter)
        assert exporter.value(LOST) == 0
        os.set_blocking(reader, False)
        text = b""

        def arrived() -> bool:
            nonlocal text
            with contextlib.suppress(BlockingIOError):
                text += os.read(reader, 65536)
            return text.count(b'event="configuration loaded"') >= 4

        until(arrived, lambda: text)
        for line in text.lstrip(b".").decode().splitlines():
            assert re.match(r"time=\S+Z level=\w+ event=", line), line
        os.close(reader)


def test_pipe_that_nobody_empties_does_not_hold_up_the_end(config: Path) -> None:
    reader, writer = os.pipe()
    _fill(writer)
    os.set_blocking(writer, True)
    with Exporter(config, stderr=writer) as exporter:
        os.close(writer)
        exporter.until_ready()
        assert exporter.ends() < 6
    os.close(reader)


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-", "<&-"])
def test_streams_that_are_closed_at_the_start_are_as_empty_ones(config: Path, closed: str) -> None:
    prefix = ("sh", "-c", f'exec "$@" {closed}', "sh")
    with Exporter(config, prefix=prefix, stderr=subprocess.DEVNULL) as exporter:
        _survives(exporter)
        places = [os.readlink(f"/proc/{exporter.process.pid}/fd/{each}") for each in range(3)]
        # A socket here would have the log written to a client.
        assert not any(place.startswith("socket:") for place in places)
        for number, word in ((0, "<&-"), (1, " >&-"), (2, "2>&-")):
            if word in f" {closed}":
                assert places[number] == "/dev/null"
        assert exporter.ends() < 5


def _command(config: Path, *arguments: str, shell: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exporter", *arguments, f"--config.file={config}"]
    command.append("--log.level=error")
    return subprocess.run(
        ["sh", "-c", f'"$@" {shell}', "sh", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("command", [("check-config",), ("plan",), ("once",)])
def test_command_whose_reader_had_enough_ends_by_its_verdict(
    config: Path, command: tuple[str, ...]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "exporter", *command),
            *(f"--config.file={config}", "--log.level=error"),
        ],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("command", ["check-config", "plan", "once"])
def test_command_whose_output_finds_no_room_says_so(config: Path, command: str) -> None:
    done = _command(config, command, shell="> /dev/full")
    assert done.returncode == 1
    assert done.stderr == "error: standard output: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_command_with_closed_streams_ends_by_its_verdict(config: Path, closed: str) -> None:
    assert _command(config, "check-config", shell=closed).returncode == 0
    config.write_text("sources: nothing")
    assert _command(config, "check-config", shell=closed).returncode == 2
