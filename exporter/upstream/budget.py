"""Bound what the answers of all sources take in memory together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

MOST_HELD: Final = 128 * 1024 * 1024
"""Bytes of all large answers that are held at one time: two of the largest."""
SMALL: Final = 1024 * 1024
"""Bytes that an answer may have without being counted: the limits of each source bound these."""
MODERATE: Final = 8 * 1024 * 1024
"""Bytes of a listing that is read at once, 30,000 jobs of Flink; it never waits for larger ones."""
_MOST_MODERATE: Final = 4 * MODERATE


class AnswerBudget:
    """What there is for the answers that are not small, in two lanes.

    Reading and decoding the largest takes many seconds, and a platform that sends one whenever it
    is asked may be among many. Those whose listings are of the usual size must not stand in line
    behind it, so they have room, and turns of decoding, of their own.
    """

    def __init__(self, most: int = MOST_HELD, most_moderate: int = _MOST_MODERATE) -> None:
        self._large = _Lane(most)
        self._moderate = _Lane(most_moderate)

    @asynccontextmanager
    async def room(self) -> AsyncIterator["Room"]:
        """Give an answer no room yet; what it takes comes back when the context is left."""
        room = Room(self)
        try:
            yield room
        finally:
            if room.size:
                self._lane(room.size).give_back(room.size)

    async def take(self, size: int) -> None:
        """Wait until there is room for an answer of so many bytes at most, and take it."""
        await self._lane(size).take(size)

    def decoding(self, size: int) -> asyncio.Lock:
        """Return what is held by whoever decodes an answer of so many bytes.

        Of one size they are decoded one after the other: all together they are done sooner.
        """
        return self._lane(size).decoding

    def _lane(self, size: int) -> "_Lane":
        return self._moderate if size <= MODERATE else self._large


class _Lane:
    """Room for answers of one size; who finds none waits, in the order of coming."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._turn = asyncio.Lock()
        self._returned = asyncio.Event()
        self.decoding = asyncio.Lock()

    async def take(self, size: int) -> None:
        async with self._turn:
            while self._free < size:
                self._returned.clear()
                await self._returned.wait()
            self._free -= size

    def give_back(self, size: int) -> None:
        self._free += size
        self._returned.set()


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
