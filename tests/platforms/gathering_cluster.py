"""Stand in for a Flink cluster that gathers figures as a real one does, and can hang."""

import math
from typing import Any

from exporter.source import Details
from exporter.vendors.flink.gatherings import GATHERED_WITHIN
from tests.platforms.flink_job_manager import (
    JID,
    NOW_MS,
    OTHER_JID,
    SOURCE,
    SOURCE_VERTEX,
    Flink,
    connect,
    figure,
    graph,
    listed,
    metric,
)
from tests.virtual_time import EPOCH, run

DELAY = 120.0
RECORDS = SOURCE.replace("currentOutputWatermark", "numRecordsOut")
BEGAN = EPOCH - 3600


class Cluster(Flink):
    """A job whose events are 120 s old, on a cluster that gathers figures as Flink does.

    `frozen` is the moment since which a TaskManager hangs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.frozen: float | None = None
        self.stalled: float | None = None
        self.uptime_at = self.watermark_at = 0.0
        self.later = 0.0
        """Seconds by which the figures of the TaskManagers come after the JobManager's own."""
        self.restarts = 0
        self.restarted = 0.0
        self.ran_since = BEGAN
        """Since when it ran when its figures were gathered."""
        self.tells_uptime = True
        self.running_tasks = 2
        self.busy = False
        self.emits = False

    def gather(self) -> None:
        """Gather what can be: the figures of the JobManager come first."""
        if self.frozen is not None and self.uptime_at >= self.frozen:
            return
        self.uptime_at, self.ran_since = self.now, self.runs_since
        if self.frozen is None:
            now = self.now + self.later
            self.watermark_at = now if self.stalled is None else self.stalled

    def answer(self) -> None:
        """Put together what the cluster says."""
        timestamps = {"RUNNING": self.runs_since * 1000}
        if self.restarted:
            timestamps["RESTARTING"] = timestamps["RUNNING"] - 1
        tasks = {"RUNNING": self.running_tasks, "SCHEDULED": 2 - self.running_tasks}
        vertex = {"id": SOURCE_VERTEX, "parallelism": 2, "tasks": tasks}
        self.answers[f"/jobs/{JID}"] = graph(
            timestamps=timestamps, now=NOW_MS + self.now * 1000, vertices=[vertex]
        )
        counted = [{"id": "numRestarts", "value": str(self.counted)}]
        uptime = EPOCH + self.uptime_at - self.ran_since
        if self.tells_uptime:
            counted.append({"id": "uptime", "value": str(int(uptime * 1000))})
        self.answers[f"/jobs/{JID}/metrics"] = counted
        watermark = NOW_MS + (self.watermark_at - DELAY) * 1000
        self.metrics = {SOURCE_VERTEX: [metric(SOURCE, watermark, watermark)]}
        if self.emits:
            self.metrics[SOURCE_VERTEX].append(figure(RECORDS, 10.0 * self.now))
        self.answers[f"/jobs/{JID}/vertices/{SOURCE_VERTEX}"] = {
            "subtasks": [{"attempt": self.restarts}, {"attempt": 0}]
        }
        if self.busy:
            self.answers[f"/jobs/{JID}/vertices/{SOURCE_VERTEX}"] = (500, {"errors": ["busy"]})

    @property
    def runs_since(self) -> float:
        """Return since when it runs."""
        return EPOCH + self.restarted if self.restarted else BEGAN

    @property
    def counted(self) -> int:
        """Return how many restarts the metrics know of."""
        return self.restarts if self.frozen is None else 0

    def looks(self, *moments: float, act: Any = None) -> list[Details]:
        """Look at these moments, and return what each look found."""
        found = []

        async def look() -> None:
            source = connect(self.handle, endpoint="http://flink:8081")
            try:
                for moment in moments:
                    self.now = moment
                    if act is not None:
                        act(moment)
                    self.gather()
                    self.answer()
                    found.append(await source.fetch_details(listed()))
            finally:
                await source.aclose()

        run(look())
        return found

    def shared(self, frozen: int, *, until: int) -> list[Details]:
        """Look every 20 s at one of two jobs and at the other in turn, and return what was found.

        A TaskManager hangs soon after the moment `frozen`.
        """
        found = []

        async def look() -> None:
            source = connect(self.handle, endpoint="http://flink:8081")
            try:
                for moment in range(0, until, 20):
                    self.now, self.frozen = moment, frozen + 0.5 if moment > frozen else None
                    self.gather()
                    self.answer()
                    for path in [path for path in self.answers if f"/{JID}/" in path]:
                        self.answers[path.replace(JID, OTHER_JID)] = self.answers[path]
                    other = {**self.answers[f"/jobs/{JID}"], "jid": OTHER_JID}
                    self.answers[f"/jobs/{OTHER_JID}"] = other
                    jid = OTHER_JID if moment % 40 else JID
                    found.append(await source.fetch_details(listed(jid)))
            finally:
                await source.aclose()

        run(look())
        return found

    def delays(self, *moments: float, act: Any = None) -> list[float | None]:
        """Look at these moments, and return the delays that were told, in whole seconds.

        They are never less than they are, and larger by what gathering may take at most.
        """
        found = self.looks(*moments, act=act)
        for each in found:
            assert ("input_delay_seconds" in each.withdrawn) == (
                each.job.input_delay_seconds is None
            )
        told = [each.job.input_delay_seconds for each in found]
        assert all(each is None or each % 1 <= GATHERED_WITHIN for each in told), told
        return [None if each is None else math.floor(each) for each in told]
