"""Show the edge jobs that are known, as they change and as time passes."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from exporter.collecting.store import Store
from exporter.edge.job_tracker import EdgeJobTracker
from exporter.edge.jobs import PLATFORM
from exporter.edge.settings import SOURCE, EdgeSettings
from exporter.model import Job, Snapshot
from exporter.pacing import Clock
from exporter.runtime import Runtime

_LEAST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_PAUSE_PER_JOB = 0.005
"""Seconds of rest for each job that was published: rendering one takes a fiftieth of that."""
_TICK = 0.001
_NEVER = float("inf")
"""The store withdraws nothing here: it would go by the clock on the wall, which can jump."""


class Publisher:
    """Put what the tracker knows into the store."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        job_tracker: EdgeJobTracker,
        store: Store,
        listening: Clock,
        runtime: Runtime,
    ) -> None:
        self.settings = settings
        self._job_tracker = job_tracker
        self._store = store
        self._listening = listening
        self._runtime = runtime
        self._changed = asyncio.Event()
        self._snapshot = Snapshot(source=SOURCE, platform=PLATFORM, stale_after=_NEVER)

    @property
    def snapshot(self) -> Snapshot:
        """Return what was last published."""
        return self._snapshot

    def changed(self) -> None:
        """Note that there is something new to show."""
        self._changed.set()

    def publish(self, **changes: Any) -> None:
        """Publish what is known now, with changes to what is said of the source itself."""
        settings = self.settings
        if changes.get("up", self._snapshot.up):
            changes["last_success_timestamp"] = self._runtime.clock()
        self._snapshot = replace(
            self._snapshot,
            labels=settings.label_pairs,
            all_states=settings.state_series == "all",
            jobs=self._job_tracker.jobs(self._listening(), settings.projects),
            **changes,
        )
        self._store.watch(SOURCE, settings.attention)
        self._store.put(self._snapshot)

    def withdraw(self, failure: str) -> None:
        """Show no jobs any more: what is known of them would grow old unnoticed."""
        self._snapshot = replace(self._snapshot, jobs=(), up=False, failure=failure)
        self._store.put(self._snapshot)

    async def run(self) -> None:
        """Publish whenever something is new, or a job becomes stale or leaves; until cancelled."""
        while True:
            if not self._changed.is_set():
                await self._wait()
            self._changed.clear()
            for _ in self._job_tracker.settle(self._listening()):
                await asyncio.sleep(0)
            before = self._snapshot.jobs
            self.publish()
            news = _news(before, self._snapshot.jobs)
            pause = max(_LEAST_PAUSE, news * _PAUSE_PER_JOB)
            await self._runtime.sleep(min(pause, _LONGEST_PAUSE))

    async def _wait(self) -> None:
        now = self._listening()
        moment = self._job_tracker.next_change(now)
        # A hair later than the moment, when it is certain to have passed.
        pause = None if moment is None else max(0.0, moment - now) + _TICK
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._changed.wait()


def _news(before: Sequence[Job], after: Sequence[Job]) -> int:
    """Return about how many jobs are different."""
    changed = sum(1 for old, new in zip(before, after, strict=False) if old is not new)
    return changed + abs(len(after) - len(before))
