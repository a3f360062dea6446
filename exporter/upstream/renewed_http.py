"""Send requests over connections that are opened anew when what they rest on changes.

Authorities, client certificates and proxies belong to connections, not to requests: those that are
open go on as they began, so a change needs new ones.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import httpx

from exporter.upstream.client import Http

K = TypeVar("K")


class RenewedHttp(Generic[K]):
    """An `Http` over a pool of connections that is replaced when `basis` returns another value.

    Both functions may raise CredentialError. The pool before the present one stays open until there
    is yet another, for requests that are still under way.
    """

    def __init__(
        self, basis: Callable[[], Awaitable[K]], open_pool: Callable[[K], Awaitable[Http]]
    ) -> None:
        self._basis = basis
        self._open_pool = open_pool
        self._turn = asyncio.Lock()
        self._present: tuple[K, Http] | None = None
        self._former: Http | None = None
        self._closed = False

    async def send(
        self,
        request: httpx.Request,
        *,
        auth: httpx.Auth | None,
        follow_redirects: bool,
        stream: bool,
    ) -> httpx.Response:
        """Send a request; return the answer with its body unread."""
        pool = await self._pool()
        return await pool.send(request, auth=auth, follow_redirects=follow_redirects, stream=stream)

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        for pool in (self._former, self._present[1] if self._present else None):
            if pool is not None:
                await pool.aclose()
        self._former = self._present = None

    async def _pool(self) -> Http:
        if self._closed:
            raise RuntimeError("this client is closed")
        basis = await self._basis()
        if self._present is not None and self._present[0] == basis:
            return self._present[1]
        async with self._turn:
            if self._present is not None and self._present[0] == basis:
                return self._present[1]
            pool = await self._open_pool(basis)
            former, self._former = self._former, self._present[1] if self._present else None
            self._present = (basis, pool)
        if former is not None:
            await former.aclose()
        return pool
