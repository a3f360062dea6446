"""Say of a job that has problems how bad that is, and why in a few words.

What is a problem is decided in `exporter.attention`, nowhere else; here it is only put into words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from exporter.model import Job, Problem, ProblemKind, State
from exporter.pages.formatting import Moment, duration, moment, visible
from exporter.pages.runbooks import runbook_link

_RANKS = MappingProxyType({kind: rank for rank, kind in enumerate(ProblemKind)})
_BAD = frozenset(
    {
        *(ProblemKind.FAILED, ProblemKind.NOT_RUNNING, ProblemKind.GONE, ProblemKind.IN_ARREARS),
        *(ProblemKind.RESTARTING_OFTEN, ProblemKind.NODE_FAILED),
    }
)
"""What wakes somebody; all others can wait for the working day."""


class Level(StrEnum):
    """How bad it is."""

    BAD = "bad"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Attention:
    """Why a job deserves a look: its problems, the worst first."""

    problems: Sequence[Problem]

    @property
    def worst(self) -> Problem:
        """Return the problem that is shown where there is room for one."""
        return self.problems[0]

    @property
    def rank(self) -> int:
        """Return its place among all problems; the lowest comes first."""
        return _RANKS[self.worst.kind]

    @property
    def level(self) -> Level:
        """Return how bad it is."""
        return level_of(self.worst.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRow:
    """One problem on the page of a job."""

    kind: ProblemKind
    level: Level
    words: str
    since: Moment | None
    runbook: str
    """Where it says what to do, in English; empty when there is nothing."""
    runbook_zh: str


def level_of(kind: ProblemKind) -> Level:
    """Return how bad a problem is."""
    return Level.BAD if kind in _BAD else Level.WARNING


def is_said_by_state(problem: Problem, state: State | None) -> bool:
    """Say whether the state of the job says all there is to say."""
    return _SAID_BY_STATE.get(problem.kind) is state and state is not None


def reason(problem: Problem, job: Job | None, now: float) -> str:
    """Return what the state of the job alone does not say; empty when it says it all.

    Of a job that is shown no longer, what is said of it in place of a state.
    """
    if job is None:
        return "" if problem.kind is ProblemKind.GONE else _WORDS[problem.kind]
    if is_said_by_state(problem, job.state):
        return ""
    words = _FINER_WORDS.get(problem.kind)
    return _WORDS[problem.kind] if words is None else words(problem, job, now)


def problem_rows(
    problems: Sequence[Problem], job: Job | None, now: float
) -> tuple[ProblemRow, ...]:
    """Return the problems of a job as they are shown on its page, the worst first."""
    return tuple(
        ProblemRow(
            kind=problem.kind,
            level=level_of(problem.kind),
            words=visible(reason(problem, job, now)) or _WORDS[problem.kind],
            since=moment(problem.since_timestamp, now),
            runbook=runbook_link(problem.kind),
            runbook_zh=runbook_link(problem.kind, language="zh"),
        )
        for problem in problems
    )


_SAID_BY_STATE = MappingProxyType(
    {ProblemKind.FAILED: State.FAILED, ProblemKind.UNKNOWN_STATE: State.UNKNOWN}
)
_WORDS: Mapping[ProblemKind, str] = MappingProxyType(
    {
        ProblemKind.FAILED: "failed",
        ProblemKind.NOT_RUNNING: "expected to run",
        ProblemKind.GONE: "gone, nobody told how",
        ProblemKind.IN_ARREARS: "account in arrears",
        ProblemKind.RESTARTING_OFTEN: "restarts too often",
        ProblemKind.NODE_FAILED: "a node failed",
        ProblemKind.STUCK: "stuck",
        ProblemKind.FAR_BEHIND: "far behind its input",
        ProblemKind.FALLING_BEHIND: "falls behind its input",
        ProblemKind.CHECKPOINTS_FAILING: "checkpoints fail",
        ProblemKind.CHECKPOINT_OLD: "no checkpoint for long",
        ProblemKind.SILENT: "sends no reports",
        ProblemKind.UNKNOWN_STATE: "unknown state",
    }
)


def _stuck(problem: Problem, job: Job, now: float) -> str:
    what = "no task runs" if job.state is State.RUNNING else "stuck"
    return f"{what} for {duration(max(0.0, now - problem.since_timestamp))}"


def _node_failed(problem: Problem, job: Job, now: float) -> str:
    broken = [node.name for node in job.nodes if node.state is State.FAILED]
    return f"node {broken[0]} failed" if broken else _WORDS[problem.kind]


def _checkpoint_old(problem: Problem, job: Job, now: float) -> str:
    return f"no checkpoint for {duration(max(0.0, now - problem.since_timestamp))}"


_FINER_WORDS: Mapping[ProblemKind, Callable[[Problem, Job, float], str]] = MappingProxyType(
    {
        ProblemKind.STUCK: _stuck,
        ProblemKind.NODE_FAILED: _node_failed,
        ProblemKind.CHECKPOINT_OLD: _checkpoint_old,
    }
)
