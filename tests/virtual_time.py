"""Run coroutines on an event loop whose time jumps, so that no test waits.

Whenever the loop would sleep until its next timer, its clock is set to that moment instead. Pauses,
time-outs and intervals of hours pass in microseconds, in the right order. Nothing that runs on it
may do real I/O.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import httpx

from exporter.files import at_once
from exporter.runtime import Runtime

EPOCH = 1_700_000_000.0
T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits for something that will never happen")
        if not ready and timeout and timeout > 0:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that jumps over every pause."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # Wake-ups are computed from time() with rounding; a clock with no resolution would spin.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._jumping.now


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


def virtual_world(
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    seed: int = 1,
) -> Runtime:
    """Return a runtime whose time is that of the running virtual loop."""
    loop = asyncio.get_running_loop()
    return Runtime(
        clock=lambda: EPOCH + loop.time(),
        monotonic=loop.time,
        sleep=asyncio.sleep,
        random=Random(seed),
        environ=environ or {},
        home=home or Path("/nonexistent"),
        aside=at_once,
        transport=None if transport is None else lambda: transport,
    )
