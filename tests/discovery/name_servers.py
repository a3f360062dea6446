"""Name servers on this machine: a real one, and one that says what it is told to."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import cast

import dns.message


@contextlib.contextmanager
def dnsmasq(folder: Path, *records: str) -> Iterator[int]:
    """Run a real dnsmasq that is the authority of flink.test; yield its port."""
    # Debian keeps it where only root looks.
    command = shutil.which("dnsmasq") or "/usr/sbin/dnsmasq"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = (
        *("--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null"),
        *("--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}", "--user=root"),
        *("--edns-packet-max=1232", "--local=/flink.test/", f"--pid-file={folder}/pid"),
    )
    process = subprocess.Popen(
        [command, *flags, *(f"--{each}" for each in records)], stderr=subprocess.PIPE
    )
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.communicate()


class _Answering(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[dns.message.Message], bytes | None]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._answer(dns.message.from_wire(data))
        if answer is not None:
            self._transport.sendto(answer, addr)


@contextlib.asynccontextmanager
async def answering(
    answer: Callable[[dns.message.Message], bytes | None],
) -> AsyncIterator[int]:
    """Answer each question with these bytes, or not at all; yield the port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Answering(answer), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
