"""Poll one source for ever: the listing first, then what is worth asking about single jobs.

Each source is a task of its own, so that a slow or broken one never hurts another. A poll publishes
as soon as the listing is in, because states come from there; details follow in order of urgency
until the next poll is due, and what is left then waits for its turn.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from exporter.errors import FetchError, Reason
from exporter.incidents import Incidents, Log, trail
from exporter.ledger import Agenda, Ledger
from exporter.model import Job, Snapshot
from exporter.pacing import Backoff
from exporter.reading import Flaws
from exporter.source import Source, SourceSettings
from exporter.store import Store
from exporter.telemetry import Telemetry
from exporter.world import World

_LATEST_START = 3.0
"""Seconds over which the first polls of all sources are spread."""
_PUBLISH_EVERY = 5.0
"""Seconds after which a long round of details publishes what it has so far."""
_INDEX = re.compile(r"\[\d+\]")


_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How the listing of one poll went."""

    failure: FetchError | None
    agenda: Agenda | None


class SourceCollector:
    """The polling loop of one source."""

    def __init__(
        self,
        settings: SourceSettings,
        source: Source,
        *,
        supersedes: bool,
        store: Store,
        telemetry: Telemetry,
        world: World,
        log: Log,
    ) -> None:
        self._settings = settings
        self._source = source
        self._store = store
        self._telemetry = telemetry
        self._world = world
        self._ledger = Ledger(settings, supersedes=supersedes, random=world.random)
        self._incidents = Incidents(log)
        self._labels = (settings.name, settings.platform)
        self._snapshot = Snapshot(
            source=settings.name,
            platform=settings.platform,
            labels=settings.label_pairs,
            stale_after=settings.stale_after,
            all_states=settings.state_series == "all",
        )
        self._backoff = Backoff(
            base=settings.poll_interval / 4, limit=settings.poll_interval, random=world.random
        )

    @property
    def snapshot(self) -> Snapshot:
        """Return what was last published."""
        return self._snapshot

    def announce(self) -> None:
        """Publish that the source exists, before anything is known of it."""
        self._telemetry.add_source(*self._labels)
        self._publish()

    def adopt(self, snapshot: Snapshot) -> None:
        """Take over what was known of the source before its settings changed."""
        self._ledger.adopt(snapshot.jobs)
        self._publish(
            last_success_timestamp=snapshot.last_success_timestamp,
            jobs=self._ledger.jobs(self._world.clock()),
        )

    async def run(self) -> None:
        """Poll until cancelled."""
        world, interval = self._world, self._settings.poll_interval
        # Sources started together would ask together for ever after.
        await world.sleep(world.random.uniform(0, min(_LATEST_START, interval)))
        while True:
            started = world.monotonic()
            failure = await self.poll()
            pause = max(0.0, started + interval - world.monotonic())
            if failure is not None:
                # Sooner than usual, but never all at once; what the platform asked for comes first.
                pause = max(self._backoff.next(), failure.retry_after or 0.0)
            else:
                self._backoff.reset()
            self._publish(next_poll_timestamp=world.clock() + pause)
            await world.sleep(pause)

    async def poll(self) -> FetchError | None:
        """Poll once; return why the listing failed, or None."""
        world = self._world
        started = world.monotonic()
        deadline = started + self._settings.poll_interval
        outcome = await self._take_inventory()
        self._publish_listing(outcome, world.monotonic() - started)
        finished = True
        if outcome.agenda is not None:
            finished = await self._ask(outcome.agenda, deadline)
        self._telemetry.polls.labels(*self._labels).inc()
        if not finished or world.monotonic() > deadline:
            self._telemetry.poll_overruns.labels(*self._labels).inc()
            self._incidents.once(
                "poll did not finish what was due within poll_interval: raise rate_limit, "
                "poll_interval or detail_interval"
            )
        self._publish(
            jobs=self._ledger.jobs(world.clock()),
            poll_duration_seconds=world.monotonic() - started,
        )
        return outcome.failure

    async def _take_inventory(self) -> _Outcome:
        async def take() -> _Outcome:
            inventory = await self._source.fetch_inventory()
            self._note_flaws(inventory.flaws)
            agenda = self._ledger.note_inventory(inventory, self._world.clock())
            for project, error in inventory.incomplete:
                self._incidents.once("listing failed", project=project, detail=str(error))
            errors = [error for _, error in inventory.incomplete]
            return _Outcome(failure=errors[0] if errors else None, agenda=agenda)

        outcome = await self._bounded("listing", take)
        if isinstance(outcome, FetchError):
            return _Outcome(failure=outcome, agenda=None)
        return outcome

    def _publish_listing(self, outcome: _Outcome, seconds: float) -> None:
        now = self._world.clock()
        failure = outcome.failure
        if failure is None:
            self._incidents.succeeded()
            self._publish(
                up=True,
                failure="",
                last_success_timestamp=now,
                last_poll_timestamp=now,
                poll_duration_seconds=seconds,
                jobs=self._ledger.jobs(now),
                absent=self._ledger.absent(),
            )
            return
        self._incidents.failed(failure.reason, str(failure))
        self._telemetry.poll_failures.labels(*self._labels, failure.reason.value).inc()
        self._publish(
            up=False,
            failure=str(failure),
            last_poll_timestamp=now,
            poll_duration_seconds=seconds,
            jobs=self._ledger.jobs(now),
        )

    async def _ask(self, agenda: Agenda, deadline: float) -> bool:
        """Ask about single jobs until done or the next poll is due; say whether all was asked."""
        queue = iter((*agenda.missing, *agenda.urgent, *agenda.routine))
        stop = asyncio.Event()
        workers = [self._work(queue, stop, deadline) for _ in range(self._settings.concurrency)]
        await asyncio.gather(*workers)
        return next(queue, None) is None and not stop.is_set()

    async def _work(self, queue: Iterable[Job], stop: asyncio.Event, deadline: float) -> None:
        published = self._world.monotonic()
        for job in queue:
            if not await self._ask_one(job):
                stop.set()
            now = self._world.monotonic()
            if stop.is_set() or now >= deadline:
                return
            if now - published >= _PUBLISH_EVERY:
                published = now
                self._publish(jobs=self._ledger.jobs(self._world.clock()))

    async def _ask_one(self, job: Job) -> bool:
        """Ask about one job; say whether asking about the others makes sense."""

        async def ask() -> None:
            details = await self._source.fetch_details(job)
            self._note_flaws(details.flaws)
            self._ledger.note_details(details.job, self._world.clock())
            for failure in details.failures:
                self._note_detail_failure(failure)

        error = await self._bounded("details", ask)
        if error is None:
            return True
        if error.gone:
            self._ledger.note_gone(job.key)
            return True
        self._ledger.note_failure(job.key)
        self._note_detail_failure(error)
        # What concerns the whole source would only be refused again for the next job.
        return error.reason not in (Reason.AUTH, Reason.THROTTLED, Reason.CONNECTION, Reason.TLS)

    async def _bounded(
        self, operation: str, work: Callable[[], Awaitable[_Result]]
    ) -> _Result | FetchError:
        """Be the boundary of a poll: whatever goes wrong in it ends here, as a FetchError."""
        try:
            return await work()
        except FetchError as exc:
            return exc
        except Exception as exc:
            # A fault of ours in reading one answer must not end the task of the source.
            return FetchError(Reason.INVALID_RESPONSE, operation, detail=trail(exc))

    def _note_detail_failure(self, error: FetchError) -> None:
        self._telemetry.detail_failures.labels(*self._labels, error.reason.value).inc()
        self._incidents.once("details of a job could not be had", detail=str(error))

    def _note_flaws(self, flaws: Flaws) -> None:
        if flaws.unreadable:
            self._telemetry.unreadable_fields.labels(*self._labels).inc(len(flaws.unreadable))
            self._incidents.all_at_once(
                "skipped a field that is not as documented",
                "field",
                # The same field of another row is no news.
                (_INDEX.sub("[]", str(flaw)) for flaw in flaws.unreadable),
            )
        if flaws.unknown_states:
            self._telemetry.unknown_states.labels(*self._labels).inc(len(flaws.unknown_states))
            self._incidents.all_at_once(
                "met a state word that is not known", "word", flaws.unknown_states
            )

    def _publish(self, **changes: Any) -> None:
        self._snapshot = replace(self._snapshot, **changes)
        self._store.put(self._snapshot)
