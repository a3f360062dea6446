"""Know which problems of jobs must be told, which must not, and when one may end.

What is told is judged by what is shown of the jobs, which others judge by the truth, and by the
truth itself where that says more. Limits are short, so that problems begin and end in most stories.
"""

from collections.abc import Callable, Iterator

from exporter.attention_settings import AttentionSettings, DelayLimits, RestartLimits
from exporter.model import CHANGING_STATES, Job, JobKey, Problem, ProblemKind, Snapshot, State
from tests.histories.history import POLL_INTERVAL, told
from tests.histories.rules import Broken, Rule, brief
from tests.histories.truth import JobTruth
from tests.virtual_time import EPOCH

LIMITS = AttentionSettings(
    failed_retention=200.0,
    stuck_after=70.0,
    unknown_after=70.0,
    restarts=RestartLimits(burst=2, within=150.0, budget=3, budget_within=500.0),
    # The delay that the clouds tell is a mark of when they did so: it grows for ever.
    input_delay=DelayLimits(falling_behind=86400.0, far_behind=86400.0),
)
_ROUNDED = 1.0
"""Seconds by which the times that a platform tells may be off."""

_Told = dict[tuple[JobKey, ProblemKind], Problem]


class Problems:
    """What is told of problems, and what was shown meanwhile.

    `of` yields what is true of the jobs with a key, `lag` is how old an answer about a job can be.
    """

    def __init__(self, of: Callable[[JobKey], Iterator[JobTruth]], *, lag: float) -> None:
        self._of = of
        self._lag = lag
        self._told: _Told = {}
        self._shown: dict[JobKey, Job] = {}
        self._restarts: dict[JobKey, list[tuple[float, int]]] = {}
        """Restarts that two looks at one run have shown."""

    def restarted(self) -> None:
        """Hear that the exporter knows nothing any more."""
        self._told.clear()
        self._shown.clear()
        self._restarts.clear()

    def published(self, snapshot: Snapshot, now: float) -> None:
        """Judge what is told beside what is shown; raises Broken."""
        told = {(problem.key, problem.kind): problem for problem in snapshot.problems}
        shown = {job.key: job for job in snapshot.jobs}
        self._note_restarts(shown)
        self._judge_ends(told, shown, snapshot, now)
        for (key, kind), problem in told.items():
            before = self._told.get((key, kind))
            if before is not None and kind is not ProblemKind.FAILED:
                self._expect(
                    problem.since_timestamp <= before.since_timestamp,
                    Rule.PROBLEM_BEGINS_ONCE,
                    now,
                    f"{kind} of {key.job_id} began at {_told(before)}, now {_told(problem)}",
                )
            if key in shown:
                self._judge_told(problem, shown[key], now)
        for job in snapshot.jobs:
            for kind in self._must_have(job):
                self._expect(
                    (job.key, kind) in told, Rule.PROBLEM_IS_TOLD, now, f"{kind}: {brief(job)}"
                )
        gone = {key for key, kind in told if kind is ProblemKind.GONE}
        missing = gone ^ {each.key for each in snapshot.gone}
        self._expect(not missing, Rule.PROBLEM_IS_TOLD, now, f"gone: {missing}")
        self._told, self._shown = told, shown

    def _must_have(self, job: Job) -> Iterator[ProblemKind]:
        observed, since = job.observed_timestamp, job.state_since_timestamp
        if job.state is State.FAILED:
            ended = job.end_timestamp or since
            if ended is not None and observed - ended <= LIMITS.failed_retention:
                yield ProblemKind.FAILED
        changing = job.state in CHANGING_STATES
        if changing and since is not None and observed - since > LIMITS.stuck_after:
            yield ProblemKind.STUCK
        allowed, restarts = LIMITS.restarts, self._restarts.get(job.key, [])
        recent = sum(count for at, count in restarts if at > observed - allowed.within)
        if not job.ended and recent >= allowed.burst:
            yield ProblemKind.RESTARTING_OFTEN

    def _judge_told(self, problem: Problem, job: Job, now: float) -> None:
        """Judge whether a job that is shown can have a problem which is told of it."""
        observed, since = job.observed_timestamp, problem.since_timestamp
        unknown = job.state is State.UNKNOWN
        self._expect(
            since <= observed + _ROUNDED, Rule.PROBLEM_IS_TRUE, now, f"begins at {_told(problem)}"
        )
        if problem.kind is ProblemKind.FAILED:
            holds = unknown or (job.state is State.FAILED and self._failed_by(job.key, since))
        elif problem.kind is ProblemKind.STUCK:
            waits = job.state in CHANGING_STATES or job.nothing_runs_since_timestamp is not None
            holds = unknown or (waits and observed - since > LIMITS.stuck_after)
        elif problem.kind is ProblemKind.RESTARTING_OFTEN:
            # What was seen late counts from when it was seen.
            began = observed - LIMITS.restarts.budget_within - 20 * POLL_INTERVAL
            least = min(LIMITS.restarts.burst, LIMITS.restarts.budget)
            holds = not job.ended and self._beginnings(job.key, began, observed) >= least
        elif problem.kind is ProblemKind.UNKNOWN_STATE:
            holds = unknown and observed - since > LIMITS.unknown_after
        else:
            # Of nothing else there is any in these stories; what is gone is not shown.
            holds = False
        self._expect(holds, Rule.PROBLEM_IS_TRUE, now, f"{problem.kind}: {brief(job)}")

    def _judge_ends(
        self, told: _Told, shown: dict[JobKey, Job], snapshot: Snapshot, now: float
    ) -> None:
        """Judge whether what is told no longer was seen to be over."""
        for (key, kind), problem in self._told.items():
            if (key, kind) in told or kind is ProblemKind.GONE:
                continue
            text = f"{kind} of {key.job_id} since {_told(problem)}"
            job, before = shown.get(key), self._shown.get(key)
            if job is None:
                # It left: only a listing that was had can say so.
                self._expect(snapshot.up is True, Rule.PROBLEM_STAYS, now, f"{text}: not shown")
            else:
                seen = before is None or job != before
                self._expect(seen, Rule.PROBLEM_STAYS, now, f"{text}: not seen since")
                silent = job.state is State.UNKNOWN and kind is not ProblemKind.RESTARTING_OFTEN
                same_run = before is not None and job.run_id == before.run_id
                self._expect(
                    not (silent and same_run) or kind is ProblemKind.UNKNOWN_STATE,
                    Rule.PROBLEM_STAYS,
                    now,
                    f"{text}: nobody knows the state",
                )

    def _note_restarts(self, shown: dict[JobKey, Job]) -> None:
        for key, job in shown.items():
            before = self._shown.get(key)
            if before is None or before.restart_times is None or job.restart_times is None:
                continue
            same = (before.run_id, before.start_timestamp) == (job.run_id, job.start_timestamp)
            more = job.restart_times - before.restart_times
            if same and more > 0:
                self._restarts.setdefault(key, []).append((job.observed_timestamp, more))

    def _failed_by(self, key: JobKey, since: float) -> bool:
        """Say whether a job was failed when it is said to have failed."""
        moment = since - EPOCH
        return any(
            facts.state is State.FAILED
            for job in self._of(key)
            for facts in job.during(moment - self._lag - _ROUNDED, moment + _ROUNDED)
        )

    def _beginnings(self, key: JobKey, begin: float, end: float) -> int:
        """Return how often a job has restarted in a time, or been run anew, whichever is more."""
        restarts, runs = 0, -1
        for job in self._of(key):
            most: dict[int, int] = {}
            for facts in job.during(begin - EPOCH, end - EPOCH):
                most[facts.run] = max(facts.restarts, most.get(facts.run, 0))
            runs += len(most)
            restarts += sum(most.values())
        return max(restarts, runs)

    def _expect(self, holds: bool, rule: Rule, now: float, text: str) -> None:
        if not holds:
            raise Broken(rule, now, text)


def _told(problem: Problem) -> str:
    return told(problem.since_timestamp - EPOCH)
