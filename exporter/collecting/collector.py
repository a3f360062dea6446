"""Poll one source for ever: the listing first, then what is worth asking about single jobs.

Each source is a task of its own, so that a slow or broken one never hurts another. A poll publishes
as soon as the listing is in, because states come from there; details follow in order of urgency
until the next poll is due, and what is left then waits for its turn.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from exporter.collecting.detail_queue import DetailQueue
from exporter.collecting.detail_round import DetailRound, RoundResult
from exporter.collecting.job_tracker import JobTracker
from exporter.collecting.sharding import Shard
from exporter.collecting.store import Store, fresh
from exporter.collecting.tracked_job import TrackedJob
from exporter.errors import FetchError, Reason, SlowExpressionError
from exporter.fields import Flaws
from exporter.model import ClusterCounts, Job, JobKey, Snapshot
from exporter.pacing import LONGEST_WAIT, Backoff, bounded_wait
from exporter.process.condition_log import ConditionLog, Log, trail
from exporter.process.steps import finished, in_steps
from exporter.runtime import Runtime
from exporter.source import Source, SourceSettings
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.stall import StallLimit

_LATEST_START = 3.0
"""Seconds over which the first polls of all sources are spread."""
_PUBLISH_EVERY = 5.0
"""Seconds after which a long round of details publishes what it has so far."""
_CALLS_OF_A_QUESTION = 6
"""No platform asks more about one job."""
_LEAST_SHARE = 1 / 3
"""How much longer than its listing a poll lasts at least, so that details always come as well."""
_MOST_EXTRA = 8
"""Time-outs by which a round is made longer at most: some questions take five calls in turn."""
_OF_THE_SOURCE = (Reason.AUTH, Reason.THROTTLED, Reason.CONNECTION, Reason.TLS)
_INDEX = re.compile(r"\[\d+\]")


_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How the listing of one poll went."""

    failure: FetchError | None
    detail_queue: DetailQueue | None
    clusters: ClusterCounts | None = None


class SourceCollector:
    """The polling loop of one source."""

    def __init__(
        self,
        settings: SourceSettings,
        source: Source,
        *,
        supersedes: bool,
        rescales: bool = False,
        store: Store,
        telemetry: Telemetry,
        runtime: Runtime,
        log: Log,
        shard: Shard | None = None,
        stall: StallLimit | None = None,
    ) -> None:
        """Take what there is to poll; `stall` bounds a listing that brings nothing.

        `supersedes` and `rescales` are what a platform says of itself.
        """
        self._settings = settings
        self._source = source
        self._store = store
        self._rescales = rescales
        self._telemetry = telemetry
        self._runtime = runtime
        self._job_tracker = JobTracker(
            settings,
            supersedes=supersedes,
            random=runtime.random,
            shard=shard,
            gone_retention=settings.attention.gone_retention,
        )
        self._publishing = asyncio.Lock()
        self._conditions = ConditionLog(log)
        self._labels = (settings.name, settings.platform)
        self._stall = stall or StallLimit(settings.timeout * 2)
        self._extra = 0.0
        """Seconds that a round of details may take longer than it should, to have any answer."""
        self._published_at = 0.0
        self._behind_at: float | None = None
        """When a poll last left questions over that were due."""
        self._snapshot = Snapshot(
            source=settings.name,
            platform=settings.platform,
            labels=settings.label_pairs,
            stale_after=settings.stale_after,
            all_states=settings.state_series == "all",
        )
        self._refused = False
        self._backoff = Backoff(
            base=settings.poll_interval / 4, limit=settings.poll_interval, random=runtime.random
        )

    @property
    def snapshot(self) -> Snapshot:
        """Return what was last published."""
        return self._snapshot

    def announce(self) -> None:
        """Publish that the source exists, before anything is known of it."""
        settings = self._settings
        self._telemetry.add_source(*self._labels)
        self._store.watch(settings.name, settings.attention, rescales=self._rescales)
        self._publish()

    @property
    def refused(self) -> bool:
        """Say whether the last listing failed for its credentials."""
        return self._refused

    @property
    def remembered(self) -> Mapping[JobKey, TrackedJob]:
        """Return what is remembered of each job."""
        return self._job_tracker.remembered

    def adopt(
        self,
        snapshot: Snapshot,
        remembered: Mapping[JobKey, TrackedJob] | None = None,
        *,
        changed: bool = True,
    ) -> None:
        """Take over what was known of the source, and `remembered`, before it was opened anew.

        Where its settings have not `changed`, a failure goes on until it is seen to be over.
        """
        self._job_tracker.adopt(snapshot.jobs, snapshot.gone, remembered)
        shown = finished(self._job_tracker.show(self._runtime.clock()))
        self._publish(
            up=None if changed else snapshot.up,
            failure="" if changed else snapshot.failure,
            last_success_timestamp=snapshot.last_success_timestamp,
            jobs=shown.jobs,
            gone=shown.gone,
        )

    async def run(self) -> None:
        """Poll until cancelled."""
        runtime, interval = self._runtime, self._settings.poll_interval
        # Sources started together would ask together for ever after.
        await runtime.sleep(runtime.random.uniform(0, min(_LATEST_START, interval)))
        while True:
            started = runtime.monotonic()
            failure = await self.poll()
            pause = max(0.0, started + interval - runtime.monotonic())
            if failure is not None:
                # Sooner than usual, but never all at once; what the platform asked for comes first.
                pause = max(self._backoff.next(), bounded_wait(failure.retry_after))
                self._note_long_wait(failure.retry_after)
            else:
                self._conditions.ended("long wait", "the platform answers again")
                self._backoff.reset()
            self._publish(next_poll_timestamp=runtime.clock() + pause)
            await runtime.sleep(pause)

    def _note_long_wait(self, asked: float | None) -> None:
        if asked is not None and asked > LONGEST_WAIT:
            self._conditions.began(
                "long wait",
                "the platform asks for a pause longer than an hour, asking again after an hour",
                asked=f"{asked:.0f} s",
            )

    async def poll(self) -> FetchError | None:
        """Poll once; return why the listing failed, or None."""
        runtime = self._runtime
        started = runtime.monotonic()
        outcome = await self._take_inventory()
        listed = runtime.monotonic()
        await self._publish_listing(outcome, listed - started)
        deadline = max(
            started + self._settings.poll_interval, listed + (listed - started) * _LEAST_SHARE
        )
        finished = True
        if outcome.detail_queue is not None:
            finished = await self._ask(outcome.detail_queue, deadline, listed - started)
        self._telemetry.polls.labels(*self._labels).inc()
        if not finished or runtime.monotonic() > started + self._settings.poll_interval:
            self._telemetry.poll_overruns.labels(*self._labels).inc()
        await self._publish_jobs(poll_duration_seconds=runtime.monotonic() - started)
        return outcome.failure

    async def _take_inventory(self) -> _Outcome:
        async def take() -> _Outcome:
            with self._stall.listing():
                inventory = await self._source.fetch_inventory()
            self._note_flaws(inventory.flaws)
            detail_queue = await in_steps(self._job_tracker.take(inventory, self._runtime.clock()))
            for project, error in inventory.incomplete:
                self._conditions.once("listing failed", project=project, detail=str(error))
            for failure in inventory.failures:
                self._note_part_failure(failure)
            for project, error in inventory.unreached:
                self._conditions.once("cluster not reached", project=project, detail=str(error))
            errors = [error.bare() for _, error in inventory.incomplete]
            return _Outcome(
                failure=errors[0] if errors else None,
                detail_queue=detail_queue,
                clusters=inventory.clusters,
            )

        outcome = await self._bounded("listing", take)
        if isinstance(outcome, FetchError):
            return _Outcome(failure=outcome, detail_queue=None)
        return outcome

    async def _publish_listing(self, outcome: _Outcome, seconds: float) -> None:
        now = self._runtime.clock()
        failure = outcome.failure
        self._refused = failure is not None and failure.reason is Reason.AUTH
        if outcome.clusters is not None:
            self._snapshot = replace(self._snapshot, clusters=outcome.clusters)
        if failure is None:
            self._conditions.succeeded()
            await self._publish_jobs(
                up=True,
                failure="",
                last_success_timestamp=now,
                last_poll_timestamp=now,
                poll_duration_seconds=seconds,
                absent=await in_steps(self._job_tracker.find_absent()),
            )
            return
        self._telemetry.poll_failures.labels(*self._labels, failure.reason.value).inc()
        await self._publish_jobs(
            up=False,
            failure=str(failure),
            last_poll_timestamp=now,
            poll_duration_seconds=seconds,
        )
        keeping = fresh(self._snapshot, now).counts_jobs
        self._conditions.failed(failure.reason, str(failure), keeping=keeping)

    async def _ask(self, detail_queue: DetailQueue, deadline: float, listing: float) -> bool:
        """Ask about single jobs until done or the next poll is due; say whether all was asked.

        `listing` is how many seconds the listing took: a question may take as long.
        """
        self._published_at = self._runtime.monotonic()
        settings, answers = self._settings, self._stall.answers
        result = await DetailRound(
            detail_queue.in_order(),
            ask=self._ask_one,
            between=self._publish_now_and_then,
            deadline=deadline,
            extra=max(listing, self._extra),
            grace=min(_CALLS_OF_A_QUESTION / settings.rate_limit, settings.timeout / 2),
            drain=settings.timeout * 2,
            monotonic=self._runtime.monotonic,
        ).run(self._settings.concurrency)
        for job in result.unanswered:
            # No failure of the job; but asked first each time, such jobs could starve the others.
            self._job_tracker.note_failure(job.key, self._runtime.clock())
        self._note_time_needed(result, answers=self._stall.answers - answers)
        self._note_lateness(behind=not result.stopped and self._job_tracker.behind(result.left))
        return not result.left and not result.stopped

    def _note_time_needed(self, result: RoundResult, *, answers: int) -> None:
        """Give rounds more time where the platform answers, but no question comes to its end."""
        if result.ended and not result.overtime:
            self._extra = 0.0
        elif result.unanswered and not result.ended and answers:
            timeout = self._settings.timeout
            self._extra = min(max(timeout, 2 * self._extra), timeout * _MOST_EXTRA)

    async def _publish_now_and_then(self) -> None:
        now = self._runtime.monotonic()
        if now - self._published_at >= _PUBLISH_EVERY:
            self._published_at = now
            await self._publish_jobs()

    def _note_lateness(self, *, behind: bool) -> None:
        """Say when details begin to come later than asked for, and when they no longer do.

        They are in time again when for a whole detail_interval no poll has left any over: near the
        limit of what is possible every other poll does.
        """
        now = self._runtime.monotonic()
        if behind:
            self._behind_at = now
            self._conditions.began(
                "details late",
                "details come less often than detail_interval: raise rate_limit, concurrency, "
                "poll_interval or detail_interval, or add shards",
            )
        elif self._behind_at is None or now - self._behind_at >= self._settings.detail_interval:
            self._conditions.ended("details late", "details come within detail_interval again")

    async def _ask_one(self, job: Job) -> bool:
        """Ask about one job; say whether asking about the others makes sense."""

        async def ask() -> None:
            details = await self._source.fetch_details(job)
            self._note_flaws(details.flaws)
            self._job_tracker.note_details(
                details.job,
                self._runtime.clock(),
                withdrawn=details.withdrawn,
                in_doubt=details.in_doubt,
            )
            await in_steps(self._job_tracker.withdraw(details.withdrawn_elsewhere))
            for failure in details.failures:
                self._note_detail_failure(failure)

        error = await self._bounded("details", ask)
        if error is None:
            return True
        if error.gone:
            self._job_tracker.note_gone(job.key, self._runtime.clock())
            return True
        self._job_tracker.note_failure(job.key, self._runtime.clock())
        self._note_detail_failure(error)
        # What concerns the whole source would only be refused again for the next job.
        return error.local or error.reason not in _OF_THE_SOURCE

    async def _bounded(
        self, operation: str, work: Callable[[], Awaitable[_Result]]
    ) -> _Result | FetchError:
        """Be the boundary of a poll: whatever goes wrong in it ends here, as a FetchError."""
        try:
            return await work()
        except FetchError as exc:
            return exc.bare()
        except SlowExpressionError as exc:
            return FetchError(Reason.INVALID_RESPONSE, operation, detail=str(exc))
        except Exception as exc:
            # A fault of ours in reading one answer must not end the task of the source.
            return FetchError(Reason.INVALID_RESPONSE, operation, detail=trail(exc))

    def _note_detail_failure(self, error: FetchError) -> None:
        self._telemetry.detail_failures.labels(*self._labels, error.reason.value).inc()
        self._conditions.once("details of a job could not be had", detail=str(error))

    def _note_part_failure(self, error: FetchError) -> None:
        self._telemetry.detail_failures.labels(*self._labels, error.reason.value).inc()
        self._conditions.once("a part of what is asked could not be had", detail=str(error))

    def _note_flaws(self, flaws: Flaws) -> None:
        if flaws.unreadable:
            self._telemetry.unreadable_fields.labels(*self._labels).inc(flaws.unreadable_count)
            self._conditions.all_at_once(
                "skipped a field that is not as documented",
                "field",
                # The same field of another row is no news.
                (_INDEX.sub("[]", str(flaw)) for flaw in flaws.unreadable),
            )
        if flaws.unknown_states:
            self._telemetry.unknown_states.labels(*self._labels).inc(flaws.unknown_state_count)
            self._conditions.all_at_once(
                "met a state word that is not known", "word", flaws.unknown_states
            )

    async def _publish_jobs(self, **changes: Any) -> None:
        # Those who ask about single jobs publish too, each when it is time.
        async with self._publishing:
            shown = await in_steps(self._job_tracker.show(self._runtime.clock()))
            self._snapshot = replace(
                self._snapshot,
                jobs=shown.jobs,
                gone=shown.gone,
                detail_age_seconds=shown.detail_age_seconds,
                **changes,
            )
            await in_steps(self._store.publish(self._snapshot))

    def _publish(self, **changes: Any) -> None:
        self._snapshot = replace(self._snapshot, **changes)
        self._store.put(self._snapshot)
