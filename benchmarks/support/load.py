"""Ask servers over and over, from a process of its own, and write down how long each answer took.

Standard input holds JSON: the targets and how often. The targets are asked in turns, so that what
else the machine does falls on all of them alike.
"""

import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

_PAUSE = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to ask of whom."""

    port: int
    path: str
    gzip: bool


@dataclass(frozen=True, slots=True)
class Times:
    """How long the answers took, in milliseconds."""

    milliseconds: tuple[float, ...]
    size: int
    """Bytes of an answer's body."""

    def percentile(self, share: float) -> float:
        """Return the time that this share of the answers stayed below."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def ask(targets: Sequence[Target], count: int) -> list[Times]:
    """Ask all targets so often, in turns, from another process.

    They are asked once before, which counts only if that is all.
    """
    order = json.dumps({"count": count, "targets": [asdict(target) for target in targets]})
    done = subprocess.run(
        [sys.executable, "-m", __name__], input=order, capture_output=True, text=True, check=True
    )
    return [Times(tuple(each["times"]), each["size"]) for each in json.loads(done.stdout)]


class _Connection:
    """A connection that is kept open between requests, as Prometheus does."""

    def __init__(self, target: Target) -> None:
        self._port = target.port
        self._socket: socket.socket | None = None
        self._buffer = memoryview(bytearray(4 * 1024 * 1024))
        encoding = "gzip" if target.gzip else "identity"
        self._request = (
            f"GET {target.path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n"
            "Accept: text/plain;version=0.0.4\r\n"
            f"Accept-Encoding: {encoding}\r\n\r\n"
        ).encode()

    def ask(self) -> tuple[float, int]:
        """Ask once; return the milliseconds and the size of the body."""
        if self._socket is None:
            # Not before: servers let nobody wait for long who asks for nothing.
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=300)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.perf_counter()
        self._socket.sendall(self._request)
        size = self._receive(self._socket)
        return (time.perf_counter() - started) * 1000, size

    def _receive(self, stream: socket.socket) -> int:
        buffer, head = self._buffer, b""
        while b"\r\n\r\n" not in head:
            got = stream.recv_into(buffer)
            if not got:
                raise ConnectionError("closed")
            head += buffer[:got]
        head, _, body = head.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.decode())
        received, end = len(body), body[-7:]
        lower = head.lower()
        if b"content-length: " in lower:
            length = int(lower.partition(b"content-length: ")[2].split(b"\r\n")[0])
            while received < length:
                received += stream.recv_into(buffer)
            return received
        while not end.endswith(b"\r\n0\r\n\r\n"):
            got = stream.recv_into(buffer)
            received += got
            end = (end + bytes(buffer[max(0, got - 7) : got]))[-7:]
        return received


def main() -> None:
    """Ask what standard input says, and print the times."""
    order = json.load(sys.stdin)
    connections = [_Connection(Target(**target)) for target in order["targets"]]
    results = []
    for connection in connections:
        milliseconds, size = connection.ask()
        results.append((size, [] if order["count"] else [milliseconds]))
    for _ in range(order["count"]):
        for connection, (_, times) in zip(connections, results, strict=True):
            time.sleep(random.uniform(0, _PAUSE))
            times.append(connection.ask()[0])
    json.dump([{"size": size, "times": times} for size, times in results], sys.stdout)


if __name__ == "__main__":
    main()
