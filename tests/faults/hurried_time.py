"""Run coroutines that talk over real sockets on an event loop whose pauses are short.

Virtual time cannot know when a socket is about to become ready. Here time passes only while the
loop really waits, a thousand times as fast as it does outside: what a test computes costs none,
and a time-out of seconds is over in a few milliseconds. Both ends of every connection live on the
same loop, so nothing is ever under way for longer than the kernel takes to hand it over.
"""

import asyncio
import selectors
import socket
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

SPEED = 1000.0
_SELDOM = 0.05
T = TypeVar("T")


class _HurriedSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        began = time.perf_counter()
        ready = super().select(_SELDOM if timeout is None else timeout / SPEED)
        passed = (time.perf_counter() - began) * SPEED
        # Woken early, some of the pause is over; otherwise exactly all of it.
        self.now += passed if timeout is None else min(passed, timeout) if ready else timeout
        return ready


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop in a hurry, which looks up names in a table of its own.

    A name that is in no table has no address, as when the resolver cannot be reached.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._hurried = _HurriedSelector()
        self.names = dict(names)
        super().__init__(self._hurried)
        # Wake-ups are computed from time() with rounding; a clock with no resolution would spin.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Return the hurried time in seconds."""
        return self._hurried.now

    async def getaddrinfo(  # type: ignore[override]
        self, host: str, port: int, **kinds: int
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        """Look up a name in the table."""
        address = host if host == "127.0.0.1" else self.names.get(host)
        if address is None:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        stream = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*stream, (address, int(port)))]


def run(coroutine: Coroutine[Any, Any, T], names: Mapping[str, str] | None = None) -> T:
    """Run a coroutine to its end in hurried time."""
    with asyncio.Runner(loop_factory=lambda: HurriedLoop(names or {})) as runner:
        return runner.run(coroutine)
