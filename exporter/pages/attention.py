"""Say of a job that has problems how bad that is, and why in a few words.

What is a problem is decided in `exporter.attention`, nowhere else; here it is only put into words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from exporter.model import Job, Problem, ProblemKind, State
from exporter.pages.formatting import Moment, duration, moment, visible
from exporter.pages.reader import Reader
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
    """Where it says what to do, in the reader's language; empty when there is nothing."""
    runbook_elsewhere: str
    """The same in the other language."""


def level_of(kind: ProblemKind) -> Level:
    """Return how bad a problem is."""
    return Level.BAD if kind in _BAD else Level.WARNING


def is_said_by_state(problem: Problem, state: State | None) -> bool:
    """Say whether the state of the job says all there is to say."""
    return _SAID_BY_STATE.get(problem.kind) is state and state is not None


def reason(problem: Problem, job: Job | None, reader: Reader) -> str:
    """Return what the state of the job alone does not say; empty when it says it all.

    Of a job that is shown no longer, what is said of it in place of a state.
    """
    if job is None:
        return "" if problem.kind is ProblemKind.GONE else _in_words(problem, reader)
    if is_said_by_state(problem, job.state):
        return ""
    finer = _FINER_WORDS.get(problem.kind, _as_ever)
    return finer(problem, job, reader)


def problem_rows(
    problems: Sequence[Problem], job: Job | None, reader: Reader
) -> tuple[ProblemRow, ...]:
    """Return the problems of a job as they are shown on its page, the worst first."""
    return tuple(
        ProblemRow(
            kind=problem.kind,
            level=level_of(problem.kind),
            words=visible(reason(problem, job, reader)) or _in_words(problem, reader),
            since=moment(problem.since_timestamp, reader),
            runbook=runbook_link(problem.kind, reader.language),
            runbook_elsewhere=runbook_link(problem.kind, reader.language.other),
        )
        for problem in problems
    )


_SAID_BY_STATE = MappingProxyType(
    {ProblemKind.FAILED: State.FAILED, ProblemKind.UNKNOWN_STATE: State.UNKNOWN}
)


def _in_words(problem: Problem, reader: Reader) -> str:
    return reader.words[f"problem_{problem.kind.value}"]


def _as_ever(problem: Problem, job: Job, reader: Reader) -> str:
    return _in_words(problem, reader)


def _lasting(key: str, problem: Problem, reader: Reader) -> str:
    seconds = max(0.0, reader.now - problem.since_timestamp)
    return reader.words.say(key, duration=duration(seconds, reader.words))


def _stuck(problem: Problem, job: Job, reader: Reader) -> str:
    return _lasting("no_task_for" if job.state is State.RUNNING else "stuck_for", problem, reader)


def _node_failed(problem: Problem, job: Job, reader: Reader) -> str:
    broken = [node.name for node in job.nodes if node.state is State.FAILED]
    if not broken:
        return _in_words(problem, reader)
    return reader.words.say("node_failed", node=broken[0])


def _checkpoint_old(problem: Problem, job: Job, reader: Reader) -> str:
    return _lasting("no_checkpoint_for", problem, reader)


_FINER_WORDS: Mapping[ProblemKind, Callable[[Problem, Job, Reader], str]] = MappingProxyType(
    {
        ProblemKind.STUCK: _stuck,
        ProblemKind.NODE_FAILED: _node_failed,
        ProblemKind.CHECKPOINT_OLD: _checkpoint_old,
    }
)
