"""Say who asks a Kubernetes API server, where it is, and how its certificate is checked.

What a pod is given and what a kubeconfig names come to the same: a place, what to trust there, and
one header or a client certificate. All of it may change at any time: tokens live for an hour, and
authorities are replaced. So it is read again and again, and a token that was refused at once.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import httpx

from exporter.errors import CredentialError
from exporter.files import MOST_PEM
from exporter.pacing import Clock
from exporter.secret import MASK

READ_EVERY = 10.0
"""Seconds after which what is on disk is read again; the platform asks for a minute at most."""
MOST_BYTES = MOST_PEM
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Connection:
    """Where an API server is and how to speak to it; certificates and keys as PEM."""

    server: str
    authority: bytes | None = None
    """What the server's certificate is checked with; None for the public authorities."""
    certificate: bytes | None = None
    key: bytes | None = None
    verify: bool = True
    server_name: str = ""
    """The name in the server's certificate, where it is not the host asked."""
    proxy_url: str | None = None

    def __repr__(self) -> str:
        return f"Connection(server={self.server!r}, {MASK})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Access:
    """All that it takes to ask one API server at one moment."""

    connection: Connection
    authorization: str = ""
    """The value of the header; empty for a client certificate, or for nobody."""

    def __repr__(self) -> str:
        return f"Access({self.connection!r}, authorization={MASK})"


class AccessProvider(Protocol):
    """Anything that can tell how to ask an API server now."""

    async def access(self) -> Access:
        """Return it; raises CredentialError, whose text names the place that was looked at."""


def bearer(token: str, place: str) -> str:
    """Return the header of a token; raises CredentialError when no header can carry it."""
    if not _TOKEN.fullmatch(token):
        raise CredentialError(f"{place}: the token is empty or holds blanks or control characters")
    return f"Bearer {token}"


def basic(username: str, password: str) -> str:
    """Return the header of a user name and a password."""
    # "surrogatepass": the exception for text that is not UTF-8 would quote the password.
    pair = f"{username}:{password}".encode("utf-8", "surrogatepass")
    return f"Basic {b64encode(pair).decode('ascii')}"


class RereadAccess:
    """Keep an access for some seconds, and as long as no other can be read.

    `now` is in seconds that never run backwards. Whoever needs the access while it is being read
    waits for that reading: a hundred requests are no hundred readings.
    """

    def __init__(self, provider: AccessProvider, *, now: Clock, every: float = READ_EVERY) -> None:
        self._provider = provider
        self._now = now
        self._every = every
        self._lock = asyncio.Lock()
        self._value: Access | None = None
        self._read_at = 0.0
        self.problem = ""
        """Why an old access is used, for people; empty when it is what was last read."""

    async def get(self, refused: Access | None = None) -> Access:
        """Return how to ask now, read anew if the access `refused` is all there is.

        Raises CredentialError when nothing was ever read.
        """
        value = self._value
        if value is not None and value is not refused and not self._is_old():
            return value
        began = self._now()
        async with self._lock:
            if self._value is None or self._read_at < began or self._value is refused:
                await self._read()
            if self._value is None:
                raise CredentialError(self.problem)
            return self._value

    def _is_old(self) -> bool:
        return self._now() - self._read_at >= self._every

    async def _read(self) -> None:
        try:
            found = await self._provider.access()
        except CredentialError as exc:
            # A file that is being replaced can be empty for a moment.
            self.problem = str(exc)
        else:
            self.problem = ""
            # The same object for the same content, so that whoever compares need not look inside.
            self._value = self._value if found == self._value else found
        self._read_at = self._now()


class KubernetesAuth(httpx.Auth):
    """Send the header of the present access; once it is refused, that of the one read anew."""

    def __init__(self, access: RereadAccess) -> None:
        self._access = access

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the Authorization header; raises CredentialError when there is none to be had."""
        used = await self._access.get()
        if used.authorization:
            request.headers["Authorization"] = used.authorization
        response = yield request
        if response.status_code != 401:
            return
        newer = await self._access.get(refused=used)
        if newer.authorization and newer.authorization != used.authorization:
            request.headers["Authorization"] = newer.authorization
            yield request
