"""Bound what the answers of all sources take in memory together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

MOST_HELD: Final = 128 * 1024 * 1024
"""Bytes of all large answers that are held at one time: two of the largest."""
SMALL: Final = 1024 * 1024
"""Bytes that an answer may have without being counted: the limits of each source bound these."""


class AnswerBudget:
    """What there is for large answers; who finds no room waits, in the order of coming."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._free = most
        self._turn = asyncio.Lock()
        self._returned = asyncio.Event()
        self.decoding = asyncio.Lock()
        """Held by whoever decodes a large answer: one after the other they are done sooner."""

    @asynccontextmanager
    async def room(self) -> AsyncIterator["Room"]:
        """Give an answer no room yet; what it takes comes back when the context is left."""
        room = Room(self)
        try:
            yield room
        finally:
            self._free += room.size
            self._returned.set()

    async def take(self, size: int) -> None:
        """Wait until there is room for so many bytes, and take it."""
        async with self._turn:
            while self._free < size:
                self._returned.clear()
                await self._returned.wait()
            self._free -= size


class Room:
    """The room of one answer."""

    def __init__(self, budget: AnswerBudget) -> None:
        self._budget = budget
        self.size = 0

    async def make(self, size: int) -> None:
        """Wait for as much room as the answer can take; once, or two could wait for each other."""
        if not self.size:
            await self._budget.take(size)
            self.size = size
