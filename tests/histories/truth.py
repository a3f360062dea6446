"""What is so: every job from its first moment to its last, as nobody but the cloud can know it."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from exporter.model import ENDED_STATES, State
from tests.histories.clouds import Kind

NAMES = ("orders", "payments", "clicks", "fraud")
PROJECTS = ("p", "q")
MOST_JOBS = 7

_NEXT = {
    State.CREATED: (State.RUNNING, State.STARTING),
    State.STARTING: (State.RUNNING, State.FAILED, State.STOPPING),
    State.RUNNING: (
        *(State.FAILED, State.RESTARTING, State.FINISHED),
        *(State.STOPPED, State.STOPPING, State.SUSPENDED),
    ),
    State.RESTARTING: (State.RUNNING, State.FAILED, State.STOPPING),
    State.STOPPING: (State.STOPPED, State.FAILED),
    State.SUSPENDED: (State.RUNNING, State.STARTING),
    State.FAILED: (State.RUNNING, State.STARTING),
    State.STOPPED: (State.RUNNING, State.STARTING),
    State.FINISHED: (State.RUNNING, State.STARTING),
}
"""What a state may become; out of an ended one it is another run."""
_FIRST = (State.RUNNING, State.STARTING, State.CREATED)
_ACTIVE = frozenset({State.RUNNING, State.RESTARTING, State.STOPPING})


class Deed(Enum):
    """What can happen to a job."""

    SUBMIT = "is submitted"
    CHANGE = "becomes"
    RESTART = "restarts within a moment"
    RESUBMIT = "is stopped and run anew within a moment"
    DELETE = "is deleted"
    RENAME = "is renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true of a job from `at` on."""

    at: float
    name: str
    state: State
    since: float
    """When the state began."""
    run: int = 0
    """Number of the run among those of the job; 0 when it never ran."""
    begun: float | None = None
    """When the run was submitted."""
    started: float | None = None
    """When the run first ran."""
    ended: float | None = None
    restarts: int = 0
    error_at: float | None = None


@dataclass(slots=True)
class JobTruth:
    """One job, with everything that was ever true of it."""

    number: int
    project: str
    created: float
    facts: list[Facts]
    deleted: float | None = None
    _times: list[float] = field(default_factory=list)

    def add(self, facts: Facts) -> None:
        """Let something else be true from now on."""
        self.facts.append(facts)

    def at(self, moment: float) -> Facts | None:
        """Return what is true at a moment; None when the job does not exist then."""
        if moment < self.created or (self.deleted is not None and moment >= self.deleted):
            return None
        if len(self._times) != len(self.facts):
            self._times = [facts.at for facts in self.facts]
        return self.facts[bisect_right(self._times, moment) - 1]

    def during(self, begin: float, end: float) -> Iterator[Facts]:
        """Yield all that is true at some moment from `begin` to `end`."""
        if self.deleted is not None and self.deleted < begin:
            return
        for index, facts in enumerate(self.facts):
            last = index + 1 == len(self.facts)
            until = float("inf") if last else self.facts[index + 1].at
            if facts.at <= end and until >= begin:
                yield facts


class Truth:
    """All jobs of a cloud."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.jobs: list[JobTruth] = []

    def happen(self, deed: Deed, who: int, choice: int, now: float) -> str | None:
        """Let something happen; return it as a sentence, or None when it cannot happen."""
        if deed is Deed.SUBMIT:
            return self._submit(NAMES[who % len(NAMES)], choice, now)
        job = self.pick(who, now)
        facts = None if job is None else job.at(now)
        if job is None or facts is None:
            return None
        called = self.called(job, now)
        if deed is Deed.DELETE:
            job.deleted = now
            return f"{called} {deed.value}"
        if deed is Deed.RENAME:
            return self._rename(job, facts, NAMES[choice % len(NAMES)], now)
        if deed is Deed.RESTART:
            if facts.state not in (State.RUNNING, State.RESTARTING):
                return None
            job.add(replace(facts, at=now, restarts=facts.restarts + 1, error_at=now))
            return f"{called} {deed.value}, for the {_ordinal(facts.restarts + 1)} time"
        if deed is Deed.RESUBMIT:
            if facts.state not in ENDED_STATES:
                job.add(_turned(facts, State.STOPPED, now))
            self._run_anew(job, State.RUNNING, now)
            return f"{called} {deed.value}"
        following = _NEXT[facts.state]
        state = following[choice % len(following)]
        if facts.state in ENDED_STATES:
            self._run_anew(job, state, now)
            return f"{called} is run anew and {deed.value} {state.upper()}"
        job.add(_turned(facts, state, now))
        return f"{called} {deed.value} {state.upper()}"

    def pick(self, who: int, now: float) -> JobTruth | None:
        """Choose a job that exists; None when there is none."""
        living = [job for job in self.jobs if job.at(now) is not None]
        return living[who % len(living)] if living else None

    def called(self, job: JobTruth, now: float) -> str:
        """Return what a story calls a job."""
        facts = job.at(now)
        return f"{'?' if facts is None else facts.name} (job {job.number})"

    def _submit(self, name: str, choice: int, now: float) -> str | None:
        if len(self.jobs) >= MOST_JOBS or self._taken(name, now):
            return None
        state = _FIRST[choice % len(_FIRST)]
        job = self._create(name, PROJECTS[choice % 2 if self._kind.two_projects else 0], now)
        job.add(_turned(job.facts[0], state, now))
        place = f" in project {job.project}" if self._kind.two_projects else ""
        return f"{name} (job {job.number}) {Deed.SUBMIT.value}{place}, {state.upper()}"

    def _create(self, name: str, project: str, now: float) -> JobTruth:
        draft = Facts(at=now, name=name, state=State.CREATED, since=now)
        job = JobTruth(number=len(self.jobs) + 1, project=project, created=now, facts=[draft])
        self.jobs.append(job)
        return job

    def _rename(self, job: JobTruth, facts: Facts, name: str, now: float) -> str | None:
        if self._kind.id_is_name or self._kind.run_is_id or self._taken(name, now):
            return None
        job.add(replace(facts, at=now, name=name))
        return f"{facts.name} (job {job.number}) {Deed.RENAME.value} {name}"

    def _run_anew(self, job: JobTruth, state: State, now: float) -> None:
        facts = job.facts[-1]
        if self._kind.run_is_id:
            # The run that has ended stays listed, beside the new one.
            job = self._create(facts.name, job.project, now)
            facts = job.facts[0]
        job.add(_turned(facts, state, now))

    def _taken(self, name: str, now: float) -> bool:
        if self._kind.run_is_id:
            return False
        return any((facts := job.at(now)) and facts.name == name for job in self.jobs)


def _turned(facts: Facts, state: State, now: float) -> Facts:
    """Return the facts of a job whose state becomes another."""
    turned = replace(facts, at=now, state=state, since=now)
    if state in (State.STARTING, State.RUNNING) and (
        facts.state in ENDED_STATES or facts.state is State.CREATED
    ):
        turned = Facts(
            at=now, name=facts.name, state=state, since=now, run=facts.run + 1, begun=now
        )
    if state is State.RUNNING and turned.started is None:
        turned = replace(turned, started=now)
    if state in ENDED_STATES:
        turned = replace(turned, ended=now)
    if state is State.FAILED:
        turned = replace(turned, error_at=now)
    if state is State.RESTARTING:
        turned = replace(turned, restarts=turned.restarts + 1, error_at=now)
    return turned


def is_active(state: State) -> bool:
    """Say whether a Flink job exists in a state."""
    return state in _ACTIVE


def _ordinal(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"
