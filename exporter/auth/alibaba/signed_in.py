"""Use what somebody who signed in with the `aliyun` command left behind, as long as it is good.

Modes CloudSSO and OAuth of its configuration: a token that is exchanged for temporary keys, and the
keys of the last exchange. A token that has ended is not renewed here: that would replace the token
in the file of somebody else. The addresses and bodies are those of the vendor's SDKs
(alibabacloud-credentials), no page tells them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from exporter.auth.alibaba import Send
from exporter.auth.alibaba.asking import ask
from exporter.auth.alibaba.sts_answers import parse_role_keys
from exporter.auth.credentials import Credentials
from exporter.errors import CredentialError, FetchError, Reason, UnusableError
from exporter.pacing import Clock

_SOON = 900.0
"""Seconds before their end keys are exchanged for new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Where a token is exchanged for keys, and until when it is good (epoch seconds)."""

    operation: str
    url: str
    token: str = field(repr=False)
    expires_at: float
    answer: str
    """What the keys stand under in the answer; empty where they are all of it."""
    body: Mapping[str, str] | None = None

    def request(self) -> httpx.Request:
        """Build the request; raises ValueError when its parts make none."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.token}",
        }
        content = b"" if self.body is None else json.dumps(self.body).encode()
        return httpx.Request("POST", self.url, headers=headers, content=content)


class SignedIn:
    """The keys of a sign-in: those that are held, or new ones for its token."""

    def __init__(
        self,
        place: str,
        *,
        held: Credentials | None,
        exchange: Exchange | None,
        send: Send,
        clock: Clock,
    ) -> None:
        """Take the keys and the token that were left behind, and the profile that has them."""
        self._place = place
        self._held = held
        self._exchange = exchange
        self._send = send
        self._clock = clock

    async def credentials(self) -> Credentials:
        """Return keys that are good for a while, or those that are held as long as they are good.

        Raises FetchError when the exchange fails, UnusableError naming the profile when nobody has
        signed in lately.
        """
        if self._held_for(_SOON):
            return self._keys()
        try:
            return await self._exchanged()
        except (CredentialError, FetchError):
            if self._held_for(0.0):
                return self._keys()
            raise

    def _held_for(self, seconds: float) -> bool:
        return self._held is not None and (self._held.expires_at or 0) > self._clock() + seconds

    def _keys(self) -> Credentials:
        if self._held is None:
            raise LookupError("no keys are held")
        return self._held

    async def _exchanged(self) -> Credentials:
        exchange = self._exchange
        if exchange is None or exchange.expires_at <= self._clock():
            raise UnusableError(f"{self._place}: the sign-in has ended, sign in again with aliyun")
        try:
            request = exchange.request()
        except (httpx.InvalidURL, ValueError):
            request = None
        if request is None:
            # Raised out here: what the library raises may quote the token.
            raise UnusableError(f"{self._place}: the sign-in has a token or address that is none")
        response = await ask(self._send, request, exchange.operation)
        status = response.status_code
        if status != 200:
            raise FetchError(
                _reason(status),
                exchange.operation,
                status=status,
                detail="the sign-in is refused" if _reason(status) is Reason.AUTH else "",
                retryable=status in {429, 500, 502, 503, 504},
            )
        return parse_role_keys(response, exchange.operation, exchange.answer)


def _reason(status: int) -> Reason:
    if status >= 500:
        return Reason.SERVER
    if status == 429:
        return Reason.THROTTLED
    return Reason.AUTH if 400 <= status < 500 else Reason.INVALID_RESPONSE
