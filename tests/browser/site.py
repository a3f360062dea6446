"""Serve the exporter's pages over jobs that a test makes up, on a real port."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from exporter.attention_settings import AttentionSettings
from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.listening.addresses import listen
from exporter.model import Snapshot
from exporter.serving.server import serving
from exporter.serving.web import build_web
from exporter.telemetry.telemetry import Telemetry
from tests.virtual_time import EPOCH


@dataclass(slots=True)
class Site:
    """The pages, and what they are about."""

    address: str
    store: Store
    loop: asyncio.AbstractEventLoop
    now: float = EPOCH

    def publish(self, *snapshots: Snapshot) -> None:
        """Publish snapshots, as a collector does on the loop that serves."""
        done = threading.Event()

        def put() -> None:
            for snapshot in snapshots:
                self.store.watch(snapshot.source, AttentionSettings())
                self.store.put(snapshot)
            done.set()

        self.loop.call_soon_threadsafe(put)
        assert done.wait(10)


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """Serve pages over an empty store, in a thread with a loop of its own."""
    started: list[Site] = []
    ready = threading.Event()
    stop: list[asyncio.Event] = []

    async def serve() -> None:
        async def reload() -> None:
            pass

        store = Store()
        stop.append(asyncio.Event())
        with listen("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            served = Site(f"http://127.0.0.1:{port}", store, asyncio.get_running_loop())

            def clock() -> float:
                return served.now

            app = build_web(
                store=store,
                exposition=Exposition(store, Telemetry().registry, clock=clock),
                clock=clock,
                ready=lambda: True,
                reload=reload,
            )
            async with serving(app, [listener]):
                started.append(served)
                ready.set()
                await stop[0].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="site")
    thread.start()
    assert ready.wait(10)
    try:
        yield started[0]
    finally:
        started[0].loop.call_soon_threadsafe(stop[0].set)
        thread.join(timeout=10)
