"""systemd hears what it should, over real sockets, and nothing when nobody asked."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.process.supervision import Supervision, Watchdog
from tests.virtual_time import run


class Manager:
    """The other end of the line."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def heard(self) -> list[list[str]]:
        """Return the lines of each datagram that has come."""
        datagrams = []
        try:
            while True:
                datagrams.append(self._socket.recv(4096).decode().split("\n"))
        except BlockingIOError:
            return datagrams

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(name="manager", params=["path", "abstract"])
def _manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    path = str(tmp_path / "notify")
    abstract = f"@listener-tests/{os.getpid()}/{tmp_path.name}"
    manager = (
        Manager(path, path) if request.param == "path" else Manager("\0" + abstract[1:], abstract)
    )
    yield manager
    manager.close()


class Line:
    """A supervision in virtual time, with what it would ask."""

    def __init__(self, manager: Manager, **environ: str) -> None:
        self.living = True
        self.doing = "0 jobs"
        self.supervision = Supervision(
            {"NOTIFY_SOCKET": manager.name, **environ},
            monotonic=lambda: 12.5,
            sleep=asyncio.sleep,
            pid=42,
        )

    async def tell_for(self, seconds: float) -> None:
        telling = self.supervision.keep_telling(lambda: self.living, lambda: self.doing)
        task = asyncio.create_task(telling)
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait([task])


def test_readiness_reload_and_end_are_told(manager: Manager) -> None:
    supervision = Line(manager).supervision
    supervision.ready("2 sources, 5 jobs")
    with supervision.reloading():
        assert manager.heard() == [
            ["READY=1", "STATUS=2 sources, 5 jobs"],
            ["RELOADING=1", "MONOTONIC_USEC=12500000"],
        ]
    assert manager.heard() == [["READY=1"]]
    supervision.stopping()
    assert manager.heard() == [["STOPPING=1", "STATUS=stopping"]]


def test_reload_that_fails_ends_as_well(manager: Manager) -> None:
    supervision = Line(manager).supervision
    supervision.ready("")
    with pytest.raises(ValueError, match="bad file"), supervision.reloading():
        raise ValueError("bad file")
    assert manager.heard()[-1] == ["READY=1"]


def test_first_load_is_no_reload(manager: Manager) -> None:
    with Line(manager).supervision.reloading():
        pass
    assert manager.heard() == []


def test_watchdog_is_fed_twice_in_its_time_while_all_is_alive(manager: Manager) -> None:
    async def body() -> None:
        line = Line(manager, WATCHDOG_USEC="20000000", WATCHDOG_PID="42")
        line.supervision.ready("0 jobs")
        manager.heard()
        await line.tell_for(35)
        assert manager.heard() == [["WATCHDOG=1"]] * 3
        line.living = False
        await line.tell_for(35)
        assert manager.heard() == []
        line.living = True
        await line.tell_for(15)
        assert manager.heard() == [["WATCHDOG=1"]]

    run(body())


def test_status_is_told_when_it_changes(manager: Manager) -> None:
    async def body() -> None:
        line = Line(manager)
        line.supervision.ready("0 jobs")
        manager.heard()
        await line.tell_for(25)
        assert manager.heard() == []
        line.doing = "5 jobs" + "." * 500
        await line.tell_for(25)
        (told,) = manager.heard()
        assert told == [f"STATUS=5 jobs{'.' * 194}"]

    run(body())


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "5s"},
        {"WATCHDOG_USEC": "٣"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "43"},
    ],
)
def test_watchdog_that_is_not_ours_is_not_fed(environ: dict[str, str]) -> None:
    assert Watchdog.read(environ, 42) is None


def test_watchdog_without_a_process_is_ours() -> None:
    assert Watchdog.read({"WATCHDOG_USEC": "1000000"}, 42) == Watchdog(seconds=1.0)


@pytest.mark.parametrize("name", ["", "relative/path", "vsock:2:1234", "/" + "x" * 200])
def test_nothing_is_told_to_an_address_that_is_none(name: str) -> None:
    async def body() -> None:
        supervision = Supervision(
            {"NOTIFY_SOCKET": name}, monotonic=lambda: 0.0, sleep=asyncio.sleep
        )
        supervision.ready("")
        with supervision.reloading():
            pass
        supervision.stopping()
        # It ends by itself: there is nobody to tell.
        await supervision.keep_telling(lambda: True, lambda: "")

    run(body())


def test_line_that_has_gone_is_survived(manager: Manager, tmp_path: Path) -> None:
    supervision = Line(manager).supervision
    manager.close()
    supervision.ready("")
    gone = Supervision(
        {"NOTIFY_SOCKET": str(tmp_path / "never")}, monotonic=lambda: 0.0, sleep=asyncio.sleep
    )
    gone.ready("")


def test_manager_that_does_not_read_holds_nobody_up(manager: Manager) -> None:
    supervision = Line(manager).supervision
    for _ in range(2000):
        supervision.ready("")
    assert 0 < len(manager.heard()) < 2000
