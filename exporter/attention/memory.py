"""Remember of one job what no single look at it tells: what happened when, as far as it was seen.

Only jobs about which there is something to remember have a memory, and each is bounded. All times
are those at which the platform was seen to say so, not those of a clock here: while a source
cannot be polled they stand still, and no problem begins or ends.
"""

from dataclasses import dataclass, field
from typing import Any

from exporter.attention.delays import Delays
from exporter.attention_settings import MOST_RESTARTS, AttentionSettings
from exporter.model import (
    CHANGING_STATES,
    IDLE_STATES,
    Job,
    JobKind,
    Problem,
    ProblemKind,
    State,
)

_TOLD_APART = 5.0
"""Seconds by which clocks may differ where an error is told to come before a restart."""
_RUN_APART = 1.0
"""Seconds by which the beginnings of two runs differ at least: some platforms round them."""

Events = list[tuple[float, int]]
"""When something was seen to have happened, and how often."""


@dataclass(slots=True)
class JobMemory:
    """What is remembered of one job."""

    restarts: Events = field(default_factory=list)
    unexplained: Events = field(default_factory=list)
    """Restarts of which no error was told so far: of a rescaling there is none."""
    runs: Events = field(default_factory=list)
    """Runs that were begun though the one before had not done what it should."""
    ended: State | None = None
    """How its last run has ended, if that was seen, and no new run since."""
    failed_checkpoints: Events = field(default_factory=list)
    failed_in_a_row: int = 0
    """Checkpoints that failed since the last one that was completed."""
    delays: Delays = field(default_factory=Delays)
    """The input delays that were above the limit, since the last one that was not."""
    states: frozenset[State] = frozenset()
    """The states among which it has been since then, if it neither runs nor has failed."""
    in_states_since: float = 0.0
    expectation_told: bool = False
    """Whether its platform itself has ever said if it should run."""
    unknown_since: float | None = None
    untold: dict[str, Any] = field(default_factory=dict)
    """What was last told of facts of which nothing is told at present, by their names."""
    told: dict[ProblemKind, Problem] = field(default_factory=dict)
    turn: int = 0
    """With which of all looks at its source the job was last seen."""

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to remember."""
        return not (
            self.restarts
            or self.unexplained
            or self.runs
            or self.failed_checkpoints
            or self.delays
            or self.states
            or self.unknown_since is not None
            or self.untold
            or self.told
        )

    def note(
        self, before: Job | None, job: Job, limits: AttentionSettings, *, rescales: bool
    ) -> None:
        """Take in a look at the job, and what the last one was.

        Where a platform `rescales` it counts a rescaling as a restart; only those that come with a
        fresh error are counted then.
        """
        self._note_state(job)
        if job.expected_running is not None and not job.expected_by_configuration:
            self.expectation_told = True
        if before is not None and before is not job:
            self._note_run(before, job)
            self._note_restarts(before, job, limits, rescales=rescales)
            self._note_checkpoints(before, job)
        self._note_delay(job, limits)
        if job.rests:
            # How it did before says nothing of how it will do.
            self._begin_anew()
        now = job.observed_timestamp
        _forget(self.restarts, now - limits.restarts.budget_within)
        _forget(self.unexplained, now - limits.restarts.within)
        _forget(self.runs, now - limits.restarts.budget_within)
        _forget(self.failed_checkpoints, now - limits.checkpoint_age)

    def _note_state(self, job: Job) -> None:
        if job.state is State.UNKNOWN:
            # What it was before is not over: nobody knows.
            if self.unknown_since is None:
                self.unknown_since = began(job)
            return
        self.unknown_since = None
        among = next((each for each in (CHANGING_STATES, IDLE_STATES) if job.state in each), None)
        if among is None:
            self.states = frozenset()
        elif self.states is not among:
            self.states, self.in_states_since = among, began(job)
        else:
            # Details may date what a listing, which comes first, does not.
            self.in_states_since = min(self.in_states_since, began(job))

    def _note_run(self, before: Job, job: Job) -> None:
        if before.ended:
            self.ended = before.state
        run_id = self._last("run_id", before, job)
        started = self._last("start_timestamp", before, job)
        if not is_new_run(run_id, started, job):
            return
        if self._tries_again(before, job):
            self.runs.append((job.observed_timestamp, 1))
        self.ended = None
        self._begin_anew()
        # It has failed anew, if it has.
        self.told.pop(ProblemKind.FAILED, None)

    def _begin_anew(self) -> None:
        self.delays.clear()
        self.failed_checkpoints.clear()
        self.failed_in_a_row = 0

    def _tries_again(self, before: Job, job: Job) -> bool:
        """Say whether a new run is no sign of health: the one before did not come to a good end.

        Runs of a batch job are meant to end, and short ones do so between two looks.
        """
        if self.ended is None:
            return JobKind.BATCH not in (before.job_kind, job.job_kind)
        return self.ended is not State.FINISHED

    def _note_restarts(
        self, before: Job, job: Job, limits: AttentionSettings, *, rescales: bool
    ) -> None:
        more = _increase(self._last("restart_times", before, job), job.restart_times)
        if more:
            restarts = self.unexplained if rescales else self.restarts
            restarts.append((job.observed_timestamp, more))
        # Flink may tell the error a look later than the restart: both come out of caches.
        failed, within = job.last_error_timestamp, limits.restarts.within
        if self.unexplained and failed is not None:
            explained = [
                (at, number)
                for at, number in self.unexplained
                if at > failed - _TOLD_APART and at - failed < within
            ]
            self.restarts += explained
            self.unexplained = [each for each in self.unexplained if each not in explained]

    def _note_checkpoints(self, before: Job, job: Job) -> None:
        completed = job.last_checkpoint_completed_timestamp
        last = self._last("last_checkpoint_completed_timestamp", before, job)
        if completed is not None and completed != last:
            self.failed_in_a_row = 0
        more = _increase(self._last("checkpoints_failed", before, job), job.checkpoints_failed)
        if more:
            self.failed_checkpoints.append((job.observed_timestamp, more))
            self.failed_in_a_row += more

    def _last(self, name: str, before: Job, job: Job) -> Any:
        """Return what was last told of a fact before this look.

        A listing may tell less than the details that are still to come, and details may fail: what
        happens meanwhile is not lost.
        """
        last = getattr(before, name)
        if last is None or last == "":
            last = self.untold.get(name)
        if getattr(job, name) not in (None, ""):
            self.untold.pop(name, None)
        elif last is not None:
            self.untold[name] = last
        return last

    def _note_delay(self, job: Job, limits: AttentionSettings) -> None:
        delay, now = job.input_delay_seconds, job.observed_timestamp
        if delay is None:
            return
        if delay < limits.input_delay.falling_behind:
            self.delays.clear()
        else:
            told_at = job.input_delay_observed_timestamp
            self.delays.note(delay, now if told_at is None else told_at, now)


def began(job: Job) -> float:
    """Return since when the job is in its state, as far as anybody knows."""
    since = job.state_since_timestamp
    return job.observed_timestamp if since is None else min(since, job.observed_timestamp)


def is_new_run(run_id: str | None, started: float | None, job: Job) -> bool:
    """Say whether this is another run of the job than the one that had this id and start."""
    if run_id and job.run_id and run_id != job.run_id:
        return True
    later = job.start_timestamp
    return started is not None and later is not None and later - started > _RUN_APART


def count_since(events: Events, oldest: float) -> int:
    """Return how often something happened after a moment."""
    return sum(count for at, count in events if at > oldest)


def _increase(before: int | None, after: int | None) -> int:
    """Return by how much a count has grown; one that is smaller began again from zero."""
    if before is None or after is None or after == before:
        return 0
    return after - before if after > before else after


def _forget(events: Events, oldest: float) -> None:
    while events and (events[0][0] <= oldest or len(events) > MOST_RESTARTS):
        del events[0]
