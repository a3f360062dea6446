"""Do long work on the event loop in small pieces, one piece of all such work between two turns.

Threads would not help: while one decodes or encodes, the event loop gets the interpreter's lock
back only after milliseconds, and it asks for it several times for each request.
"""

import asyncio
from typing import TypeVar

from exporter.process.steps import Steps, in_steps

T = TypeVar("T")


class CrowdedError(Exception):
    """Too many wait for their turn."""


class Turns:
    """A queue of long work: one at a time is worked on, in the order in which they came.

    `most` should wait; whoever comes then is told so rather than kept. Entered as a context it is
    a lock, for those who come again and again in the course of one answer.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._waiting = 0
        self._lock = asyncio.Lock()

    @property
    def crowded(self) -> bool:
        """Say whether nobody else should come to wait."""
        return self._waiting >= self._most

    async def __aenter__(self) -> None:
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()

    async def do(self, work: Steps[T]) -> T:
        """Do some work, and return its result; what is done in one piece does not wait.

        Raises CrowdedError when it is long and too many wait.
        """
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            if self.crowded:
                raise CrowdedError
            async with self:
                await asyncio.sleep(0)
                return await in_steps(work)
        finally:
            work.close()
