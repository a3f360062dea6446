"""Be the somebody whom Alertmanager notifies: keep every notification and when it came."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One call of Alertmanager."""

    at: float
    """When it came, in epoch seconds."""
    receiver: str
    status: str
    """`firing` when any of its alerts fires, else `resolved`."""
    alerts: tuple[dict[str, Any], ...]

    def names(self, **labels: str) -> bool:
        """Say whether it is about anything with these labels."""
        return any(labels.items() <= alert["labels"].items() for alert in self.alerts)


class WebhookReceiver:
    """An HTTP server on a free local port; each path is a receiver of its own."""

    def __init__(self) -> None:
        self._received: list[Notification] = []
        self._news = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                receiver._take(self.path.strip("/"), body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def address(self, receiver: str) -> str:
        """Return the URL at which a receiver is notified."""
        return f"http://127.0.0.1:{self._server.server_port}/{receiver}"

    def about(self, receiver: str = "webhook", **labels: str) -> list[Notification]:
        """Return what a receiver was told about anything with these labels, oldest first."""
        with self._news:
            return [
                each
                for each in self._received
                if each.receiver == receiver and each.names(**labels)
            ]

    def wait(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait until a condition holds; it is looked at after each notification."""
        deadline = time.monotonic() + timeout
        with self._news:
            while not done():
                left = deadline - time.monotonic()
                if left <= 0:
                    told = "\n".join(map(str, self._received))
                    raise AssertionError(f"waited {timeout:.0f} s for {what}; received:\n{told}")
                self._news.wait(min(left, 0.5))

    def _take(self, receiver: str, body: dict[str, Any]) -> None:
        notification = Notification(
            at=time.time(), receiver=receiver, status=body["status"], alerts=tuple(body["alerts"])
        )
        with self._news:
            self._received.append(notification)
            self._news.notify_all()
