"""A source that follows a script, and a collector with everything around it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from exporter.collecting.collector import SourceCollector
from exporter.collecting.store import Store
from exporter.fields import Flaws
from exporter.model import Job
from exporter.source import Details, Inventory, SourceSettings
from exporter.telemetry.telemetry import Telemetry
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, virtual_world


class ScriptedSource:
    """A source that answers what its script says, at the virtual time it is asked."""

    def __init__(
        self,
        listing: Callable[[float], list[Job] | Exception | Inventory],
        details: Callable[[Job, float], Job | Exception | Details] = lambda job, now: job,
        *,
        latency: float = 0.0,
    ) -> None:
        self._listing = listing
        self._details = details
        self._latency = latency
        self.listed_at: list[float] = []
        self.asked: list[tuple[str, float]] = []
        self.closed = False

    async def fetch_inventory(self) -> Inventory:
        await asyncio.sleep(self._latency)
        now = asyncio.get_running_loop().time()
        self.listed_at.append(now)
        answer = self._listing(now)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Inventory):
            return answer
        rows = tuple(row.at(EPOCH + now) for row in answer)
        return Inventory(jobs=rows, flaws=Flaws())

    async def fetch_details(self, job: Job) -> Details:
        await asyncio.sleep(self._latency)
        now = asyncio.get_running_loop().time()
        self.asked.append((job.job_name, now))
        answer = self._details(job, now)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Details):
            return answer
        return Details(job=answer.at(EPOCH + now), flaws=Flaws())

    async def aclose(self) -> None:
        self.closed = True


class Bench:
    """A collector with everything around it."""

    def __init__(
        self, source: ScriptedSource, *, store: Store | None = None, **settings: Any
    ) -> None:
        self.source = source
        self.store = store or Store()
        self.telemetry = Telemetry()
        self.log = RecordingLog()
        self.collector = SourceCollector(
            SourceSettings(name="s", platform="x", **settings),
            source,
            supersedes=False,
            store=self.store,
            telemetry=self.telemetry,
            runtime=virtual_world(),
            log=self.log,
        )

    async def run_for(self, seconds: float) -> None:
        self.collector.announce()
        task = asyncio.create_task(self.collector.run())
        await asyncio.sleep(seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    def value(self, name: str, **labels: str) -> float | None:
        return self.telemetry.registry.get_sample_value(
            name, {"source": "s", "platform": "x", **labels}
        )

    @property
    def jobs(self) -> tuple[Job, ...]:
        return self.store.snapshots["s"].jobs
