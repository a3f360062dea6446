"""Ask with bare sockets and nothing else: as fast as this machine lets anyone ask just now."""

import asyncio
import time
from urllib.parse import urlsplit

_REQUEST = b"GET /v1.0/p/streaming/jobs/100000 HTTP/1.1\r\nHost: bare\r\n\r\n"


async def seconds_per_call(address: str, in_flight: int, calls: int) -> float:
    """Return how long a call takes with so many in flight, waiting for a turn included."""
    host = urlsplit(address)

    async def converse(count: int) -> None:
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        for _ in range(count):
            writer.write(_REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
        writer.close()
        await writer.wait_closed()

    started = time.monotonic()
    await asyncio.gather(*(converse(calls // in_flight) for _ in range(in_flight)))
    return (time.monotonic() - started) * in_flight / calls
