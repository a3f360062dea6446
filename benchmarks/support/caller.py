"""Ask for the details of a DLI job over and over, in one of several ways, and tell what it cost.

Run as a program: the way, the address, how many calls, how many of them in flight at a time. It
prints the seconds of CPU that one call took, or with `profile` where they go.
"""

import asyncio
import cProfile
import json
import pstats
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import aiohttp
import httpx
from yarl import URL

from exporter.auth import canonical
from exporter.auth.credentials import Credentials, StaticProvider
from exporter.auth.guard import RejectionGuard
from exporter.auth.huawei.signature import HuaweiSignatureAuth, sign
from exporter.pacing import TokenBucket
from exporter.secret import TextSecret
from exporter.simulator.clouds import HUAWEI_KEY, HUAWEI_SECRET, PROJECT_ID
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.client import ApiClient
from exporter.upstream.exchange import Limits
from exporter.upstream.refusals.huawei import read_refusal
from exporter.upstream.transport import AiohttpTransport, PlainClient

Call = Callable[[int], Awaitable[object]]
HEADERS = {"Content-Type": "application/json", "X-Language": "en-us"}
_WARM_UP = 100


def measure(way: str, address: str, calls: int, in_flight: int) -> float:
    """Return the microseconds of CPU that a call takes in a process of its own."""
    return float(_run(way, address, str(calls), str(in_flight))) * 1e6


def profile(way: str, address: str, calls: int, in_flight: int) -> dict[str, float]:
    """Return the share of time that each part of a call takes."""
    shares: dict[str, float] = json.loads(_run(way, address, str(calls), str(in_flight), "profile"))
    return shares


def _run(*arguments: str) -> str:
    command = [sys.executable, "-m", __name__, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _segments(number: int) -> tuple[str, ...]:
    return ("v1.0", PROJECT_ID, "streaming", "jobs", str(100_000 + number))


def _auth() -> HuaweiSignatureAuth:
    provider = StaticProvider(TextSecret(HUAWEI_KEY), TextSecret(HUAWEI_SECRET), None)
    return HuaweiSignatureAuth(provider, project_id=PROJECT_ID)


@asynccontextmanager
async def _ours(address: str, in_flight: int) -> AsyncIterator[Call]:
    """Ask as the exporter does, with everything it does for a call."""
    context = ssl.create_default_context()
    http = PlainClient(AiohttpTransport(context=context, connections=in_flight))
    bucket = TokenBucket(1e6, burst=1e6, clock=time.monotonic, sleep=asyncio.sleep)
    client = ApiClient(
        source="dli",
        base_url=address,
        http=http,
        read_refusal=read_refusal,
        limits=Limits(bucket=bucket, slots=asyncio.Semaphore(in_flight), timeout=30.0),
        telemetry=Telemetry(),
        clock=time.time,
        monotonic=time.monotonic,
        sleep=asyncio.sleep,
        random=Random(1),
        auth=_auth(),
        # Three at a time would be few for this.
        guard=RejectionGuard(limit=1_000_000),
        headers={**HEADERS, "User-Agent": "benchmark", "Accept-Encoding": "gzip, deflate"},
    )
    yield lambda number: client.get_json("ShowFlinkJob", _segments(number))
    await http.aclose()


@asynccontextmanager
async def _httpx(address: str, in_flight: int) -> AsyncIterator[Call]:
    """Ask as httpx is used: a client, the same signature, the answer's own JSON."""
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    client = httpx.AsyncClient(auth=_auth(), headers=HEADERS, limits=limits, timeout=30.0)

    async def call(number: int) -> object:
        return (await client.get(address + canonical.path(*_segments(number)))).json()

    yield call
    await client.aclose()


@asynccontextmanager
async def _aiohttp(address: str, in_flight: int) -> AsyncIterator[Call]:
    """Ask as aiohttp is used: a session, the same signature, the answer's own JSON."""
    credentials = Credentials(HUAWEI_KEY, HUAWEI_SECRET)
    host = address.removeprefix("http://")
    connector = aiohttp.TCPConnector(limit=in_flight)

    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(number: int) -> object:
            target = canonical.path(*_segments(number))
            headers = {**HEADERS, "X-Project-Id": PROJECT_ID}
            signed = {**headers, "Host": host}
            headers |= sign("GET", target, signed, b"", credentials, time.time())
            url = URL(address + target, encoded=True)
            async with session.get(url, headers=headers) as answer:
                return await answer.json()

        yield call


@asynccontextmanager
async def _aiohttp_alone(address: str, in_flight: int) -> AsyncIterator[Call]:
    """Ask and read the bytes: no signature, no JSON."""
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(number: int) -> object:
            url = URL(address + canonical.path(*_segments(number)), encoded=True)
            async with session.get(url, headers=HEADERS) as answer:
                return await answer.read()

        yield call


WAYS = {
    "this exporter": _ours,
    "httpx": _httpx,
    "aiohttp": _aiohttp,
    "aiohttp, not signed or decoded": _aiohttp_alone,
}

_PARTS = (
    ("/aiohttp/", "aiohttp"),
    ("/yarl/", "aiohttp"),
    ("/multidict/", "aiohttp"),
    ("/httpx/_urlparse", "httpx: reading the URL"),
    ("/httpx/_urls", "httpx: reading the URL"),
    ("/httpx/", "httpx: requests, headers, answers"),
    ("/exporter/auth/", "signing"),
    ("/exporter/", "the exporter's own"),
    ("/prometheus_client/", "the exporter's own"),
    ("/asyncio/", "event loop"),
    ("/json/", "JSON"),
    ("/hmac", "signing"),
)
_BUILT_IN = (
    ("_socket", "sockets"),
    ("select", "sockets"),
    ("hash", "signing"),
    ("strftime", "signing"),
)


def _part(place: str, name: str) -> str:
    if place == "~":
        return next((part for text, part in _BUILT_IN if text in name), "built-in functions")
    return next((part for text, part in _PARTS if text in place), "the rest of the library")


async def _main(way: str, address: str, calls: int, in_flight: int, profiled: bool) -> str:
    async with WAYS[way](address, in_flight) as call:

        async def work(numbers: range) -> None:
            waiting = iter(numbers)

            async def one_after_the_other() -> None:
                for number in waiting:
                    await call(number)

            await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))

        await work(range(_WARM_UP))
        profiler = cProfile.Profile()
        started = time.process_time()
        if profiled:
            profiler.enable()
        await work(range(calls))
        profiler.disable()
        spent = (time.process_time() - started) / calls
    if not profiled:
        return str(spent)
    shares: Counter[str] = Counter()
    for (place, _, name), (_, _, own, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        shares[_part(place, name)] += own
    total = shares.total()
    return json.dumps({part: own / total for part, own in shares.most_common()})


if __name__ == "__main__":
    _way, _address, _calls, _flight, *_more = sys.argv[1:]
    print(asyncio.run(_main(_way, _address, int(_calls), int(_flight), bool(_more))))
