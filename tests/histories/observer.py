"""Watch what the exporter publishes, knowing everything, and keep the first rule that is broken."""

from collections.abc import Callable
from functools import partial

from exporter.errors import FetchError, Reason
from exporter.model import ENDED_STATES, Job, JobKey, Snapshot, State
from exporter.source import Inventory, SourceSettings
from tests.histories.cloud import RETRY_AFTER, Sky
from tests.histories.hindsight import Hindsight
from tests.histories.history import POLL_INTERVAL, History, Weather
from tests.histories.judgement import Judge
from tests.histories.memory import Memory, Told
from tests.histories.page import judge_page
from tests.histories.problems import Problems
from tests.histories.rules import Broken, Rule, brief
from tests.histories.truth import Truth
from tests.histories.vanished import Vanished

_STOPPING = (Reason.AUTH, Reason.THROTTLED, Reason.CONNECTION, Reason.TLS)
_FIRST_POLL = 3.0
_PATIENCE = 3
_SLACK = 0.5


class Observer:
    """Hears what the cloud says and what the exporter publishes."""

    def __init__(
        self, history: History, truth: Truth, sky: Sky, *, settings: SourceSettings
    ) -> None:
        self.broken: Broken | None = None
        self._history = history
        self._kind = history.kind
        self._settings = settings
        self._memory = Memory()
        self._sky = sky
        self._hindsight = Hindsight(history, truth, sky)
        self._vanished = Vanished(self._hindsight.has_later_run)
        self._judge = Judge(history, truth, self._memory, self._sky)
        self._problems = Problems(self._judge.of, lag=self._kind.details_lag)
        self._shown: tuple[Job, ...] = ()
        self._snapshot: Snapshot | None = None
        self._heard = False
        """Whether the cloud has said anything since the jobs were judged."""
        self._published_at = 0.0
        self._listed_at = 0.0
        self._health: list[tuple[float, bool | None]] = []
        """What was told of the health of the source, and when."""
        self._poll: bool | None = None
        """How the last poll went; None when there was none since the last load."""
        self._round_ended = True
        """Whether this round of details was broken off, rightly."""
        self._hurt_at = 0.0
        """When a poll or a round of details last went wrong."""
        self._next_poll_by = _FIRST_POLL + _SLACK
        self._disturbed = [0.0]
        """When the exporter was started or its configuration changed."""
        self._failed_seen: dict[JobKey, list[float]] = {}

    def restarted(self, now: float) -> None:
        """Hear that the exporter knows nothing any more."""
        self._memory.jobs.clear()
        self._memory.gone.clear()
        self._judge.forget()
        self._vanished.restarted()
        self._problems.restarted()
        self._shown, self._snapshot, self._poll = (), None, None
        self._round_ended = True
        self._disturbed.append(now)
        self._next_poll_by = now + _FIRST_POLL + _SLACK

    def reloads(self, settings: SourceSettings, now: float) -> None:
        """Hear that the configuration is being changed."""
        self._settings = settings
        self._vanished.reloads(self._selects)
        self._memory.reloaded()
        self._poll = None
        self._round_ended = True
        self._hurt_at = self._published_at
        # What was last published is from before; what comes begins anew now.
        self._disturbed += (self._published_at, now)
        self._next_poll_by = float("inf")

    def listing_begins(self, now: float) -> None:
        """Hear that a poll begins; the last one has ended."""
        hung = self._sky.during(Weather.HANGS, self._listed_at, now)
        # How soon a poll follows then is for another rule to say.
        by = self._next_poll_by + (RETRY_AFTER if hung else 0.0)
        if now > by:
            self._breaks(Rule.POLLS_GO_ON, now, f"expected one by {by:.2f}")
        if hung:
            # There was no time for all questions.
            self._round_ended, self._hurt_at = True, now
        if not self._round_ended:
            for key, known in self._memory.jobs.items():
                if known.row is None or known.missed or self._is_no_matter(key, known.row):
                    continue
                if known.unasked and known.refused < _PATIENCE:
                    self._breaks(Rule.CHANGE_IS_ASKED, now, f"{key.job_id}: {brief(known.row)}")
                self._judge_detail_age(known, now)
        self._round_ended = True
        # A listing may take as long as its pages do, and details as long again.
        self._next_poll_by = now + POLL_INTERVAL + RETRY_AFTER + 20 * self._history.latency

    def listed(self, inventory: Inventory, begun: float, now: float) -> None:
        """Hear what a listing has brought."""
        if begun < self._disturbed[-1]:
            # It arrives at the moment of a reload, which breaks its poll off.
            return
        self._listed_at, self._heard = now, True
        incomplete = {project for project, _ in inventory.incomplete}
        self._note_poll(not incomplete, now)
        self._round_ended = False
        if not incomplete:
            spent = now - begun
            self._next_poll_by = now + max(POLL_INTERVAL, spent * 2) + 9 * self._history.latency
            self._next_poll_by += _SLACK
        rows = {row.key: row for row in inventory.jobs if self._selects(row)}
        for key, row in rows.items():
            self._memory.of(key).hear_row(row, now)
            self._vanished.heard(row)
        listed = {row.key for row in inventory.jobs}
        for key in self._hindsight.existing(now) - listed:
            if key.project not in incomplete and not self._hindsight.may_lack(key, begun, now):
                self._breaks(Rule.LISTING_IS_WHOLE, now, f"{key.job_id} is not in it")
        self._vanished.listed(listed, incomplete)
        lacked = self._memory.jobs.keys() - rows.keys()
        self._memory.missed([key for key in lacked if key.project not in incomplete])
        for key in lacked - self._memory.jobs.keys():
            self._vanished.left(key, listed=key in listed)

    def listing_failed(self, error: Exception, now: float) -> None:
        """Hear that a listing has brought nothing."""
        self._note_poll(False, now)
        self._hurt_at = now
        self._round_ended = True

    def _note_poll(self, went: bool, now: float) -> None:
        # What arrives at the moment of a reload is of the poll that is broken off by it.
        self._poll = went if now > self._disturbed[-1] else None

    def answered(self, job: Job, *, whole: bool, then: float, now: float) -> None:
        """Hear what was said of one job."""
        self._heard = True
        self._vanished.heard(job)
        if job.key in self._memory.jobs:
            self._memory.of(job.key).hear_details(job, whole=whole, then=then, now=now)

    def refused(self, key: JobKey, error: FetchError, now: float) -> None:
        """Hear that nothing was said of one job."""
        self._heard = True
        if error.gone:
            known = self._memory.jobs.get(key)
            self._vanished.refused(key, missed=known is not None and known.missed > 0)
            self._memory.let_go(key)
        elif key in self._memory.jobs:
            known = self._memory.of(key)
            known.refused += 1
            known.unasked = False
            known.asked_at = now
        if not error.gone:
            self._hurt_at = now
        if error.reason in _STOPPING:
            self._round_ended = True

    def published(self, snapshot: Snapshot, now: float) -> None:
        """Judge what is published."""
        self._published_at = now
        if not self._health or self._health[-1][1] is not snapshot.up:
            self._health.append((now, snapshot.up))
        if self._poll is not None and snapshot.up is not self._poll:
            self._breaks(Rule.UP_IS_TRUE, now, f"the last poll went {self._poll}: {snapshot.up}")
        if self._heard or snapshot.jobs is not self._shown or self._snapshot is None:
            self._heard = False
            self._judge_jobs(snapshot, now)
        self._guard(partial(self._vanished.published, snapshot, now))
        self._shown, self._snapshot = snapshot.jobs, snapshot

    def problems_told(self, snapshot: Snapshot, now: float) -> None:
        """Judge what was told of problems, as long as this was what was published."""
        self._guard(partial(self._problems.published, snapshot, now))

    def scraped(self, page: str, now: float) -> None:
        """Judge what a scrape brings."""
        self._guard(partial(judge_page, page, self._snapshot, self._published_at, now))

    def looks_back(self, now: float) -> None:
        """Judge what was missed, at the end."""
        if now > self._next_poll_by + POLL_INTERVAL + RETRY_AFTER:
            self._breaks(Rule.POLLS_GO_ON, now, "no poll for long")
        for begin, by in self._hindsight.hangs_to_tell(now, self._disturbed[1:]):
            health = [up for at, up in self._health if at <= by]
            if health[-1:] != [False]:
                self._breaks(Rule.HANG_IS_TOLD, by, f"the API hangs since {begin:.2f}")
        seen = self._failed_seen
        for key, begin, by in self._hindsight.failures_to_see(now, self._disturbed[1:]):
            if not any(begin <= at <= by for at in seen.get(key, [])):
                self._breaks(Rule.FAILURE_IS_SEEN, by, f"{key.job_id} failed at {begin:.2f}")

    def _judge_detail_age(self, known: Told, now: float) -> None:
        said = known.state
        if said is None or said.ended or said.state is State.CREATED or known.asked_at is None:
            return
        limit = self._history.detail_interval + 3 * POLL_INTERVAL
        # One that had ended lives again since its word says so, and need not be asked about before.
        if now - max(known.asked_at, self._hurt_at, known.word_at or 0.0) > limit:
            text = f"last asked for at {known.asked_at:.2f}: {brief(said)}"
            self._breaks(Rule.DETAILS_COME, now, text)

    def _judge_jobs(self, snapshot: Snapshot, now: float) -> None:
        keys = [job.key for job in snapshot.jobs]
        if len(set(keys)) != len(keys):
            self._breaks(Rule.ONCE_EACH, now, f"{keys}")
        for job in snapshot.jobs:
            if job.state is State.FAILED:
                self._failed_seen.setdefault(job.key, []).append(now)
            self._guard(partial(self._judge.judge, job, snapshot.jobs, now))
        shown = set(keys)
        for job in self._shown:
            if job.key not in shown:
                self._judge.leaves(job.key)
                self._judge_leaving(job, snapshot, now)
        for key, known in self._memory.jobs.items():
            said = known.state
            if key in shown or said is None or known.missed or self._is_no_matter(key, said):
                continue
            if known.row is not None and not known.row.native_status and known.details is None:
                continue
            rule = Rule.TOLD_IS_SHOWN
            if said.state in (State.STOPPED, State.FINISHED):
                if self._may_be_over(key, now):
                    continue
                rule = Rule.ENDED_STAY
            self._breaks(rule, now, f"{key.job_id} is {said.state} and not shown")

    def _judge_leaving(self, job: Job, snapshot: Snapshot, now: float) -> None:
        key = job.key
        if key not in self._memory.jobs:
            return
        # After a reload nothing is told yet, and all is as it was shown.
        said = self._memory.jobs[key].state or job
        if self._is_no_matter(key, said):
            return
        if said.state in (State.STOPPED, State.FINISHED):
            if not self._may_be_over(key, now):
                self._breaks(Rule.ENDED_STAY, now, f"{key.job_id} was shown as {job.state}")
            return
        if snapshot.up is False:
            self._breaks(Rule.FAILED_POLL_KEEPS_ALL, now, f"{key.job_id} was shown")
        self._breaks(Rule.NONE_LEAVES_UNTOLD, now, f"{key.job_id} was shown as {job.state}")

    def _selects(self, row: Job) -> bool:
        return row.job_name not in self._settings.jobs.exclude

    def _is_no_matter(self, key: JobKey, said: Job) -> bool:
        """Say whether a job need not be shown, as it is said to be."""
        if not self._selects(said):
            return True
        if said.state is State.CREATED:
            return not self._settings.jobs.drafts
        if said.state in ENDED_STATES and self._kind.run_is_id:
            return self._hindsight.is_replaced(key, self._published_at)
        return False

    def _may_be_over(self, key: JobKey, now: float) -> bool:
        """Say whether an ended job may have been shown for long enough."""
        known = self._memory.jobs[key]
        untold = known.ended_told is None and known.details is None
        # After a reload nothing is told yet, and what was shown counts.
        heard = now if known.end_of is None else known.end_of
        return untold or self._hindsight.retention_may_be_over(key, heard, now)

    def _breaks(self, rule: Rule, at: float, text: str) -> None:
        if self.broken is None:
            self.broken = Broken(rule, at, text)

    def _guard(self, judge: Callable[[], None]) -> None:
        try:
            judge()
        except Broken as exc:
            self.broken = self.broken or exc
