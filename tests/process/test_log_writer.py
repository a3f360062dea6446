"""What cannot be written is lost, counted and said; nobody waits."""

import errno
import os
import threading
import time
from collections.abc import Callable

import pytest

from exporter.process.log_writer import LogWriter
from exporter.process.logs import build_log


class Disk:
    """Takes what is written while it can."""

    def __init__(self) -> None:
        self.text = b""
        self.error = 0
        self.largest = 1 << 20
        self.entered = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def write(self, _: int, data: bytes) -> int:
        self.entered.set()
        self.free.wait()
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        self.text += data[: self.largest]
        return len(data[: self.largest])

    def lines(self) -> list[str]:
        return self.text.decode().splitlines()


def _writer(disk: Disk, **limits: int) -> LogWriter:
    writer = LogWriter(2, write=disk.write, **limits)
    writer.tell_losses(lambda lines: f"lost {lines}")
    return writer


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_lines_are_written_in_their_order_by_the_end_of_a_drain() -> None:
    disk = Disk()
    disk.largest = 3
    writer = _writer(disk)
    for number in range(100):
        writer.write(f"line {number}\n")
    writer.drain(30)
    assert disk.lines() == [f"line {number}" for number in range(100)]
    assert writer.lost == 0


@pytest.mark.parametrize(
    "number", [errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT]
)
def test_lines_that_cannot_be_written_are_counted_and_said_when_they_can(number: int) -> None:
    disk = Disk()
    writer = _writer(disk)
    disk.error = number
    for _ in range(3):
        writer.write("gone\n")
    writer.drain(30)
    assert writer.lost == 3
    disk.error = 0
    writer.write("here\n")
    writer.drain(30)
    assert disk.lines() == ["lost 3", "here"]
    writer.write("again\n")
    writer.drain(30)
    assert disk.lines()[2:] == ["again"]
    assert writer.lost == 3


@pytest.mark.parametrize("limits", [{"most_lines": 10}, {"most_bytes": 90}])
def test_lines_that_find_no_room_are_counted_and_said_in_their_place(
    limits: dict[str, int],
) -> None:
    disk = Disk()
    writer = _writer(disk, **limits)
    disk.free.clear()
    started = time.monotonic()
    writer.write("line 000\n")
    disk.entered.wait()
    for number in range(1, 1000):
        writer.write(f"line {number:03}\n")
    writer.drain(0.01)
    assert time.monotonic() - started < 5
    lost = writer.lost
    assert lost >= 980
    disk.free.set()
    # Nothing new is needed for it to be said.
    _until(lambda: f"lost {lost}" in disk.lines())
    writer.write("later\n")
    writer.drain(30)
    assert disk.lines() == [
        *(f"line {number:03}" for number in range(1000 - lost)),
        f"lost {lost}",
        "later",
    ]


def test_half_a_line_is_not_gone_on_with() -> None:
    disk = Disk()
    disk.largest = 4
    writes = []

    def write(number: int, data: bytes) -> int:
        writes.append(data)
        if len(writes) == 2:
            raise OSError(errno.ENOSPC, "full")
        return disk.write(number, data)

    writer = LogWriter(2, write=write)
    writer.tell_losses(lambda lines: f"lost {lines}")
    writer.write("a long line\n")
    writer.drain(30)
    writer.write("next\n")
    writer.drain(30)
    assert disk.lines() == ["a lo", "lost 1", "next"]


def test_losses_are_said_in_the_format_of_the_log() -> None:
    disk = Disk()
    writer = LogWriter(2, write=disk.write)
    log = build_log("error", "json", writer)
    disk.error = errno.ENOSPC
    log.error("gone")
    writer.drain(30)
    disk.error = 0
    log.error("here")
    writer.drain(30)
    first, second = disk.lines()
    assert '"event": "log lines were lost"' in first
    assert '"lines": 1' in first
    assert '"level": "warning"' in first
    assert '"event": "here"' in second


def test_line_without_end_is_cut_and_strange_characters_are_written() -> None:
    disk = Disk()
    writer = _writer(disk)
    writer.write("x" * 1_000_000 + "\n")
    writer.write("\ud800\n")
    writer.drain(30)
    long, strange = disk.lines()
    assert len(long) < 70_000
    assert strange == "\\ud800"
