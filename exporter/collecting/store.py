"""Keep the last good snapshot of each source, and let go of what has become too old.

A snapshot is published whole, by swapping a reference; readers hold an immutable view and need no
lock. Values outlive a failing source until `stale_after`, then they go: an old truth told as a new
one is a lie.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from exporter.attention.tracker import SourceAttention
from exporter.attention_settings import AttentionSettings
from exporter.collecting.history import History
from exporter.model import Snapshot
from exporter.process.steps import Steps, finished


class Store:
    """The snapshots of all sources, by name."""

    def __init__(self) -> None:
        self._snapshots: Mapping[str, Snapshot] = MappingProxyType({})
        self._changed = asyncio.Event()
        self._attention: dict[str, SourceAttention] = {}
        self.history = History()

    @property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """Return all snapshots, in the order of their sources' names; the view never changes."""
        return self._snapshots

    def watch(self, source: str, limits: AttentionSettings, *, rescales: bool = False) -> None:
        """Say from where on something about a job of a source is a problem.

        What is remembered of its jobs stays. Where it `rescales`, that counts as a restart.
        """
        attention = self._attention.setdefault(source, SourceAttention(limits))
        attention.watch(limits, rescales=rescales)

    def put(self, snapshot: Snapshot) -> None:
        """Publish the snapshot of a source in place of its last one."""
        finished(self.publish(snapshot))

    def publish(self, snapshot: Snapshot) -> Steps[None]:
        """Do the same in steps; nobody else may publish of this source meanwhile."""
        before = self._snapshots.get(snapshot.source)
        yield from self.history.take(before, snapshot)
        attention = self._attention.get(snapshot.source)
        if attention is not None:
            problems = yield from attention.take(before, snapshot)
            snapshot = replace(snapshot, problems=problems)
        self._swap({**self._snapshots, snapshot.source: snapshot})

    def remove(self, source: str) -> None:
        """Withdraw everything of a source."""
        self.history.forget(source)
        self._attention.pop(source, None)
        self._swap({name: kept for name, kept in self._snapshots.items() if name != source})

    async def changed(self) -> None:
        """Wait until something has been published since the last wait."""
        await self._changed.wait()
        self._changed.clear()

    def _swap(self, snapshots: dict[str, Snapshot]) -> None:
        self._snapshots = MappingProxyType(dict(sorted(snapshots.items())))
        self._changed.set()


def fresh(snapshot: Snapshot, now: float) -> Snapshot:
    """Return the snapshot without the jobs that no poll has confirmed for `stale_after`."""
    oldest = now - snapshot.stale_after
    jobs = snapshot.jobs
    if any(job.observed_timestamp < oldest for job in jobs):
        jobs = tuple(job for job in jobs if job.observed_timestamp >= oldest)
    absent, succeeded = snapshot.absent, snapshot.last_success_timestamp
    outdated = succeeded is not None and succeeded < oldest
    if outdated or succeeded is None:
        absent = ()
    if jobs is snapshot.jobs and absent is snapshot.absent and outdated is snapshot.outdated:
        return snapshot
    age = snapshot.detail_age_seconds if jobs else None
    return replace(snapshot, jobs=jobs, absent=absent, outdated=outdated, detail_age_seconds=age)


def expires_at(snapshot: Snapshot) -> float | None:
    """Return when the next value of the snapshot becomes stale; None when it holds none."""
    times = [job.observed_timestamp for job in snapshot.jobs]
    if snapshot.absent and snapshot.last_success_timestamp is not None:
        times.append(snapshot.last_success_timestamp)
    return min(times) + snapshot.stale_after if times else None
