"""Push over so many connections at once, with as little work of its own as can be.

Run as a program: it reads an order as JSON, pushes, and prints what was acknowledged and how long
each push took. A server that is killed meanwhile ends it too, and what it prints is still true.
"""

import json
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

_RECEIVE = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to push. `%(n)d` in `path` or `body` is the number of the push, `%(job)d` its job."""

    port: int
    method: str
    path: str
    body: str
    headers: dict[str, str]
    jobs: int
    connections: int
    seconds: float
    first: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """How it went."""

    seconds: float
    milliseconds: list[float]
    acknowledged: list[int]
    refused: int

    @property
    def rate(self) -> float:
        """Return the acknowledged pushes per second."""
        return len(self.acknowledged) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the milliseconds within which this share of the pushes was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Pusher:
    """A pusher in a process of its own."""

    def __init__(self, order: Order) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(order)))
        self._process.stdin.close()

    def result(self) -> Pushed:
        """Wait until it has ended."""
        assert self._process.stdout is not None
        found = json.load(self._process.stdout)
        self._process.wait()
        self._process.stdout.close()
        return Pushed(**found)


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0
        self.sent = 0.0
        self.received = b""

    def receive(self) -> bool | None:
        """Take what came; say whether a whole answer is there. Raises ConnectionError."""
        data = self.socket.recv(_RECEIVE)
        if not data:
            raise ConnectionError
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return None
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) < int(length or 0):
            return None
        self.received = b""
        return head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202"))


def push(order: Order) -> dict[str, Any]:
    """Push until the time is over or the server has gone."""
    poll = select.epoll()
    connections = {}
    for _ in range(order.connections):
        connection = _Connection(order.port)
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
    lines = "".join(f"{name}: {value}\r\n" for name, value in order.headers.items())
    number, refused = order.first, 0
    times: list[float] = []
    acknowledged: list[int] = []

    def send(connection: _Connection) -> None:
        nonlocal number
        values = {"n": number, "job": number % order.jobs}
        body = (order.body % values).encode()
        head = f"{order.method} {order.path % values} HTTP/1.1\r\nHost: x\r\n{lines}"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        connection.number, connection.sent = number, time.perf_counter()
        connection.socket.sendall(request)
        number += 1

    started = time.perf_counter()
    try:
        for connection in connections.values():
            send(connection)
        while time.perf_counter() - started < order.seconds:
            for descriptor, _ in poll.poll(1.0):
                connection = connections[descriptor]
                done = connection.receive()
                if done is None:
                    continue
                times.append((time.perf_counter() - connection.sent) * 1000)
                if done:
                    acknowledged.append(connection.number)
                else:
                    refused += 1
                send(connection)
    except (ConnectionError, OSError):
        pass
    return {
        "seconds": time.perf_counter() - started,
        "milliseconds": times,
        "acknowledged": acknowledged,
        "refused": refused,
    }


if __name__ == "__main__":
    json.dump(push(Order(**json.load(sys.stdin))), sys.stdout)
