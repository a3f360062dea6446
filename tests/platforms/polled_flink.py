"""Poll a Flink source with a collector in virtual time, and look at what is published."""

import asyncio

import pytest

from exporter.collecting.collector import SourceCollector
from exporter.collecting.store import Store, fresh
from exporter.model import Job, Snapshot
from exporter.platforms.apache_flink import Settings
from exporter.runtime import Runtime
from exporter.source import Source
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.recording import RecordingLog


class PolledFlink:
    """A source of the name `f`, and the collector that polls it."""

    def __init__(
        self,
        source: Source,
        settings: Settings,
        connector: Connector,
        *,
        runtime: Runtime,
        telemetry: Telemetry,
    ) -> None:
        self.source = source
        self.store = Store()
        self.log = RecordingLog()
        self.runtime = runtime
        self.collector = SourceCollector(
            settings,
            source,
            supersedes=True,
            store=self.store,
            telemetry=telemetry,
            runtime=runtime,
            log=self.log,
            stall=connector.stall,
        )
        self.task: asyncio.Task[None] | None = None

    async def run_for(self, seconds: float) -> None:
        """Poll, or go on polling, for so many seconds."""
        if self.task is None:
            self.collector.announce()
            self.task = asyncio.create_task(self.collector.run())
        await asyncio.sleep(seconds)
        if self.task.done():
            self.task.result()

    async def stop(self) -> None:
        """Stop polling and close everything."""
        if self.task is not None:
            self.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await self.task
        await self.source.aclose()

    @property
    def snapshot(self) -> Snapshot:
        """Return what is published now."""
        return fresh(self.store.snapshots["f"], self.runtime.clock())

    @property
    def jobs(self) -> dict[str, Job]:
        """Return the jobs that are shown, by their clusters."""
        return {job.project: job for job in self.snapshot.jobs}
