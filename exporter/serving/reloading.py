"""Let many ask for a reload, and reload once for all who ask while another one goes on."""

import asyncio
from collections.abc import Awaitable, Callable


class SharedReload:
    """A reload that is shared by all who wait for it.

    Who asks while one goes on waits for the next: the file may have changed since it was read.
    Between two there is as much rest as the last one took.
    """

    def __init__(self, reload: Callable[[], Awaitable[None]]) -> None:
        self._reload = reload
        self._last: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._free_at = 0.0

    async def __call__(self) -> None:
        """Reload; raises what the reload raises."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._go(self._last), name="reload")
        # Who leaves must not take the reload from others.
        await asyncio.shield(self._next)

    async def _go(self, before: asyncio.Task[None] | None) -> None:
        loop = asyncio.get_running_loop()
        if before is not None and not before.done():
            await asyncio.wait((before,))
        await asyncio.sleep(max(0.0, self._free_at - loop.time()))
        self._last, self._next = self._next, None
        started = loop.time()
        try:
            await self._reload()
        finally:
            ended = loop.time()
            self._free_at = 2 * ended - started
