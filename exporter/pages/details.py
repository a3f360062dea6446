"""Work out what the page of one job says: every fact, its last error in full, what it went through.

The facts are grouped as people ask for them; a fact that is not known has no line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.collecting.history import Change
from exporter.exposition import escape
from exporter.exposition.family import IDENTITY
from exporter.model import Job, Node, Problem, Snapshot, State
from exporter.pages.attention import Level, ProblemRow, problem_rows
from exporter.pages.changes import ChangeRow, change_rows
from exporter.pages.formatting import (
    Moment,
    duration,
    latency,
    moment,
    number,
    share,
    size,
    visible,
)
from exporter.pages.query import Query

_LEVELS = {0: "ok", 1: "low", 2: "high"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a group: a name, and a text or a time."""

    name: str
    text: str = ""
    time: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One node of a job."""

    name: str
    node_type: str
    state: State
    native_status: str
    run_id: str
    link: str
    """Where the job that runs for this node is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Everything that the page of a job says."""

    name: str
    source: str
    platform: str
    project: str
    state: State
    level: Level | None
    problems: tuple[ProblemRow, ...]
    """All that is wrong with it, the worst first."""
    announcement: str
    since: Moment | None
    source_failure: str
    groups: tuple[Group, ...]
    error_text: str
    error_first: bool
    """Whether the error is what a reader came for."""
    tasks: tuple[tuple[str, int], ...]
    nodes: tuple[NodeRow, ...]
    changes: tuple[ChangeRow, ...]
    json_link: str
    namesakes_link: str
    selector: str


def details(job: Job, snapshot: Snapshot, changes: Iterable[Change], now: float) -> Details:
    """Return what the page of a job says."""
    problems = problem_rows(problems_of(snapshot, job.project, job.job_id), job, now)
    identity = {"source": snapshot.source, "project": job.project, "job_id": job.job_id}
    return Details(
        name=visible(job.job_name or job.job_id),
        source=visible(snapshot.source),
        platform=visible(snapshot.platform),
        project=visible(job.project),
        state=job.state,
        level=problems[0].level if problems else None,
        problems=problems,
        announcement=f"{visible(job.job_name)}: {job.state.value}",
        since=moment(job.state_since_timestamp, now),
        source_failure=visible(snapshot.failure) if snapshot.up is False else "",
        groups=_groups(job, snapshot, now),
        error_text=visible(job.error_text),
        error_first=job.state in (State.FAILED, State.RESTARTING),
        tasks=tuple((visible(name), amount) for name, amount in job.tasks if amount),
        nodes=tuple(_node(node) for node in job.nodes),
        changes=change_rows(changes, now),
        json_link="api/v1/jobs?" + urlencode(identity),
        namesakes_link=Query(text=job.job_name).link(),
        selector=_selector(job, snapshot),
    )


def problems_of(snapshot: Snapshot, project: str, job_id: str) -> Sequence[Problem]:
    """Return the problems of one job, the worst first."""
    return [
        problem
        for problem in snapshot.problems
        if problem.key.job_id == job_id and problem.key.project == project
    ]


def _node(node: Node) -> NodeRow:
    return NodeRow(
        name=visible(node.name),
        node_type=visible(node.node_type),
        state=node.state,
        native_status=visible(node.native_status),
        run_id=visible(node.run_id),
        link=Query(text=node.run_id).link() if node.run_id else "",
    )


def _groups(job: Job, snapshot: Snapshot, now: float) -> tuple[Group, ...]:
    def text(name: str, value: str) -> Fact:
        return Fact(name=visible(name), text=visible(value))

    def time(name: str, timestamp: float | None) -> Fact:
        return Fact(name=name, time=moment(timestamp, now))

    groups = (
        Group(
            title="State",
            facts=(
                time("Since", job.state_since_timestamp),
                text("Platform says", job.native_status),
                text("Execution plan says", job.graph_state),
                time("Nothing runs since", job.nothing_runs_since_timestamp),
                text("Expected", _expected(job)),
                time("Last seen", job.observed_timestamp),
                text("Reports", {None: "", True: "none for too long", False: "regular"}[job.stale]),
            ),
        ),
        Group(
            title="Run",
            facts=(
                text("Duration", duration(job.duration_seconds)),
                time("Started", job.start_timestamp),
                time("Ended", job.end_timestamp),
                text("Restarts", number(job.restart_times)),
                text("Parallelism", number(job.parallelism)),
                text("Compute units", number(job.compute_units)),
                text("Run id", job.run_id),
            ),
        ),
        Group(
            title="Health",
            facts=(
                text("Input delay", duration(job.input_delay_seconds)),
                text("Operator latency", latency(job.operator_latency_seconds)),
                text("Health score", number(job.health_score)),
                time("Last checkpoint", job.last_checkpoint_completed_timestamp),
                text("It took", duration(job.last_checkpoint_duration_seconds)),
                text("Its size", size(job.last_checkpoint_size_bytes)),
                text("Completed checkpoints", number(job.checkpoints_completed)),
                text("Failed checkpoints", number(job.checkpoints_failed)),
            ),
        ),
        Group(
            title="Records",
            facts=(
                text("Read", number(job.read_records)),
                text("Written", number(job.written_records)),
                text("Read a second", number(job.read_records_per_second)),
                text("Written a second", number(job.written_records_per_second)),
                text("Waiting", number(job.pending_records)),
                text("Nothing read for", duration(job.source_idle_seconds)),
                text("Sources held back", share(job.backpressured_ratio)),
                text("Back pressure", _level(job.backpressure_level)),
                text("Busiest vertex", share(job.busy_ratio)),
                *(text(name, number(value)) for name, value in job.other_metrics),
            ),
        ),
        Group(
            title="Last error",
            facts=(
                time("At", job.last_error_timestamp),
                text("Type", job.error_type),
                text("Code", job.error_id),
            ),
        ),
        Group(
            title="Job",
            facts=(
                text("Id", job.job_id),
                text("Project", job.project),
                text("Kind", job.job_type),
                text("Mode", job.run_mode),
                text("Queue", job.queue),
                text("Engine", job.engine_version),
                time("Created", job.created_timestamp),
                time("Changed", job.updated_timestamp),
                *(text(name, value) for name, value in snapshot.labels),
            ),
        ),
    )
    known = (
        Group(
            title=group.title, facts=tuple(fact for fact in group.facts if fact.text or fact.time)
        )
        for group in groups
    )
    return tuple(group for group in known if group.facts)


def _expected(job: Job) -> str:
    if job.expected_state:
        return job.expected_state
    return {None: "", True: "to run", False: "not to run"}[job.expected_running]


def _level(level: int | None) -> str:
    return "" if level is None else _LEVELS.get(level, str(level))


def _selector(job: Job, snapshot: Snapshot) -> str:
    """Return the labels that select the job's series in PromQL."""
    values = (snapshot.source, snapshot.platform, job.project, job.job_id, job.job_name)
    pairs = zip(IDENTITY, values, strict=True)
    return "{" + ", ".join(f'{name}="{_quoted(value)}"' for name, value in pairs) + "}"


def _quoted(value: str) -> str:
    """Escape what PromQL must have escaped, and what would turn or hide the text around it."""
    return "".join(
        character if visible(character) == character else f"\\U{ord(character):08x}"
        for character in escape(value)
    )
