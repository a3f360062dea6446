"""Answer `POST /v1/{project_id}/edgesrv/job-report` as DLI did.

Vendor page: "Reporting the Flink Edge Job Status" (dli_02_0287). Refusals are
`{"error_code", "error_msg"}`, as everywhere in DLI. This is ASGI without a framework: what a
router and request objects cost is a third of the time of a report.
"""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol

from exporter.edge.admission import STATUSES, Result, Verdict

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

REPORTS = (b"/v1/",)
"""How the targets of reports begin: no other request has a body."""
_PATH = re.compile(r"/v1/([^/]+)/edgesrv/job-report/?")
_TOKEN = b"x-auth-token"
_MOST_DIGITS = 19
_BODY_SECONDS = 30.0
MOST_HELD = 64 * 1024 * 1024
"""Bytes of large bodies that are held at a time, complete or not."""
_SMALL = 64 * 1024
"""Bodies up to here are always taken: of all connections together they are few bytes."""
_CROWDED_SECONDS = 5.0
_JSON = (b"content-type", b"application/json")
# The vendor's example, word for word: a text, although its table says Boolean.
_SUCCESS = (
    b'{"is_success": "true", '
    b'"message": "The IEF Flink job status information is successfully reported."}'
)
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [_JSON, (b"content-length", str(len(_SUCCESS)).encode())],
}
_BODY = {"type": "http.response.body", "body": _SUCCESS}


class Intake(Protocol):
    """Who decides about reports."""

    @property
    def largest(self) -> int:
        """Return how many bytes a report may have."""

    def admit(self, project: str, token: bytes) -> Verdict | None:
        """Return why nobody is let in, or None."""

    async def take(self, project: str, body: bytes) -> Verdict:
        """Take in a report; when this says so it is durable."""

    def refused(self, project: str, verdict: Verdict) -> None:
        """Count a report that was not taken in."""


def is_report(path: str) -> bool:
    """Say whether a request path is that of the receiver."""
    return path.startswith("/v1/") and _PATH.fullmatch(path) is not None


class Receiver:
    """The ASGI application for the paths that `is_report` names."""

    def __init__(self, intake: Intake, *, most_held: int = MOST_HELD) -> None:
        self._intake = intake
        self._room = _Room(most_held)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match = _PATH.fullmatch(scope["path"])
        project = match[1] if match else ""
        if scope["method"] != "POST":
            await _refuse(send, 405, "only POST is answered here", [(b"allow", b"POST")])
            return
        verdict = await self._judge(project, scope["headers"], receive)
        if verdict is None:
            # The sender has gone; there is nobody to answer.
            return
        if verdict.result in (Result.ACCEPTED, Result.DUPLICATE):
            await send(dict(_START))
            await send(dict(_BODY))
            return
        self._intake.refused(project, verdict)
        headers = []
        if verdict.retry_after is not None:
            seconds = max(1, math.ceil(verdict.retry_after))
            headers.append((b"retry-after", str(seconds).encode()))
        await _refuse(send, STATUSES[verdict.result], verdict.message, headers)

    async def _judge(
        self, project: str, headers: Iterable[tuple[bytes, bytes]], receive: Receive
    ) -> Verdict | None:
        listed = list(headers)
        given = dict(listed)
        token = given.get(_TOKEN, b"")
        if len(given) < len(listed) and [name for name, _ in listed].count(_TOKEN) > 1:
            # Whoever stands before us may have looked at the other one.
            message = "X-Auth-Token: given more than once"
            return Verdict(result=Result.UNAUTHORIZED, message=message)
        verdict = self._intake.admit(project, token)
        if verdict is not None:
            return verdict
        if given.get(b"content-encoding", b"identity") != b"identity":
            return Verdict(result=Result.INVALID, message="Content-Encoding: not supported")
        announced = given.get(b"content-length", b"0")
        share = _Share(self._room)
        try:
            body = await self._read(receive, _size(announced), share)
            return None if body is None else await self._intake.take(project, body)
        except _RefusedError as exc:
            return exc.verdict
        finally:
            share.give_back()

    async def _read(self, receive: Receive, announced: int, share: "_Share") -> bytes | None:
        """Return the body; None when the sender leaves. Raises _RefusedError."""
        if announced > self._intake.largest:
            raise self._too_large()
        message = await receive()
        if not message.get("more_body", False):
            return self._chunk(message, 0, share)
        # Most bodies are complete by now; only the others need a clock.
        chunks, size = [], 0
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while (chunk := self._chunk(message, size, share)) is not None:
                    chunks.append(chunk)
                    size += len(chunk)
                    if not message.get("more_body", False):
                        return b"".join(chunks)
                    message = await receive()
        except TimeoutError:
            text = f"body: not complete within {_BODY_SECONDS:.0f} seconds"
            raise _RefusedError(Verdict(result=Result.INVALID, message=text)) from None
        return None

    def _chunk(self, message: Message, size: int, share: "_Share") -> bytes | None:
        """Return the next part of a body after `size` bytes; None when the sender has left."""
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > self._intake.largest:
            raise self._too_large()
        if size > _SMALL:
            share.enlarge(size)
        return chunk

    def _too_large(self) -> "_RefusedError":
        text = f"body: larger than {self._intake.largest} bytes"
        return _RefusedError(Verdict(result=Result.TOO_LARGE, message=text))


class _RefusedError(Exception):
    """A body is not read to its end."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(verdict.message)


class _Room:
    """How many bytes of large bodies are held, and may be."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0


class _Share:
    """What one large body takes of the room."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._size = 0

    def enlarge(self, size: int) -> None:
        """Take so many bytes together. Raises _RefusedError when there is no room for them."""
        others = self._room.held - self._size
        # By itself a body of any allowed size fits.
        if others and others + size > self._room.most:
            text = "too many bytes of large reports at a time"
            verdict = Verdict(result=Result.THROTTLED, message=text, retry_after=_CROWDED_SECONDS)
            raise _RefusedError(verdict)
        self._room.held = others + size
        self._size = size

    def give_back(self) -> None:
        """Leave the room to others."""
        self._room.held -= self._size
        self._size = 0


def _size(announced: bytes) -> int:
    # Python reads no number of thousands of digits, leading zeros among them.
    return int(announced.lstrip(b"0")[:_MOST_DIGITS] or b"0") if announced.isdigit() else 0


async def _refuse(
    send: Send, status: int, message: str, headers: list[tuple[bytes, bytes]]
) -> None:
    body = json.dumps({"error_code": f"EDGE.0{status}", "error_msg": message}).encode()
    length = (b"content-length", str(len(body)).encode())
    start = {"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
