"""Put a listing's row and a job's details together into one truth. Everything here is pure.

Two observations of one job differ in age and in fullness. The newer one decides what it speaks of;
what it leaves out is taken from the older one as far as it can still be true.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from exporter.model import ENDED_STATES, Job, State

FLOW = (
    *("read_records", "written_records"),
    *("read_records_per_second", "written_records_per_second"),
    *("pending_records", "source_idle_seconds"),
    *("backpressured_ratio", "backpressure_level", "busy_ratio"),
    "operator_latency_seconds",
)
"""How much goes through a job, and what waits: counted anew when it restarts."""

_DELAY, _DELAY_TOLD_AT = "input_delay_seconds", "input_delay_observed_timestamp"
_STATE_WORDS = ("state", "native_status")
_BOUND_TO_STATE = (
    "finer_state",
    "graph_state",
    "state_since_timestamp",
    *(_DELAY, _DELAY_TOLD_AT),
    *FLOW,
    "duration_seconds",
    "end_timestamp",
    # It dates an end where nothing else does: a change from before that end must not.
    "updated_timestamp",
    "tasks",
    "nodes",
)
"""What may be different as soon as the state is: never carried over a change of it."""

_MEASURED = (
    *("finer_state", "graph_state", _DELAY, _DELAY_TOLD_AT),
    *("duration_seconds", "tasks", "nodes"),
    *FLOW,
)
"""What of a job that lives is different a little later, though nothing happens to it."""

_CACHED = 5.0
"""Seconds by which an answer may be older than it says: platforms keep theirs for so long."""
_RUNNING_LIKE = frozenset({State.RUNNING, State.RESTARTING, State.STOPPING})
_BEGINNING = frozenset({State.STARTING, State.RUNNING, State.RESTARTING})
_AT_WORK = frozenset({"running", "initializing"})
"""Task states, in Flink's words, in which a task has its slot and works, or is being restored."""
_LASTING = tuple(
    name
    for name in Job._fields
    if name not in (*_STATE_WORDS, *_BOUND_TO_STATE, "project", "job_id", "job_name", "name_digest")
    and name not in ("observed_timestamp", "nothing_runs_since_timestamp")
    and name != "expected_by_configuration"
)
_UNKNOWN: tuple[object, ...] = (None, "", ())
_NOTHING = Job._field_defaults

_Facts = dict[str, Any]


def merge(one: Job, other: Job) -> Job:
    """Return one job out of two observations of it, in whatever order they come."""
    return Job(**_merged(one, other))


def finish(job: Job) -> Job:
    """Settle what follows from the rest: the finer state, and the duration where none was given."""
    return Job(**_finished(_facts(job)))


def measures(job: Job) -> bool:
    """Say whether an observation tells anything that holds for a moment only."""
    return any(getattr(job, name) not in _UNKNOWN for name in _MEASURED)


def tells_flow(job: Job) -> bool:
    """Say whether an observation tells anything of what goes through the job."""
    return any(getattr(job, name) is not None for name in FLOW)


def lasting(job: Job) -> Job:
    """Return a job without what held for a moment only."""
    facts = _facts(job)
    return Job(**facts | {name: _NOTHING[name] for name in _MEASURED})


def without(job: Job, names: Collection[str]) -> Job:
    """Return a job without what some of its fields say."""
    if not names:
        return job
    dated = (_DELAY_TOLD_AT,) if _DELAY in names else ()
    return Job(**_facts(job) | {name: _NOTHING[name] for name in (*names, *dated)})


def date_checkpoints(details: Job) -> Job:
    """Return details with when they told of checkpoints.

    The listing goes on without them, at times for long: no checkpoint is older for that.
    """
    if details.checkpoints_failed is None and details.last_checkpoint_completed_timestamp is None:
        return details
    return details._replace(checkpoints_observed_timestamp=details.observed_timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What we ourselves saw of when the state of a job began."""

    seen_at: float = 0.0
    """When the state that is shown was first seen."""
    other_at: float | None = None
    """When this run was last seen in another state; None when it was in none."""


def settle(
    row: Job,
    details: Job | None,
    *,
    before: Job | None,
    since: Since,
    expected: Callable[[str], bool],
) -> tuple[Job, Since]:
    """Return what to show of a job, and since when it has been seen in that state.

    `before` is what was shown of it until now, `since` what was seen of that, `expected` whether a
    job of a name is on the source's list.
    """
    facts = _finished(_facts(row) if details is None else _merged(row, details))
    if before is None or _is_another_run(before, facts):
        since = Since(seen_at=facts["observed_timestamp"])
    elif before.state is not facts["state"]:
        since = Since(seen_at=facts["observed_timestamp"], other_at=before.observed_timestamp)
    told, other_at = facts["state_since_timestamp"], since.other_at
    if told is None or (other_at is not None and told < other_at - _CACHED):
        # Dated by when it was in that state before: it has been in another one since.
        facts["state_since_timestamp"] = since.seen_at
    if _nothing_runs(facts):
        known = None if before is None else before.nothing_runs_since_timestamp
        facts["nothing_runs_since_timestamp"] = known or facts["observed_timestamp"]
    if facts["expected_running"] is None and expected(facts["job_name"]):
        facts["expected_running"] = facts["expected_by_configuration"] = True
    return Job(**facts), since


def expect_anew(job: Job, expected: Callable[[str], bool]) -> Job:
    """Return a job with what another list says of it, where its platform does not."""
    listed = job.expected_by_configuration is True
    if (job.expected_running is not None and not listed) or expected(job.job_name) is listed:
        return job
    said = None if listed else True
    return job._replace(expected_running=said, expected_by_configuration=said)


def tells_only_time(before: Job, row: Job) -> bool:
    """Say whether a row tells nothing that an earlier one did not, but that time has passed."""
    timed = row.duration_seconds is not None
    return timed is (before.duration_seconds is not None) and before.tells_same(row)


def moved_on(shown: Job, row: Job) -> Job:
    """Return what `settle` returns for a row that tells only that time has passed.

    `shown` is what it returned for the one before. Both rows tell a state, and are newer than the
    details there are. Nearly all jobs of nearly all polls are such: this takes a third of the time.
    """
    duration = row.duration_seconds
    if duration is None:
        duration, start = shown.duration_seconds, shown.start_timestamp
        if start is not None and shown.state in _RUNNING_LIKE:
            duration = max(0.0, row.observed_timestamp - start)
    return shown.later(row.observed_timestamp, duration)


def _nothing_runs(facts: _Facts) -> bool:
    """Say whether a job that is called running has tasks, of which not one is at work.

    Flink calls a job so again as soon as it may start, with or without a slot to run in.
    """
    if facts["state"] is not State.RUNNING or not facts["tasks"]:
        return False
    counts = dict(facts["tasks"])
    waiting = sum(number for name, number in counts.items() if name != "finished")
    return waiting > 0 and not any(counts.get(name) for name in _AT_WORK)


def new_run(older: Job, newer: Job) -> bool:
    """Say whether the two observations belong to different runs of the job."""
    told = _tell_apart(older, newer.run_id, newer.start_timestamp)
    if told is not None:
        return told
    if _begins_anew(older.state, newer.state):
        return True
    # One that runs may have begun a little later by the clock of its platform than it was seen.
    if older.ended and _began_since(older, newer.state, newer.start_timestamp):
        return True
    return _ended_again(older, newer.state, newer.end_timestamp)


def _is_another_run(before: Job, facts: _Facts) -> bool:
    told = _tell_apart(before, facts["run_id"], facts["start_timestamp"])
    if told is not None:
        return told
    state, start = facts["state"], facts["start_timestamp"]
    return _began_since(before, state, start) or _ended_again(before, state, facts["end_timestamp"])


def _began_since(before: Job, state: State, start: float | None) -> bool:
    """Say whether a run has begun since a job was seen, of whose run nothing was told then."""
    if start is None or before.start_timestamp is not None:
        return False
    return before.state is state and start > before.observed_timestamp


def _tell_apart(older: Job, run_id: str, start_timestamp: float | None) -> bool | None:
    """Say whether two runs are different by what names them; None when nothing does."""
    if older.run_id and run_id:
        return older.run_id != run_id
    if start_timestamp is None:
        return None
    if older.start_timestamp is None:
        # One that failed before it ran has no start. What begins after its end is another run.
        ended_before = older.ended and (older.end_timestamp or start_timestamp) < start_timestamp
        return True if ended_before else None
    return start_timestamp != older.start_timestamp


def _begins_anew(before: State, after: State) -> bool:
    """Say whether a job can have come to a state only by another run.

    Rows of some listings name no run. What was known of one that has ended, of its restarts and
    errors and its start, would be shown as that of its successor until details came.
    """
    if after is State.CREATED:
        # The job of that name is another one.
        return before not in (State.CREATED, State.UNKNOWN)
    return before in ENDED_STATES and after in _BEGINNING


def _ended_again(before: Job, state: State, end: float | None) -> bool:
    """Say whether a job that had ended has ended once more, and ran unseen in between."""
    if end is None or before.end_timestamp is None:
        return False
    return before.ended and state in ENDED_STATES and end > before.end_timestamp + _CACHED


def _facts(job: Job) -> _Facts:
    return job._asdict()


def _merged(one: Job, other: Job) -> _Facts:
    older, newer = one, other
    if newer.observed_timestamp < older.observed_timestamp:
        older, newer = newer, older
    facts, known = _facts(newer), _facts(older)
    if newer.job_name in ("", newer.job_id):
        # Some answers leave the name out; the id stands in for it only until it is known.
        facts["job_name"], facts["name_digest"] = older.job_name, older.name_digest
    if new_run(older, newer):
        return facts
    _fill(facts, known, _LASTING)
    if not newer.native_status:
        # The newer answer is silent about the state: it neither confirms nor changes it.
        facts |= {name: known[name] for name in (*_STATE_WORDS, *_BOUND_TO_STATE)}
        facts["observed_timestamp"] = older.observed_timestamp
    elif newer.native_status == older.native_status and newer.state is older.state:
        # One word can mean two things: an operator calls FINISHED what ended and what it stopped.
        _fill(facts, known, _BOUND_TO_STATE)
        facts[_DELAY_TOLD_AT] = _delay_told_at(older, newer)
        if newer.duration_seconds is None and newer.state in _RUNNING_LIKE:
            # A running job's duration of some time ago is wrong now.
            facts["duration_seconds"] = None
    return facts


def _delay_told_at(older: Job, newer: Job) -> float | None:
    """Return when the delay was told that two observations give; None if with all the rest.

    The listing goes on without it, at times for long: it has not stood still for that.
    """
    if newer.input_delay_seconds is not None or older.input_delay_seconds is None:
        return newer.input_delay_observed_timestamp
    told_at = older.input_delay_observed_timestamp
    return older.observed_timestamp if told_at is None else told_at


def _fill(facts: _Facts, known: _Facts, names: tuple[str, ...]) -> None:
    for name in names:
        if facts[name] in _UNKNOWN:
            facts[name] = known[name]


def _finished(facts: _Facts) -> _Facts:
    state, start, end = facts["state"], facts["start_timestamp"], facts["end_timestamp"]
    if state is State.RUNNING and facts["finer_state"] not in (None, State.UNKNOWN):
        state = facts["finer_state"]
    if facts["duration_seconds"] is None and start is not None:
        if state in _RUNNING_LIKE:
            facts["duration_seconds"] = max(0.0, facts["observed_timestamp"] - start)
        # The platform's own word decides: a finer state ends no run.
        elif facts["state"] in ENDED_STATES and end is not None:
            facts["duration_seconds"] = max(0.0, end - start)
    facts["state"] = state
    return facts
