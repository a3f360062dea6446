"""A real cluster, and a source of the exporter that polls it when it is told to."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import TypeVar

from prometheus_client import CollectorRegistry

from exporter.auth.guard import GuardBook
from exporter.collecting.collector import SourceCollector
from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.model import Job, Snapshot, State
from exporter.platforms.kafka_connect import ConnectSource, Settings
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.kafka_connect.cluster import ConnectCluster
from tests.recording import RecordingLog

T = TypeVar("T")
TIMEOUT = 4.0
"""Seconds: less than a worker takes to say that it is unhealthy, and more than it needs if not."""


class Stage:
    """What is known of the cluster, poll by poll; a poll is as far from the next as the test is."""

    def __init__(self, cluster: ConnectCluster) -> None:
        self.cluster = cluster
        self.log = RecordingLog()
        self._store = Store()
        self._runner = asyncio.Runner()
        self._source: ConnectSource | None = None
        self._collector: SourceCollector | None = None

    def open(self) -> None:
        """Open the source."""
        settings = Settings.model_validate(
            {
                "name": "connect",
                "platform": "kafka_connect",
                "endpoints": self.cluster.urls,
                "cluster": "real",
                "timeout": TIMEOUT,
                "attention": {"stuck_after": 0},
            }
        )

        async def make() -> None:
            runtime = Runtime(random=Random(1), environ={}, home=Path("/nonexistent"))
            telemetry = Telemetry()
            guards = GuardBook(clock=runtime.clock)
            made = Connector(settings, runtime=runtime, telemetry=telemetry, guards=guards)
            self._source = ConnectSource(settings, made)
            self._collector = SourceCollector(
                settings,
                self._source,
                supersedes=False,
                store=self._store,
                telemetry=telemetry,
                runtime=runtime,
                log=self.log,
                stall=made.stall,
            )
            self._collector.announce()

        self.run(make)

    def close(self) -> None:
        """Close it."""
        if self._source is not None:
            self.run(self._source.aclose)
        self._runner.close()

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something on the loop of the source."""

        async def done() -> T:
            return await work()

        return self._runner.run(done())

    def poll(self, times: int = 1) -> Snapshot:
        """Poll so many times; return what is published."""
        assert self._collector is not None
        for _ in range(times):
            self.run(self._collector.poll)
        return self._store.snapshots["connect"]

    def jobs(self, times: int = 1) -> dict[str, Job]:
        """Poll, and return the connectors by name."""
        return {job.job_name: job for job in self.poll(times).jobs}

    def states(self, times: int = 1) -> dict[str, State]:
        """Poll, and return their states."""
        return {name: job.state for name, job in self.jobs(times).items()}

    def wait_for(
        self, states: dict[str, State], errors: dict[str, str] | None = None, timeout: float = 60
    ) -> None:
        """Poll until connectors are in these states, and some of them tell these errors."""
        deadline = time.monotonic() + timeout
        while True:
            jobs = self.jobs()
            seen = {name: job.state for name, job in jobs.items()}
            told = {name: jobs[name].error_type for name in errors or () if name in jobs}
            if seen == states and told == (errors or {}):
                return
            assert time.monotonic() < deadline, (seen, told)
            time.sleep(0.2)

    def page(self) -> str:
        """Return the metrics of what was published last."""
        exposition = Exposition(self._store, CollectorRegistry(), clock=time.time)
        exposition.refresh()
        return exposition.scrape()[0].decode()
