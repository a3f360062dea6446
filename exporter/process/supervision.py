"""Tell systemd how the program is doing: ready, reloading, stopping, and alive.

The protocol is a datagram of lines to the socket that NOTIFY_SOCKET names; see sd_notify(3).
Without that variable nothing is sent.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from exporter.pacing import LONGEST_WAIT, Clock, Sleep

_STATUS_EVERY = 10.0
_LONGEST_STATUS = 200
_MOST_DIGITS = 20
_SHORTEST_PAUSE = 0.05
_TOO_LONG_FOR_AN_ADDRESS = 107
"""Bytes of sun_path, without the zero that begins or ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """How often systemd wants to hear that all is well."""

    seconds: float

    @classmethod
    def read(cls, environ: Mapping[str, str], pid: int) -> Self | None:
        """Return what the environment asks of this process, if anything."""
        text = environ.get("WATCHDOG_USEC", "")
        meant = environ.get("WATCHDOG_PID", str(pid))
        if not text.isascii() or not text.isdigit() or meant != str(pid):
            return None
        # Beyond the longest that it can be, a number of systemd's has 20 digits.
        microseconds = int(text) if len(text) <= _MOST_DIGITS else 0
        return cls(seconds=microseconds / 1_000_000) if microseconds else None

    @property
    def pause(self) -> float:
        """Return the seconds from one sign of life to the next: twice in the time allowed.

        That is what sd_watchdog_enabled(3) recommends, within what makes sense.
        """
        return min(max(self.seconds / 2, _SHORTEST_PAUSE), LONGEST_WAIT)


class Supervision:
    """The line to systemd, or to nobody."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        monotonic: Clock,
        sleep: Sleep,
        pid: int | None = None,
    ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._watchdog = Watchdog.read(environ, os.getpid() if pid is None else pid)
        self._monotonic = monotonic
        self._sleep = sleep
        self._ready = False
        self._status = ""

    def ready(self, status: str) -> None:
        """Say that the program listens, and knows its configuration."""
        self._ready = True
        self._status = status[:_LONGEST_STATUS]
        self._send("READY=1", f"STATUS={self._status}")

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """Say that the configuration is loaded again, as long as the context is entered."""
        if not self._ready:
            # What is loaded first is a part of getting ready.
            yield
            return
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1_000_000)}")
        try:
            yield
        finally:
            self._send("READY=1")

    def stopping(self) -> None:
        """Say that the program is about to end."""
        self._ready = False
        self._send("STOPPING=1", "STATUS=stopping")

    async def keep_telling(self, alive: Callable[[], bool], status: Callable[[], str]) -> None:
        """Tell until cancelled that all is well, while it is, and what is going on.

        This runs on the loop that does everything: when that hangs, nothing is told.
        """
        if self._address is None:
            return
        pause = self._watchdog.pause if self._watchdog is not None else _STATUS_EVERY
        while True:
            await self._sleep(pause)
            lines = ["WATCHDOG=1"] if self._watchdog is not None and alive() else []
            now = status()[:_LONGEST_STATUS]
            if now != self._status:
                self._status = now
                lines.append(f"STATUS={now}")
            if lines:
                self._send(*lines)

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        # A line that is busy or gone must not stop the program it is about.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto("\n".join(lines).encode(), self._address)


def _address(text: str) -> bytes | None:
    """Return the address of a socket that is a file, or abstract and written with an @."""
    name = os.fsencode(text)
    if name[:1] not in (b"/", b"@") or len(name) > _TOO_LONG_FOR_AN_ADDRESS:
        return None
    return b"\0" + name[1:] if name.startswith(b"@") else name
