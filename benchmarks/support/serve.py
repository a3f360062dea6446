"""Serve a page of so many jobs: `python -m benchmarks.support.serve exporter|library JOBS`.

The exporter's own web application, with a static response of the same bytes beside it; on demand it
publishes one poll after the other and watches how long its event loop is busy at a stretch.
"""

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

from prometheus_client import CollectorRegistry, make_asgi_app
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from benchmarks.support import fleet
from benchmarks.support.client_library import Ready
from exporter.collecting.store import Store
from exporter.exposition import Exposition, MetricsEndpoint
from exporter.listening.addresses import listen
from exporter.listening.headers import with_headers
from exporter.process.garbage_collection import GarbageCollection
from exporter.serving.server import serving
from exporter.serving.web import build_web, with_metrics
from exporter.telemetry.telemetry import Telemetry

_BETWEEN_POLLS = 0.1


@dataclass(slots=True)
class _Watch:
    """How long the loop was busy at a stretch, in milliseconds of its processor time."""

    stretches: list[float] = field(default_factory=list)
    puts: list[float] = field(default_factory=list)
    renderings: list[float] = field(default_factory=list)

    async def look(self) -> None:
        """Come back as often as the loop allows."""
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.stretches.append((now - before) * 1000)
            before = now


class _Publisher:
    """Publishes polls: every job was seen again, and one in a hundred has changed."""

    def __init__(self, store: Store, exposition: Exposition) -> None:
        self._store = store
        self._exposition = exposition
        self._garbage = GarbageCollection(monotonic=time.monotonic)
        (held,) = store.snapshots.values()
        chance = Random(1)
        other = fleet.seen_again(fleet.changed(held, 0.01, chance), 30.0)
        # Made beforehand: what a poll itself costs is measured elsewhere.
        self._polls = (other, held)
        self.watch = _Watch()

    @contextlib.asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        """Publish while the context is entered."""
        self.watch = _Watch()
        tasks = [asyncio.create_task(self._publish()), asyncio.create_task(self.watch.look())]
        with self._garbage.in_charge():
            yield
        for task in tasks:
            task.cancel()

    async def _publish(self) -> None:
        number = 0
        while True:
            started = time.thread_time()
            self._store.put(self._polls[number % 2])
            self.watch.puts.append((time.thread_time() - started) * 1000)
            await asyncio.sleep(0)
            # Publishing is not rendering: its own stretch is told apart.
            self.watch.stretches[-1:] = []
            started = time.perf_counter()
            await self._exposition.refresh_in_turns()
            self._garbage.rendered()
            self.watch.renderings.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(_BETWEEN_POLLS)
            number += 1


def _exporter(count: int) -> ASGIApp:
    store = Store()
    store.put(fleet.snapshot(count))
    telemetry = Telemetry()
    telemetry.add_source(fleet.SOURCE, "huawei_dli")
    for operation in ("ListFlinkJobs", "ShowFlinkJob", "ShowFlinkJobExecutionGraph"):
        telemetry.request_done(fleet.SOURCE, operation, "200", 0.05)
    exposition = Exposition(store, telemetry.registry, clock=lambda: fleet.NOW)
    publisher = _Publisher(store, exposition)
    stack = contextlib.AsyncExitStack()

    async def reload() -> None:
        """Keep everything as it is."""

    async def static(request: Request) -> Response:
        return Response(*statics[request.query_params["form"]])

    async def series(request: Request) -> Response:
        bare = Exposition(store, CollectorRegistry(), clock=lambda: fleet.NOW)
        return PlainTextResponse(bare.scrape()[0])

    async def start(request: Request) -> Response:
        await stack.enter_async_context(publisher.publishing())
        return PlainTextResponse("")

    async def stop(request: Request) -> Response:
        await stack.aclose()
        watch = publisher.watch
        return JSONResponse(
            {"stretches": sorted(watch.stretches)[-1000:], "puts": watch.puts}
            | {"renderings": watch.renderings}
        )

    statics = {
        form: (body, 200, headers)
        for form in ("gzip", "identity")
        for body, headers in [exposition.scrape(accept_encoding=form)]
    }
    web = build_web(
        store=store,
        exposition=exposition,
        clock=lambda: fleet.NOW,
        ready=lambda: True,
        reload=reload,
    )
    web.router.routes[:0] = [
        Route("/static", static),
        Route("/series", series),
        Route("/start", start),
        Route("/stop", stop),
    ]
    return with_headers(with_metrics(web, "/metrics", MetricsEndpoint(exposition)), tuple)


def _library(count: int) -> ASGIApp:
    app: ASGIApp = make_asgi_app(Ready(fleet.snapshot(count)))
    return app


async def _serve(app: ASGIApp) -> None:
    with listen("127.0.0.1:0") as listener:
        async with serving(app, [listener]):
            print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    # Readers that go away in the middle are part of it.
    logging.disable()
    kind, jobs = sys.argv[1:]
    asyncio.run(_serve({"exporter": _exporter, "library": _library}[kind](int(jobs))))
