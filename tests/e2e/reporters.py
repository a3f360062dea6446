"""Report from many connections at once, over the plain wire, and note what was acknowledged."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tests.edge.receivers import NOW_MS, PATH, TOKEN, body, entry


@dataclass(slots=True)
class JobTracker:
    """What became of each report, by its message_id."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    """The create_time of each report that was answered with 200."""
    refused: dict[int, int] = field(default_factory=dict)
    """How often each other status was answered."""
    new: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until a condition holds, looking at it after each answer."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.new.clear()
                await self.new.wait()

    async def grow(self, count: int) -> None:
        """Wait until so many more reports are acknowledged."""
        wanted = len(self.acknowledged) + count
        await self.until(lambda: len(self.acknowledged) >= wanted)


@contextlib.asynccontextmanager
async def reporting(
    port: int, job_tracker: JobTracker, connections: int = 16
) -> AsyncIterator[None]:
    """Report from so many connections while the context is entered."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_report(port, job_tracker, number)) for number in range(connections)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _report(port: int, job_tracker: JobTracker, connection: int) -> None:
    """Report one job again and again, each report until it is acknowledged."""
    count = 0
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                while True:
                    message_id, created = f"{connection}-{count}", NOW_MS + count
                    content = body(entry(connection, create_time=created), message_id=message_id)
                    if await _send(reader, writer, content, job_tracker):
                        job_tracker.acknowledged[message_id] = created
                        count += 1
                    job_tracker.new.set()
        # Nobody listens between a kill and the next start.
        await asyncio.sleep(0.01)


async def _send(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    content: bytes,
    job_tracker: JobTracker,
) -> bool:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {TOKEN}\r\nContent-Length: "
    writer.write(head.encode() + str(len(content)).encode() + b"\r\n\r\n" + content)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").lower()
    length = int(answer.split("content-length: ", 1)[1].split("\r\n", 1)[0])
    await reader.readexactly(length)
    status = int(answer.split(" ", 2)[1])
    if status != 200:
        job_tracker.refused[status] = job_tracker.refused.get(status, 0) + 1
    return status == 200
