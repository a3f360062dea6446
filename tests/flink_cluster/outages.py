"""Stand between an exporter and a cluster, and let nobody through for a while."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from tests.flink_cluster.cluster import free_ports

_AT_ONCE = 65536


class Passage:
    """A port of this machine behind which another port of it is, unless it is closed.

    While it is closed connections are refused, as they are where no JobManager runs; the cluster
    itself goes on, and is asked and steered by its own port.
    """

    def __init__(self, port: int) -> None:
        """Take the port that it leads to."""
        self._target = port
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self) -> None:
        """Let everybody through from now on."""
        self._do(self._open())

    def close(self) -> None:
        """Refuse everybody, and break off what is under way."""
        self._do(self._close())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connect(reader, writer))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Where nobody listens behind it, whoever came is sent away like this too.
            with suppress(OSError):
                from_there, to_there = await asyncio.open_connection("127.0.0.1", self._target)
                try:
                    await asyncio.gather(_copy(reader, to_there), _copy(from_there, writer))
                finally:
                    to_there.transport.abort()
        finally:
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_AT_ONCE):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
