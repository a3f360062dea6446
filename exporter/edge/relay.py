"""Pass reports on to DLI, for whoever still has something there that listens.

Each project has its own queue in the journal and its own task: in order, one at a time, again and
again until DLI takes it. Only a report that DLI calls wrong is given up, since it will never be
right; everything else (no connection, no permission, no such API) can be mended while it waits.
A crash between DLI's answer and our note of it sends a report twice, under the same message_id.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from exporter.auth.guard import GuardBook
from exporter.edge.journal_sql import Entry, Pending
from exporter.edge.metrics import EXPIRED, REFUSED, EdgeMetrics
from exporter.errors import FetchError, JournalError, Reason
from exporter.pacing import Backoff, Clock, bounded_wait
from exporter.process.condition_log import Log
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.client import ApiClient
from exporter.upstream.connector import Connector
from exporter.vendors.huawei import HuaweiSettings, dli_endpoint
from exporter.vendors.huawei_login import open_api

REPORT = "ReportFlinkEdgeJobStatus"
_REFUSED_FOR_GOOD = frozenset({400, 413, 415, 422})
_AT_ONCE = 100
_LEAST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
_JOURNAL_PAUSE = 5.0


class Outbox(Protocol):
    """What the relay needs of the journal."""

    async def pending(self, project: str, most: int) -> list[Pending]:
        """Return the oldest reports that are still to be passed on. Raises JournalError."""

    async def relayed(self, project: str, message_ids: list[str]) -> None:
        """Note that reports were passed on, or given up. Raises JournalError."""


class RelayTarget:
    """DLI as a configured source reaches it, for any project of its account."""

    def __init__(
        self, settings: HuaweiSettings, *, runtime: Runtime, telemetry: Telemetry, guards: GuardBook
    ) -> None:
        """Open the connections; raises ConfigError."""
        self.settings = settings
        self._connector = Connector(settings, runtime=runtime, telemetry=telemetry, guards=guards)
        self._apis: dict[str, ApiClient] = {}

    async def send(self, project: str, body: bytes) -> None:
        """Send one report. Raises FetchError."""
        api = self._apis.get(project)
        if api is None:
            settings = self.settings.model_copy(update={"project_id": project})
            endpoint = settings.endpoint or dli_endpoint(settings.region or "")
            api = self._apis[project] = open_api(settings, self._connector, endpoint)
        await api.post(REPORT, ("v1", project, "edgesrv", "job-report"), body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()


class Relay:
    """The reports on their way to DLI."""

    def __init__(
        self,
        target: RelayTarget,
        outbox: Outbox,
        *,
        projects: Iterable[str],
        backlog: dict[str, int],
        metrics: EdgeMetrics,
        listening: Clock,
        runtime: Runtime,
        log: Log,
    ) -> None:
        self._target = target
        self._outbox = outbox
        self._listening = listening
        self._metrics = metrics
        self._runtime = runtime
        self._log = log
        self._pending = {project: backlog.get(project, 0) for project in projects}
        self._oldest: dict[str, float] = {}
        """When the oldest waiting report came in, by the listening time."""
        self._in_hand: dict[str, list[Pending]] = {}
        self._failing: dict[str, str] = {}
        self._wake = {project: asyncio.Event() for project in self._pending}
        for project in self._pending:
            self._count(project, 0)
        metrics.relay_age.read = self.ages
        self._tasks = [
            asyncio.create_task(self._run(project), name=f"relay {project}")
            for project in self._pending
        ]

    async def stop(self) -> None:
        """Stop; what was not passed on stays in the journal."""
        self._metrics.relay_age.read = tuple
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._target.aclose()

    def added(self, entry: Entry) -> None:
        """Note a report that was stored to be passed on."""
        project = entry.project
        if project not in self._pending:
            # It was let in before a reload that removed its project; it stays in the journal.
            return
        self._oldest.setdefault(project, self._listening())
        self._count(project, 1)
        self._wake[project].set()

    def expired(self, project: str, count: int) -> None:
        """Note reports that left the journal before they were passed on."""
        if project in self._pending:
            self._count(project, -count)
            self._metrics.relay_failures.labels(project, EXPIRED).inc(count)

    def in_hand(self) -> list[tuple[str, Pending]]:
        """Return the reports that are in memory to be passed on, with their projects."""
        return [(project, each) for project, found in self._in_hand.items() for each in found]

    def recount(self, backlog: dict[str, int]) -> None:
        """Go on with what another file has to be passed on."""
        for project in self._pending:
            self._count(project, backlog.get(project, 0) - self._pending[project])
            self._wake[project].set()

    def ages(self) -> Iterator[tuple[str, float]]:
        """Yield how old the oldest waiting report of each project is."""
        now = self._listening()
        for project, count in self._pending.items():
            if count and project in self._oldest:
                yield project, max(0.0, now - self._oldest[project])

    async def _run(self, project: str) -> None:
        backoff = Backoff(base=_LEAST_PAUSE, limit=_LONGEST_PAUSE, random=self._runtime.random)
        while True:
            self._wake[project].clear()
            self._in_hand[project] = await self._next(project)
            for report in tuple(self._in_hand[project]):
                self._oldest[project] = report.heard
                while (error := await self._try(project, report)) is not None:
                    await self._runtime.sleep(max(backoff.next(), bounded_wait(error.retry_after)))
                backoff.reset()
                await self._done(project, report)
            if not self._pending[project]:
                self._oldest.pop(project, None)
                await self._wake[project].wait()

    async def _next(self, project: str) -> list[Pending]:
        while True:
            try:
                found = await self._outbox.pending(project, _AT_ONCE)
            except JournalError:
                await self._runtime.sleep(_JOURNAL_PAUSE)
                continue
            if not found:
                # What was counted has expired; the count is that of the journal from now on.
                self._count(project, -self._pending[project])
            return found

    async def _try(self, project: str, report: Pending) -> FetchError | None:
        """Send a report; return why it must be tried again, or None when it is dealt with."""
        try:
            await self._target.send(project, report.body)
        except FetchError as exc:
            final = _is_final(exc)
            reason = REFUSED if final else exc.reason.value
            self._metrics.relay_failures.labels(project, reason).inc()
            self._say(project, reason, str(exc))
            return None if final else exc
        self._say(project, "", "")
        return None

    async def _done(self, project: str, report: Pending) -> None:
        while True:
            try:
                await self._outbox.relayed(project, [report.message_id])
            except JournalError:
                # It must not be sent a second time for want of a note.
                await self._runtime.sleep(_JOURNAL_PAUSE)
                continue
            self._in_hand[project].remove(report)
            self._count(project, -1)
            return

    def _count(self, project: str, change: int) -> None:
        self._pending[project] = max(0, self._pending[project] + change)
        self._metrics.relay_pending.labels(project).set(self._pending[project])

    def _say(self, project: str, reason: str, detail: str) -> None:
        """Log the first failure of a kind, and the first success after it."""
        before = self._failing.get(project, "")
        if reason == before:
            return
        self._failing[project] = reason
        if not reason:
            self._log.info("reports are passed on to DLI again", project=project, after=before)
        elif reason == REFUSED:
            self._log.warning("DLI refused a report, gave it up", project=project, detail=detail)
        else:
            self._log.warning(
                "report not passed on to DLI, trying again", project=project, detail=detail
            )


def _is_final(error: FetchError) -> bool:
    """Say whether DLI will refuse the same report for ever."""
    wrong = error.status in _REFUSED_FOR_GOOD and error.reason is Reason.SERVER
    return wrong and not error.retryable
