"""What the platform has told of each job, which is all that an exporter can know."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from exporter.model import ENDED_STATES, Job, JobKey, State
from tests.histories.answers import Mark, read_marks

TWICE = 2
_BEGINNING = frozenset({State.STARTING, State.RUNNING, State.RESTARTING})


@dataclass(slots=True)
class Told:
    """What was told of one job since the exporter, or its configuration, was last loaded."""

    state: Job | None = None
    """The last answer that told a state."""
    row: Job | None = None
    row_at: float = -1.0
    word_at: float | None = None
    """When the platform's word for its state was first told, as far as can be known."""
    details: Job | None = None
    details_at: float = -1.0
    details_of: float = -1.0
    """The moment that the last details speak of, told before a reload or after it."""
    finer_of: float = -1.0
    """The same of the last ones that were whole: only those tell the closer view."""
    finer: State | None = None
    """The closer view that was last told, as far as no later word contradicts it."""
    restarts: tuple[Mark, int] | None = None
    another_run: bool = False
    """Whether words told since the last details can only be those of another run."""
    missed: int = 0
    """How many complete listings in a row rightly lacked it."""
    unasked: bool = False
    """Whether a row told of a change, and no details were asked for since."""
    refused: int = 0
    asked_at: float | None = None
    ended_told: float | None = None
    """When it ended, if that was told of the state it is in."""
    ended_seen: float | None = None
    """When the state it has ended in was first told."""
    end_of: float | None = None
    """The moment of the last answer that dated this end, or of the first where none does."""
    adopted: bool = False
    state_told: bool = False
    """Whether anything ever told its state: rows can be silent, and details refused."""

    def hear_row(self, row: Job, now: float) -> None:
        """Hear a row of a listing."""
        before = self.row
        if before is None:
            self.unasked = self.unasked or self.details is None
        else:
            self.unasked = self.unasked or _says_another(before, row)
        self._note_state(row, now, now)
        self.row, self.row_at, self.missed = row, now, 0

    def hear_details(self, said: Job, *, whole: bool, then: float, now: float) -> None:
        """Hear details."""
        self._note_state(said, then, now)
        self.details, self.details_at, self.details_of = said, now, then
        if said.native_status and not said.ended:
            # Whatever the listing lacks, it is there.
            self.missed = 0
        self.another_run = self.unasked = False
        self.adopted = False
        self.refused = 0
        self.asked_at = now
        marks = read_marks(said)
        if whole:
            self.finer, self.finer_of = said.finer_state, then
        if whole and marks and said.restart_times is not None:
            self.restarts = min(marks), said.restart_times

    def forget(self) -> None:
        """Forget what a reload forgets: of details only what is shown is kept."""
        self.state, self.details, self.finer, self.restarts = None, None, None, None
        self.row, self.row_at, self.details_at = None, -1.0, -1.0
        self.unasked = self.another_run = False
        self.refused = self.missed = 0
        # Of a job that had left already nothing is kept: it ended when it is seen anew, until told.
        self.ended_seen = self.ended_told = self.end_of = self.asked_at = None
        self.adopted = True

    def _note_state(self, said: Job, then: float, now: float) -> None:
        if not said.native_status:
            return
        self.state_told = True
        before = self.state
        if self.word_at is None:
            self.word_at = now
        if before is not None and before.native_status != said.native_status:
            self.word_at = now
            self.finer = self.ended_told = self.ended_seen = self.end_of = None
        named = self.details is not None and _names_another_run(self.details, said)
        if named or (before is not None and shows_another_run(before, said)):
            self.another_run = True
            self.word_at = now
            self.restarts = self.finer = self.ended_told = self.ended_seen = self.end_of = None
        if said.state in (State.STOPPED, State.FINISHED):
            self.ended_seen = now if self.ended_seen is None else self.ended_seen
            end = said.end_timestamp or said.updated_timestamp
            self.ended_told = end if end is not None else self.ended_told
            if end is not None or self.end_of is None:
                self.end_of = then
        self.state = said


def shows_another_run(before: Job, after: Job) -> bool:
    """Say whether two words told of a job cannot be about one run."""
    named = _names_another_run(before, after)
    if named is not None:
        return named
    if after.state is State.CREATED:
        return before.state is not State.CREATED
    if before.state in ENDED_STATES and after.state in ENDED_STATES:
        ends = before.end_timestamp, after.end_timestamp
        return None not in ends and ends[0] != ends[1]
    return before.state in ENDED_STATES and after.state in _BEGINNING


def _names_another_run(before: Job, after: Job) -> bool | None:
    """Say whether two answers name different runs; None when one of them names none."""
    if before.run_id and after.run_id:
        return before.run_id != after.run_id
    if before.start_timestamp and after.start_timestamp:
        return before.start_timestamp != after.start_timestamp
    return None


def _says_another(before: Job, row: Job) -> bool:
    if before.native_status != row.native_status or shows_another_run(before, row):
        return True
    known = before.updated_timestamp, row.updated_timestamp
    return None not in known and known[0] != known[1]


@dataclass(slots=True)
class Memory:
    """What the platform has told of all jobs."""

    jobs: dict[JobKey, Told] = field(default_factory=dict)
    gone: set[JobKey] = field(default_factory=set)
    """Jobs that are told to be gone, by id or by two complete listings."""

    def of(self, key: JobKey) -> Told:
        """Return what was told of a job."""
        self.gone.discard(key)
        return self.jobs.setdefault(key, Told())

    def let_go(self, key: JobKey) -> None:
        """Hear that a job does not exist."""
        if self.jobs.pop(key, None) is not None:
            self.gone.add(key)

    def missed(self, keys: Iterable[JobKey]) -> None:
        """Hear that a complete listing rightly lacked some jobs."""
        for key in keys:
            known = self.jobs[key]
            known.missed += 1
            if known.missed >= TWICE:
                self.let_go(key)

    def reloaded(self) -> None:
        """Forget what a reload forgets."""
        for known in self.jobs.values():
            known.forget()
