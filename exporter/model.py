"""Describe streaming jobs in one vocabulary, whatever platform runs them.

All values are frozen. Times are seconds since the epoch, durations are seconds, and what is not
known is None (or an empty text): never 0, never -1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import nlargest
from operator import attrgetter
from typing import Final, NamedTuple


class State(StrEnum):
    """What a job is doing: the values of the `state` label."""

    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    UNKNOWN = "unknown"


ENDED_STATES = frozenset({State.FAILED, State.STOPPED, State.FINISHED})
"""States that only a new run leaves."""

CHANGING_STATES = frozenset({State.STARTING, State.RESTARTING, State.STOPPING})
"""States that are about to become another."""

IDLE_STATES = frozenset({State.CREATED, State.STOPPED, State.SUSPENDED, State.FINISHED})
"""States in which a job does nothing, and that somebody may have wanted."""

StateMap = Mapping[str, State]


def look_up(states: StateMap, native: str) -> State:
    """Translate a platform's own word, in whatever case; UNKNOWN when nobody has seen it."""
    return states.get(native.casefold(), State.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a job that has a state of its own (DataArts real-time jobs)."""

    name: str
    node_type: str = ""
    state: State = State.UNKNOWN
    native_status: str = ""
    run_id: str = ""
    """The node's job on another platform (the DLI job id), for joining the two."""
    read_records: float | None = None
    read_bytes: float | None = None
    written_records: float | None = None
    written_bytes: float | None = None
    buffered_records: float | None = None
    records_per_second: float | None = None


class JobKey(NamedTuple):
    """Tell one job of a source from all its others. Jobs are looked up by it at every turn."""

    project: str
    job_id: str


class JobKind(StrEnum):
    """What a job is meant to be: the values of the `job_kind` label."""

    STREAMING = "streaming"
    BATCH = "batch"


class Job(NamedTuple):
    """What is known of one job at one moment.

    A platform's listing gives a sparse Job, its details a fuller one;
    `exporter.collecting.merging` puts the two together. `native_status` is the platform's own word
    behind `state`; empty means that this answer says nothing of the state (some listings do not).

    A tuple with names: of a hundred thousand, most are copied or compared whole at each poll, which
    takes a tenth of the time that it takes field by field. It is always built by its names.
    """

    project: str
    job_id: str
    job_name: str
    observed_timestamp: float
    """When the platform told us this."""
    duration_seconds: float | None = None
    # What follows is the same at the next poll, of most jobs: see `later`.
    name_digest: str = ""
    """Tells apart long names whose beginnings are equal; empty where `job_name` is whole."""
    state: State = State.UNKNOWN
    native_status: str = ""
    finer_state: State | None = None
    """A second, closer view (Flink's own), which wins while the platform says running."""
    graph_state: str = ""
    """The native word behind `finer_state`."""
    expected_state: str = ""
    expected_running: bool | None = None
    expected_by_configuration: bool | None = None
    """Whether that is said by `expect` in the configuration; None where the platform says it."""
    job_type: str = ""
    run_mode: str = ""
    queue: str = ""
    engine_version: str = ""
    run_id: str = ""
    """What changes with each run: the Flink job id, the instance id."""

    restart_times: int | None = None
    input_delay_seconds: float | None = None
    input_delay_observed_timestamp: float | None = None
    """When the platform told of it, where that was before it told of the rest."""
    operator_latency_seconds: float | None = None
    """From a source to the slowest operator: what waits before the sources is not in it."""
    start_timestamp: float | None = None
    end_timestamp: float | None = None
    created_timestamp: float | None = None
    updated_timestamp: float | None = None
    """The platform's last change of the record: dates an end where no end time is given."""
    state_since_timestamp: float | None = None
    nothing_runs_since_timestamp: float | None = None
    """Since when no task of it was seen to run or to be restored, though it is called running."""

    last_error_timestamp: float | None = None
    error_id: str = ""
    error_type: str = ""
    """A code or a class name, bounded; never free text."""
    error_text: str = ""
    """The full text, for /api/v1/jobs only."""

    parallelism: int | None = None
    compute_units: float | None = None
    health_score: float | None = None
    tasks: tuple[tuple[str, int], ...] = ()
    last_checkpoint_completed_timestamp: float | None = None
    last_checkpoint_duration_seconds: float | None = None
    last_checkpoint_size_bytes: float | None = None
    checkpoints_completed: int | None = None
    checkpoints_failed: int | None = None
    checkpoints_observed_timestamp: float | None = None
    """When the platform told of them, where that was before it told of the rest."""
    nodes: tuple[Node, ...] = ()

    read_records: float | None = None
    """Since the last restart, as `written_records`."""
    written_records: float | None = None
    read_records_per_second: float | None = None
    written_records_per_second: float | None = None
    pending_records: float | None = None
    """Records that wait before the sources and were not read yet."""
    backpressured_ratio: float | None = None
    """Share of time, 0 to 1, that the most back-pressured source waits for what follows it."""
    backpressure_level: int | None = None
    """0 ok, 1 low, 2 high: where a platform tells no more than that."""
    busy_ratio: float | None = None
    """Share of time, 0 to 1, that the busiest vertex works."""
    source_idle_seconds: float | None = None
    """For how long no source has emitted anything."""
    other_metrics: tuple[tuple[str, float], ...] = ()
    """Numbers a job reports under names that nobody documents, for /api/v1/jobs only."""
    stale: bool | None = None
    """Whether a job that reports by itself has been silent for too long; None if it is polled."""

    def __repr__(self) -> str:
        """Leave out what is unknown, and texts that are for people."""
        told = zip(self._fields, self, strict=True)
        known = (f"{name}={value!r}" for name, value in told if value not in (None, "", ()))
        return f"Job({', '.join(each for each in known if not each.startswith(_UNTOLD))})"

    @property
    def key(self) -> JobKey:
        """Return what identifies the job within its source."""
        return tuple.__new__(JobKey, self[:_KEY_ENDS])

    @property
    def ended(self) -> bool:
        """Say whether the run is over."""
        return self.state in ENDED_STATES

    @property
    def rests(self) -> bool:
        """Say whether nothing of it runs, or is about to: it is over, suspended or yet to begin."""
        return self.state in IDLE_STATES or self.state in ENDED_STATES

    @property
    def job_kind(self) -> JobKind:
        """Return whether it is meant to come to an end, as far as its platform tells."""
        return JobKind.BATCH if "batch" in self.job_type.casefold() else JobKind.STREAMING

    def at(self, observed_timestamp: float) -> "Job":
        """Return the same facts as observed at another time."""
        return self._replace(observed_timestamp=observed_timestamp)

    def later(self, observed_timestamp: float, duration_seconds: float | None) -> "Job":
        """Return the same facts as observed at another time, when the job has run for longer."""
        moved = (observed_timestamp, duration_seconds)
        return tuple.__new__(Job, self[:_OBSERVED] + moved + self[_STEADY:])

    def tells_same(self, other: "Job") -> bool:
        """Say whether both tell the same, but for when, and for how long the job has run."""
        return self[:_OBSERVED] == other[:_OBSERVED] and self[_STEADY:] == other[_STEADY:]


_KEY_ENDS: Final = Job._fields.index("job_id") + 1
_OBSERVED: Final = Job._fields.index("observed_timestamp")
_STEADY: Final = Job._fields.index("duration_seconds") + 1
_UNTOLD: Final = ("name_digest=", "error_text=", "other_metrics=")


class Condition(StrEnum):
    """How it stands with a cluster: the values of the `condition` label."""

    REACHED = "reached"
    UNREACHED = "unreached"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """One cluster that a source has found, and why it is not reached."""

    name: str
    condition: Condition
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCounts:
    """The clusters that a source has found."""

    reached: int
    unreached: int
    skipped: int
    named: tuple[ClusterStatus, ...] = ()
    """Each by its name, those not reached first; of very many only so many."""

    @property
    def by_condition(self) -> tuple[tuple[Condition, int], ...]:
        """Return how many there are in each condition."""
        return (
            (Condition.REACHED, self.reached),
            (Condition.UNREACHED, self.unreached),
            (Condition.SKIPPED, self.skipped),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneJob:
    """A job that lived when it was last seen, and is gone without an end that anybody told."""

    key: JobKey
    job_name: str
    name_digest: str = field(default="", repr=False)
    job_kind: JobKind = JobKind.STREAMING
    last_state: State
    start_timestamp: float | None = None
    """When it began, as its platform told."""
    last_seen_timestamp: float
    """When the platform last told of it."""
    gone_timestamp: float
    """When it was clear that it is gone."""


class ProblemKind(StrEnum):
    """Why a job deserves a look: the values of the `problem` label, the worst first."""

    FAILED = "failed"
    NOT_RUNNING = "not_running"
    GONE = "gone"
    IN_ARREARS = "in_arrears"
    RESTARTING_OFTEN = "restarting_often"
    NODE_FAILED = "node_failed"
    STUCK = "stuck"
    FAR_BEHIND = "far_behind"
    FALLING_BEHIND = "falling_behind"
    CHECKPOINTS_FAILING = "checkpoints_failing"
    CHECKPOINT_OLD = "checkpoint_old"
    SILENT = "silent"
    UNKNOWN_STATE = "unknown_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one job, and since when: `exporter.attention` decides."""

    kind: ProblemKind
    key: JobKey
    job_name: str
    job_kind: JobKind
    since_timestamp: float
    """When it began: as the platform dates it, else when it was first seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known of one source: its health and its jobs, published as a whole."""

    source: str
    platform: str
    labels: tuple[tuple[str, str], ...] = ()
    up: bool | None = None
    """Whether the last poll succeeded; None before the first has ended."""
    failure: str = ""
    """The reason of the last failure and a harmless sentence, for people; empty when up."""
    last_success_timestamp: float | None = None
    last_poll_timestamp: float | None = None
    next_poll_timestamp: float | None = None
    poll_duration_seconds: float | None = None
    detail_age_seconds: float | None = None
    """How old the oldest details of a job that lives are."""
    stale_after: float
    all_states: bool = True
    """Whether all ten states are exported or only the current one."""
    jobs: tuple[Job, ...] = ()
    gone: tuple[GoneJob, ...] = ()
    """Jobs that are gone, nobody knows how, in a fixed order."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with which job, in a fixed order; also with jobs that are shown no longer,
    until it is seen to be over."""
    absent: tuple[str, ...] = ()
    """`expect` entries that no job matches."""
    clusters: ClusterCounts | None = None
    """The clusters that were found; None where there is no discovery, or none was made yet."""
    outdated: bool = False
    """Whether the last successful poll is too long ago to say anything of today."""

    @property
    def counts_jobs(self) -> bool:
        """Say whether the number of jobs shown means anything.

        Of a source that was never read, or not for `stale_after`, none is shown: that is not zero.
        """
        return bool(self.jobs) or (self.last_success_timestamp is not None and not self.outdated)


def latest_gone(snapshot: Snapshot, most: int) -> list[GoneJob]:
    """Return up to so many of the jobs of a source that are gone, the last ones first."""
    return nlargest(most, snapshot.gone, key=attrgetter("gone_timestamp"))
