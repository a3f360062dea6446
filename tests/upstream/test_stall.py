"""A listing that brings nothing ends after two time-outs, whatever its requests do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from exporter.errors import FetchError, Reason
from exporter.upstream.refusals.plain import read_refusal
from exporter.vendors.flink.managers import JobManagers
from tests.upstream.connectors import open_connector
from tests.virtual_time import run, virtual_world

FOR_EVER = 10.0**6
Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


class _Drip(httpx.AsyncByteStream):
    """A body that never ends, one byte every second."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(1)
            yield b" "


class Listing:
    """A listing in virtual time, over a source whose requests may take ten seconds each."""

    def __init__(self, handler: Handler, *, hosts: int = 1, **settings: Any) -> None:
        self.asked: list[tuple[str, float]] = []

        async def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append((str(request.url), asyncio.get_running_loop().time()))
            return await handler(request)

        runtime = virtual_world(httpx.MockTransport(answer))
        self.connector, self.telemetry = open_connector(runtime, timeout=10, **settings)
        self.apis = [
            self.connector.api(f"http://h{number}", read_refusal=read_refusal)
            for number in range(hosts)
        ]

    async def get(self, name: str) -> FetchError | None:
        """Ask for one thing; return why there was no answer."""
        try:
            await self.apis[0].get("List", (name,))
        except FetchError as exc:
            return exc
        return None

    async def at_once(self, count: int) -> tuple[list[FetchError | None], float]:
        """Ask for so many things at the same time; return how each went, and the time it took."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with self.connector.stall.listing():
            results = await asyncio.gather(*(self.get(str(number)) for number in range(count)))
        return list(results), loop.time() - begun


async def hangs(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(FOR_EVER)
    raise AssertionError("nobody waits for ever")


async def drips(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=_Drip())


async def gateway(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(9.9)
    return httpx.Response(504)


@pytest.mark.parametrize("handler", [hangs, drips, gateway])
@pytest.mark.parametrize(
    ("count", "settings"),
    [
        (1, {}),
        (8, {}),
        (50, {}),
        (1000, {}),
        # Most wait for our own rate_limit, which must not hold up what is known already.
        (50, {"rate_limit": 0.2}),
        (20, {"concurrency": 1}),
    ],
)
def test_listing_that_hangs_ends_after_two_timeouts(
    handler: Handler, count: int, settings: dict[str, Any]
) -> None:
    async def scenario() -> tuple[list[FetchError | None], float]:
        return await Listing(handler, **settings).at_once(count)

    results, took = run(scenario())
    assert took <= 20.01
    assert all(error is not None for error in results)
    if handler is not gateway:
        assert {error.reason for error in results if error} == {Reason.TIMEOUT}


def test_pages_one_after_the_other_that_each_come_in_time_take_as_long_as_they_need() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(9.9)
        return httpx.Response(200, json={})

    async def scenario() -> tuple[list[FetchError | None], float]:
        listing = Listing(slow)
        with listing.connector.stall.listing():
            errors = [await listing.get(str(number)) for number in range(100)]
        return errors, asyncio.get_running_loop().time()

    errors, took = run(scenario())
    assert errors == [None] * 100
    assert took == pytest.approx(990)


def test_listing_that_hangs_after_some_pages_ends_two_timeouts_after_the_last() -> None:
    async def after_a_while(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5.0 if asyncio.get_running_loop().time() < 50 else FOR_EVER)
        return httpx.Response(200, json={})

    async def scenario() -> float:
        listing = Listing(after_a_while)
        with listing.connector.stall.listing():
            while await listing.get("page") is None:
                pass
            # What would be asked next, of another project or of another kind, is not asked.
            assert await listing.get("other") is not None
        return asyncio.get_running_loop().time()

    assert run(scenario()) == pytest.approx(70, abs=0.01)


def test_one_that_hangs_beside_others_that_answer_takes_two_timeouts_and_hurts_none() -> None:
    async def one_hangs(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(FOR_EVER if request.url.path == "/0" else 1.0)
        return httpx.Response(200, json={})

    async def scenario() -> tuple[list[FetchError | None], float]:
        return await Listing(one_hangs).at_once(100)

    results, took = run(scenario())
    assert [error is None for error in results] == [False] + [True] * 99
    # Between its two tries it waits for its turn among the others.
    assert took <= 24.0


def test_waiting_for_our_own_rate_limit_is_no_hang() -> None:
    async def quick(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={})

    async def scenario() -> tuple[list[FetchError | None], float]:
        return await Listing(quick, rate_limit=0.02).at_once(5)

    results, took = run(scenario())
    assert results == [None] * 5
    assert took == pytest.approx(200)


def test_next_listing_begins_anew() -> None:
    async def first_hangs(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(FOR_EVER if request.url.path == "/0" else 5.0)
        return httpx.Response(200, json={})

    async def scenario() -> None:
        listing = Listing(first_hangs)
        with listing.connector.stall.listing():
            assert await listing.get("0") is not None
        with listing.connector.stall.listing():
            assert await listing.get("1") is None
        # Beside a listing nothing of the kind is counted.
        assert await listing.get("1") is None

    run(scenario())


def managers(listing: Listing) -> JobManagers:
    return JobManagers(listing.apis)


def test_job_manager_that_hangs_costs_one_timeout_when_the_next_answers() -> None:
    async def first_hangs(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(FOR_EVER if request.url.host == "h0" else 0.0)
        return httpx.Response(200, json={"jobs": []})

    async def scenario() -> float:
        listing = Listing(first_hangs, hosts=2)
        with listing.connector.stall.listing():
            assert await managers(listing).ask("Overview", ("jobs",)) == {"jobs": []}
        return asyncio.get_running_loop().time()

    assert run(scenario()) == pytest.approx(10)


def test_job_manager_that_answers_is_found_however_many_hang_in_several_listings() -> None:
    async def last_answers(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.0 if request.url.host == "h5" else FOR_EVER)
        return httpx.Response(200, json={})

    async def scenario() -> list[float]:
        listing = Listing(last_answers, hosts=6)
        ours, loop = managers(listing), asyncio.get_running_loop()
        took = []
        while True:
            begun = loop.time()
            with listing.connector.stall.listing():
                try:
                    await ours.ask("Overview", ("jobs",))
                except FetchError:
                    took.append(loop.time() - begun)
                else:
                    return took

    took = run(scenario())
    assert len(took) <= 3
    assert max(took) <= 20.01
