"""Connections are opened anew when what they rest on changes, and only then."""

import asyncio

import httpx
import pytest

from exporter.upstream.renewed_http import RenewedHttp
from tests.virtual_time import run

REQUEST = httpx.Request("GET", "https://a")


class Pool:
    """Connections that rest on something."""

    def __init__(self, basis: str) -> None:
        self.basis = basis
        self.closed = False

    async def send(
        self,
        request: httpx.Request,
        *,
        auth: httpx.Auth | None,
        follow_redirects: bool,
        stream: bool,
    ) -> httpx.Response:
        return httpx.Response(200, text=self.basis)

    async def aclose(self) -> None:
        self.closed = True


class World:
    """What connections rest on, and all that were opened."""

    def __init__(self) -> None:
        self.basis = "a"
        self.pools: list[Pool] = []
        self.http = RenewedHttp(self._find, self._open)

    async def _find(self) -> str:
        return self.basis

    async def _open(self, basis: str) -> Pool:
        await asyncio.sleep(1)
        self.pools.append(Pool(basis))
        return self.pools[-1]

    async def ask(self) -> str:
        answer = await self.http.send(REQUEST, auth=None, follow_redirects=False, stream=True)
        return answer.text


def test_pool_is_shared_until_its_basis_changes() -> None:
    async def ask() -> tuple[list[str], list[bool]]:
        world = World()
        told = list(await asyncio.gather(*(world.ask() for _ in range(5))))
        for basis in ("b", "b", "c"):
            world.basis = basis
            told.append(await world.ask())
        return told, [pool.closed for pool in world.pools]

    told, closed = run(ask())
    assert told == [*"aaaaa", "b", "b", "c"]
    # The one before the present one may still have requests under way.
    assert closed == [True, False, False]


def test_everything_is_closed_and_stays_closed() -> None:
    async def close() -> list[bool]:
        world = World()
        await world.ask()
        world.basis = "b"
        await world.ask()
        await world.http.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await world.ask()
        return [pool.closed for pool in world.pools]

    assert run(close()) == [True, True]
