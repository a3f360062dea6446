"""Let in only users, and only as often as allowed.

Open to everybody are the answers about health, since what restarts or routes to the exporter has no
password. Reports of edge jobs never come here: they have a token of their own.
"""

import base64
import binascii
import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.listening.passwords import CrowdedError, Passwords
from exporter.listening.protection import Protection
from exporter.pacing import Clock

OPEN = frozenset({"/-/healthy", "/-/ready"})
_REALM = b'Basic realm="streaming-job-exporter", charset="UTF-8"'
_LONGEST_CREDENTIALS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What watches over an application, once it is told which."""

    protection: Callable[[], Protection]
    passwords: Passwords
    monotonic: Clock

    def admit_to(self, app: ASGIApp) -> ASGIApp:
        """Return an application that hands on to this one what may come in."""
        return Authentication(
            app, protection=self.protection, passwords=self.passwords, monotonic=self.monotonic
        )


class Authentication:
    """The way to an application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        protection: Callable[[], Protection],
        passwords: Passwords,
        monotonic: Clock,
    ) -> None:
        self._app = app
        self._protection = protection
        self._passwords = passwords
        self._monotonic = monotonic
        self._free_at = 0.0
        self._before = Protection()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        protection = self._protection()
        if protection is not self._before:
            self._before = protection
            self._passwords.forget(protection.users)
        try:
            known = not protection.users or await self._is_user(scope, protection)
        except CrowdedError:
            await _refuse(send, 503, "Too many passwords to check", b"retry-after", b"1")
            return
        if not known:
            await _refuse(send, 401, "Unauthorized", b"www-authenticate", _REALM)
            return
        # Counted only now: strangers must not use up what users may do.
        wait = self._wait(protection)
        if wait > 0:
            await _refuse(send, 429, "Too many requests", b"retry-after", _seconds(wait))
            return
        await self._app(scope, receive, send)

    def _wait(self, protection: Protection) -> float:
        """Return the seconds until a request is allowed; 0 lets this one in and counts it."""
        limit = protection.rate_limit
        if not limit.interval:
            return 0.0
        now = self._monotonic()
        # Each request takes one interval of the future, of which `burst` may be taken at a time.
        free_at = max(now, self._free_at)
        wait = free_at - now - limit.interval * (limit.burst - 1)
        if wait > 0:
            return wait
        self._free_at = free_at + limit.interval
        return 0.0

    async def _is_user(self, scope: Scope, protection: Protection) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        # Of two, somebody before us may have looked at the other one.
        credentials = _read(given[0]) if len(given) == 1 else None
        if credentials is None:
            return False
        user, password = credentials
        client = scope["client"][0] if scope["client"] else ""
        return await self._passwords.match(protection.users, user, password, client=client)


def _read(header: bytes) -> tuple[str, bytes] | None:
    """Return user and password of a header, or None when it is not of HTTP basic."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic" or len(encoded) > _LONGEST_CREDENTIALS:
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


async def _refuse(send: Send, status: int, text: str, name: bytes, value: bytes) -> None:
    body = f"{text}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (name, value),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _seconds(wait: float) -> bytes:
    return str(max(1, math.ceil(wait))).encode()
