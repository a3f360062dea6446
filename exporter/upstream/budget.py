"""Bound what the answers of all sources take in memory together."""

import asyncio
from collections import defaultdict
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
_MOST_GROWING: Final = 4 * MODERATE


class AnswerBudget:
    """What there is for the answers that are not small, in three lanes.

    Reading and decoding the largest takes many seconds, and a platform that sends one whenever it
    is asked may be among many. Those whose listings are of the usual size must not stand in line
    behind it, so they have room, and turns of decoding, of their own. Of an answer that does not
    say how large it is nobody knows where it belongs: it is in a lane of such until it is larger
    than usual, and only then among the large. No source has more than half of a lane, so that one
    whose answers stall leaves room for the others.
    """

    def __init__(
        self,
        most: int = MOST_HELD,
        most_moderate: int = _MOST_MODERATE,
        most_growing: int = _MOST_GROWING,
    ) -> None:
        self._large = _Lane(most)
        self._moderate = _Lane(most_moderate)
        self._growing = _Lane(most_growing)

    @asynccontextmanager
    async def room(self, source: str) -> AsyncIterator["Room"]:
        """Give an answer no room yet; what it takes comes back when the context is left."""
        room = Room(source, large=self._large, moderate=self._moderate, growing=self._growing)
        try:
            yield room
        finally:
            room.give_back()

    def decoding(self, size: int) -> asyncio.Lock:
        """Return what is held by whoever decodes an answer of so many bytes.

        Of one size they are decoded one after the other: all together they are done sooner.
        """
        return (self._moderate if size <= MODERATE else self._large).decoding


class _Share:
    """What one source has of a lane."""

    def __init__(self) -> None:
        self.held = 0
        self.turn = asyncio.Lock()
        self.returned = asyncio.Event()


class _Lane:
    """Room for answers of one size; who finds none waits, in the order of coming."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._most_of_one = most // 2
        self._turn = asyncio.Lock()
        self._returned = asyncio.Event()
        self._shares: defaultdict[str, _Share] = defaultdict(_Share)
        self.decoding = asyncio.Lock()

    async def take(self, size: int, source: str) -> None:
        share = self._shares[source]
        # Among its own first: who has enough must not keep others from what is free.
        async with share.turn:
            while share.held and share.held + size > self._most_of_one:
                share.returned.clear()
                await share.returned.wait()
            async with self._turn:
                while self._free < size:
                    self._returned.clear()
                    await self._returned.wait()
                self._free -= size
                share.held += size

    def give_back(self, size: int, source: str) -> None:
        share = self._shares[source]
        self._free += size
        share.held -= size
        self._returned.set()
        share.returned.set()


class Room:
    """The room of one answer."""

    def __init__(self, source: str, *, large: _Lane, moderate: _Lane, growing: _Lane) -> None:
        self._source = source
        self._large = large
        self._moderate = moderate
        self._growing = growing
        self._taken: tuple[_Lane, int] | None = None

    async def make(self, size: int, most: int, *, sure: bool) -> None:
        """Wait for room for `size` bytes of an answer that has `most` of them at most.

        Whether it is `sure` to have about as many is known of one that says so. Room is made once,
        or twice of one that grows; the large wait for nothing but the large, so that no two wait
        for each other.
        """
        if self._taken is not None and (self._taken[0] is not self._growing or size <= MODERATE):
            return
        if most <= MODERATE:
            await self._take(self._moderate, most)
        elif sure or size > MODERATE:
            await self._take(self._large, most)
        else:
            await self._take(self._growing, MODERATE)

    def give_back(self) -> None:
        """Give back all that was taken."""
        if self._taken is not None:
            lane, size = self._taken
            lane.give_back(size, self._source)
            self._taken = None

    async def _take(self, lane: _Lane, size: int) -> None:
        await lane.take(size, self._source)
        self.give_back()
        self._taken = lane, size
