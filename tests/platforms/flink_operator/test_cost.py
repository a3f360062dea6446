"""A thousand resources of 30 kB cost little memory, and hold nothing else up."""

import asyncio
import contextlib
import gzip
import json
import time
import tracemalloc
from typing import Any

import httpx

from exporter.auth.guard import GuardBook
from exporter.platforms.flink_operator import OperatorSource, Settings
from exporter.runtime import Runtime
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.operator_situations import SESSION_JOBS, spec_in_force
from tests.platforms.flink_operator.clusters import healthy

PAGES, ROWS = 10, 100
LONGEST = 0.02
MOST_MEMORY = 150 * 1024 * 1024


def _page(number: int) -> bytes:
    items = [_resource(number * ROWS + row) for row in range(ROWS)]
    more = str(number + 1) if number + 1 < PAGES else ""
    body = {
        "kind": "FlinkDeploymentList",
        "metadata": {"resourceVersion": "1", "continue": more},
        "items": items,
    }
    content = json.dumps(body).encode()
    assert len(content) > ROWS * 30_000
    return gzip.compress(content, 1)


def _resource(number: int) -> dict[str, Any]:
    body = healthy(f"job{number:05}").resource()
    fields: dict[str, Any] = {f"f:field{each}": {".": {}, "f:name": {}} for each in range(200)}
    body["metadata"]["managedFields"] = [{"manager": "operator", "fieldsV1": fields}]
    body["spec"]["job"]["args"] = ["--secret", "x" * 2000]
    steps = body["status"]["reconciliationStatus"]
    padded = json.loads(spec_in_force())
    padded["spec"]["flinkConfiguration"] = {f"key.{each}": "value" * 10 for each in range(150)}
    steps["lastReconciledSpec"] = steps["lastStableSpec"] = json.dumps(padded)
    return body


class _Server(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self._pages = [_page(number) for number in range(PAGES)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = self._pages[int(request.url.params.get("continue", "0"))]
        if SESSION_JOBS in request.url.path:
            empty = {"kind": "FlinkSessionJobList", "metadata": {}, "items": []}
            content = gzip.compress(json.dumps(empty).encode())
        headers = {"content-encoding": "gzip"}
        return httpx.Response(200, headers=headers, stream=_Pieces(content))


class _Pieces(httpx.AsyncByteStream):
    """A body that comes in pieces, as from a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> Any:
        for start in range(0, len(self._content), 65536):
            yield self._content[start : start + 65536]
            await asyncio.sleep(0)


async def _list(server: _Server) -> tuple[Inventory, float]:
    """Return a listing, and the longest that the loop was held up, in seconds of the processor."""
    given: dict[str, Any] = {
        "name": "ops",
        "platform": "flink_operator",
        "endpoint": "https://api",
        "auth": {"bearer": {"token": "t"}},
        "namespaces": ["streams"],
        "details": "none",
    }
    settings = Settings(**given)
    runtime = Runtime(environ={}, transport=lambda: server)
    connector = Connector(settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook())
    source = OperatorSource(settings, connector)
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            longest, last = max(longest, time.thread_time() - last), time.thread_time()

    # The first look at the credentials builds a context, beside the loop.
    await source._api.client("warm up")
    watching = asyncio.create_task(watch())
    try:
        return await source.fetch_inventory(), longest
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await source.aclose()


def test_listing_holds_nothing_up() -> None:
    server = _Server()
    found, longest = asyncio.run(_list(server))
    assert len(found.jobs) == PAGES * ROWS
    # Once more where something else, such as a collection of garbage, came in between.
    assert min(longest, asyncio.run(_list(server))[1]) < LONGEST


def test_listing_takes_little_memory() -> None:
    server = _Server()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        found, _ = asyncio.run(_list(server))
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.jobs) == PAGES * ROWS
    assert peak - before < MOST_MEMORY / 4
    # Nothing of what is never kept stays: 30 kB a resource came, a few are left.
    assert (kept - before) / len(found.jobs) < 8000
