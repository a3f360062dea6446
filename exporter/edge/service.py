"""Run everything about edge reports: the journal, what is remembered, what is shown, the relay."""

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path

from exporter.collecting.store import Store
from exporter.edge.intake import ReportIntake
from exporter.edge.job_tracker import EdgeJobTracker
from exporter.edge.journal import Events, Journal
from exporter.edge.journal_copy import Holdings
from exporter.edge.journal_sql import Entry, StoredJob
from exporter.edge.journal_writer import Limits
from exporter.edge.metrics import EdgeMetrics
from exporter.edge.publisher import Publisher
from exporter.edge.receiver import Receiver
from exporter.edge.relay import Relay, RelayTarget
from exporter.edge.settings import SOURCE, EdgeSettings
from exporter.errors import JournalError
from exporter.process.condition_log import ConditionLog, Log, trail
from exporter.runtime import Runtime
from exporter.telemetry.telemetry import Telemetry

_PROBE_PAUSE = 5.0
_TIDY_PAUSE = 60.0


class EdgeService:
    """The receiver of edge reports: open it, begin, stop it."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        store: Store,
        telemetry: Telemetry,
        runtime: Runtime,
        log: Log,
    ) -> None:
        self.settings = settings
        self._store = store
        self._telemetry = telemetry
        self._runtime = runtime
        self._log = log.bind(source=SOURCE)
        self._job_tracker = EdgeJobTracker(
            expire_after=settings.expire_after, ended_retention=settings.ended_retention
        )
        events = Events(
            stored=self._stored,
            expired=self._expired,
            committed=lambda seconds: self._metrics.commit_duration.observe(seconds),
            failed=self._failed,
        )
        self._journal = Journal(
            settings.database,
            limits=_limits(settings),
            events=events,
            clock=runtime.clock,
            monotonic=runtime.monotonic,
        )
        self._publisher = Publisher(
            settings,
            job_tracker=self._job_tracker,
            store=store,
            listening=self._journal.listening,
            runtime=runtime,
        )
        self._metrics = EdgeMetrics(settings.database)
        self._intake = ReportIntake(
            settings,
            job_tracker=self._job_tracker,
            journal=self._journal,
            metrics=self._metrics,
            telemetry=telemetry,
            conditions=ConditionLog(self._log),
            runtime=runtime,
        )
        self.receiver = Receiver(self._intake)
        self._relay: Relay | None = None
        self._backlog: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._down = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Say whether what was known before the start is known again."""
        return self._publisher.snapshot.up is not None

    def holds(self, path: Path) -> bool:
        """Say whether the file at a path is the journal's, under whatever name."""
        return self._journal.holds(path)

    async def open(self) -> None:
        """Open the journal and read back what is known. Raises JournalError."""
        aside = await self._journal.open()
        try:
            jobs, lost = await self._journal.jobs()
            self._backlog = await self._journal.backlog()
        except JournalError:
            await self._journal.close()
            raise
        if aside is not None:
            self._log.error(
                "the journal of edge reports is damaged: moved it away, began a new one",
                moved_to=str(aside),
            )
        lost += self._restore(jobs)
        if lost:
            self._log.error("left out jobs of the journal that cannot be read", jobs=lost)
        self._log.info("journal of edge reports is open", jobs=len(jobs))

    async def close(self) -> None:
        """Close a journal that was opened but not begun with."""
        await self._journal.close()

    async def begin(self, target: RelayTarget | None) -> None:
        """Show what is known, and take reports from now on."""
        self._metrics.register(self._telemetry.registry)
        await self._configure(target)
        for project, received in self._job_tracker.projects():
            self._metrics.reported(project, received)
        self._publisher.publish(up=True)
        for name, work in (
            ("publish", self._publisher.run()),
            ("tidy", self._tidy()),
            ("probe", self._probe()),
        ):
            task = asyncio.create_task(work, name=f"edge {name}")
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def reconfigure(self, settings: EdgeSettings, target: RelayTarget | None) -> None:
        """Go on with other settings for the same file."""
        for project in self.settings.projects.keys() - settings.projects.keys():
            self._metrics.remove_project(project)
        self.settings = settings
        self._job_tracker.expire_after = settings.expire_after
        self._job_tracker.ended_retention = settings.ended_retention
        self._journal.configure(settings.database, _limits(settings))
        self._intake.configure(settings)
        self._publisher.settings = settings
        await self._configure(target)
        self._publisher.publish()

    async def stop(self) -> None:
        """Stop, with everything that was taken in on the disk."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        if self._down.is_set():
            # The last chance for what only a lost file and the memory hold.
            with contextlib.suppress(JournalError):
                await self._begin_anew()
        if self._relay is not None:
            await self._relay.stop()
        await self._journal.close()
        self._metrics.unregister()
        self._telemetry.remove_source(SOURCE)
        self._store.remove(SOURCE)

    async def _configure(self, target: RelayTarget | None) -> None:
        if self._relay is not None:
            await self._relay.stop()
            self._relay = None
        for project in self.settings.projects:
            self._metrics.add_project(project, relay=target is not None)
        if target is not None:
            with contextlib.suppress(JournalError):
                self._backlog = await self._journal.backlog()
            self._relay = Relay(
                target,
                self._journal,
                projects=self.settings.projects,
                backlog=self._backlog,
                metrics=self._metrics,
                listening=self._journal.listening,
                runtime=self._runtime,
                log=self._log,
            )

    # The journal tells, in the order of commits.

    def _stored(self, entry: Entry) -> None:
        now = self._journal.listening()
        for known in entry.jobs:
            self._job_tracker.note(known, now)
        self._metrics.accepted(entry.project)
        self._metrics.reported(entry.project, entry.received_at)
        if entry.relay and self._relay is not None:
            self._relay.added(entry)
        self._publisher.changed()

    def _expired(self, project: str, count: int) -> None:
        if self._relay is not None:
            self._relay.expired(project, count)

    def _failed(self, failure: str | None) -> None:
        if failure is None:
            self._down.clear()
            self._log.info("edge reports are stored again")
            self._publisher.publish(up=True, failure="")
            return
        if self._down.is_set():
            self._log.debug("edge reports still cannot be stored", detail=failure)
        else:
            self._down.set()
            self._log.error(
                "edge reports cannot be stored, senders are asked to wait", detail=failure
            )
        self._publisher.publish(up=False, failure=f"journal: {failure}")

    # What goes on in the background.

    async def _tidy(self) -> None:
        """Forget withdrawn jobs, on the disk first."""
        while True:
            gone = self._job_tracker.gone(self._journal.listening())
            if gone:
                with contextlib.suppress(JournalError):
                    await self._journal.forget(gone)
                    for known in gone:
                        self._job_tracker.forget(known)
            await self._runtime.sleep(_TIDY_PAUSE)

    async def _probe(self) -> None:
        """While writing does not work try it, so that its recovery is noticed without reports."""
        while True:
            await self._down.wait()
            await self._runtime.sleep(_PROBE_PAUSE)
            if self._down.is_set():
                with contextlib.suppress(JournalError):
                    await self._begin_anew()

    async def _begin_anew(self) -> None:
        """Make the file that is at its place the journal again. Raises JournalError."""
        in_hand = self._relay.in_hand() if self._relay is not None else ()
        renewal = await self._journal.begin_anew(
            Holdings(jobs=self._job_tracker.stored(), pending=in_hand)
        )
        if renewal is None:
            return
        self._restore(
            [each for each in renewal.jobs if self._job_tracker.newest(each.known.key) is None]
        )
        if self._relay is not None:
            self._relay.recount(await self._journal.backlog())
        facts = {} if renewal.set_aside is None else {"moved_to": str(renewal.set_aside)}
        self._log.warning(
            "the journal of edge reports was begun anew", complete=renewal.complete, **facts
        )

    def _restore(self, jobs: Iterable[StoredJob]) -> int:
        """Know jobs as they were stored; return how many cannot be read."""
        unreadable = 0
        for stored in jobs:
            try:
                self._job_tracker.restore(stored)
            except (ValueError, TypeError, LookupError):
                unreadable += 1
        return unreadable

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._log.error("ended unexpectedly", task=task.get_name(), detail=trail(exc))
            if task.get_name() == "edge publish":
                self._publisher.withdraw("edge jobs cannot be shown: see the log")


def _limits(settings: EdgeSettings) -> Limits:
    return Limits(
        seconds=settings.retention,
        bytes=settings.max_size,
        keep_pending=settings.relay is not None,
    )
