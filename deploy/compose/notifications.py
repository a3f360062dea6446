"""Show what Alertmanager sends: each notification as lines on stdout, and the latest as a page.

It stands in for a chat or a pager and needs nothing but Python: `python3 notifications.py PORT`.
The last part of the address that Alertmanager calls is the name of the receiver.
"""

import json
import sys
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGEST = 4 * 1024 * 1024
"""Bytes of a notification; Alertmanager sends all alerts of a group at once."""
SHOWN = 500
"""Lines on the page."""
_UNPRINTABLE = {number: " " for number in (*range(0x20), 0x7F)}


def lines(receiver: str, body: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each alert of a notification in Alertmanager's own JSON."""
    for alert in body["alerts"]:
        labels, annotations = alert["labels"], alert["annotations"]
        text = (
            f"{receiver:<16} {alert['status']:<8} {labels.get('severity', ''):<8} "
            f"{labels['alertname']}: {annotations.get('summary', '')}"
        )
        yield text.translate(_UNPRINTABLE)


class Notifications(ThreadingHTTPServer):
    """Listens at a port of every interface; `latest` holds what came last, newest first."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.latest: deque[str] = deque(maxlen=SHOWN)
        super().__init__(("", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Notifications
    timeout = 30

    def do_POST(self) -> None:
        """Take a notification."""
        try:
            length = int(self.headers["content-length"])
            if not 0 <= length <= LARGEST:
                raise ValueError
            told = list(lines(self.path.rpartition("/")[2], json.loads(self.rfile.read(length))))
        except (KeyError, TypeError, ValueError):
            self._answer(400, "expected a notification of Alertmanager\n")
            return
        for line in told:
            print(line, flush=True)  # noqa: T201 # To show it is what this is for.
        self.server.latest.extendleft(told)
        self._answer(200, "")

    def do_GET(self) -> None:
        """Show the latest."""
        shown = "\n".join(self.server.latest) or "Nothing yet: alerts take a minute or more."
        self._answer(200, f"{shown}\n")

    def log_message(self, format: str, *arguments: object) -> None:
        """Leave out what others call."""

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Notifications(int(sys.argv[1])).serve_forever()
