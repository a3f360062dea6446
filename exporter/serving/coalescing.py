"""Make one of many requests for the same work: those that wait are served by one run.

A hundred signals or requests to reload within a second mean one thing: use the file as it is now.
Everybody who asks gets the outcome of a run that began after he asked.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class Coalesced:
    """Work of which one run goes on at a time, and one more at most waits to begin.

    With `rests` there is as much rest between two runs as the last one took: whoever asks on and on
    leaves half of the time to others.
    """

    def __init__(
        self, work: Callable[[], Awaitable[None]], *, name: str, rests: bool = False
    ) -> None:
        self._work = work
        self._rests = rests
        self._name = name
        self._running: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._rested_at = 0.0

    async def __call__(self) -> None:
        """Return when a run that begins from now on has ended; raises what it raises."""
        # Whoever goes away does not take the run from the others.
        await asyncio.shield(self.ask())

    def ask(self) -> asyncio.Task[None]:
        """Return the run that begins next, for whoever need not wait for it."""
        if self._waiting is None:
            begin = self._run_after(self._running)
            self._waiting = asyncio.create_task(begin, name=self._name)
            self._waiting.add_done_callback(_heard)
        return self._waiting

    async def stop(self) -> None:
        """End the run that goes on, and begin no other that was asked for."""
        tasks = [task for task in (self._waiting, self._running) if task is not None]
        self._running = self._waiting = None
        for task in tasks:
            task.cancel()
        for task in tasks:
            # What a run has to say was for those who waited.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])

    async def _run_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._rested_at - loop.time()))
        self._running, self._waiting = self._waiting, None
        began = loop.time()
        try:
            await self._work()
        finally:
            ended = loop.time()
            self._rested_at = ended + (ended - began) if self._rests else ended


def _heard(task: asyncio.Task[None]) -> None:
    # Nobody may have waited for it; the work says itself what went wrong.
    if not task.cancelled():
        task.exception()
