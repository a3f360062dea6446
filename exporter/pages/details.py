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
from exporter.pages.reader import Reader
from exporter.pages.texts.words import Words

_LEVELS = {0: "level_ok", 1: "level_low", 2: "level_high"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a group: a name, and a text or a time."""

    name: str
    text: str = ""
    time: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Facts that belong together."""

    key: str
    """What it is about, whatever the language."""
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


def details(job: Job, snapshot: Snapshot, changes: Iterable[Change], reader: Reader) -> Details:
    """Return what the page of a job says."""
    problems = problem_rows(problems_of(snapshot, job.project, job.job_id), job, reader)
    identity = {"source": snapshot.source, "project": job.project, "job_id": job.job_id}
    return Details(
        name=visible(job.job_name or job.job_id),
        source=visible(snapshot.source),
        platform=visible(snapshot.platform),
        project=visible(job.project),
        state=job.state,
        level=problems[0].level if problems else None,
        problems=problems,
        announcement=reader.words.say(
            "job_is", name=visible(job.job_name), word=reader.words.glossed(job.state)
        ),
        since=moment(job.state_since_timestamp, reader),
        source_failure=visible(snapshot.failure) if snapshot.up is False else "",
        groups=_groups(job, snapshot, reader),
        error_text=visible(job.error_text),
        error_first=job.state in (State.FAILED, State.RESTARTING),
        tasks=tuple((visible(name), amount) for name, amount in job.tasks if amount),
        nodes=tuple(_node(node, reader) for node in job.nodes),
        changes=change_rows(changes, reader),
        json_link="api/v1/jobs?" + urlencode(identity),
        namesakes_link=Query(text=job.job_name, language=reader.chosen).link(),
        selector=_selector(job, snapshot),
    )


def problems_of(snapshot: Snapshot, project: str, job_id: str) -> Sequence[Problem]:
    """Return the problems of one job, the worst first."""
    return [
        problem
        for problem in snapshot.problems
        if problem.key.job_id == job_id and problem.key.project == project
    ]


def _node(node: Node, reader: Reader) -> NodeRow:
    return NodeRow(
        name=visible(node.name),
        node_type=visible(node.node_type),
        state=node.state,
        native_status=visible(node.native_status),
        run_id=visible(node.run_id),
        link=Query(text=node.run_id, language=reader.chosen).link() if node.run_id else "",
    )


def _groups(job: Job, snapshot: Snapshot, reader: Reader) -> tuple[Group, ...]:
    words = reader.words

    def text(key: str, value: str) -> Fact:
        return Fact(name=words[key], text=visible(value))

    def time(key: str, timestamp: float | None) -> Fact:
        return Fact(name=words[key], time=moment(timestamp, reader))

    def foreign(name: str, value: str) -> Fact:
        return Fact(name=visible(name), text=visible(value))

    groups = {
        "state": (
            time("fact_since", job.state_since_timestamp),
            text("fact_platform_says", job.native_status),
            text("fact_plan_says", job.graph_state),
            time("fact_nothing_runs", job.nothing_runs_since_timestamp),
            text("fact_expected", _expected(job, words)),
            time("fact_last_seen", job.observed_timestamp),
            text("fact_reports", _reports(job, words)),
        ),
        "run": (
            text("fact_duration", duration(job.duration_seconds, words)),
            time("fact_started", job.start_timestamp),
            time("fact_ended", job.end_timestamp),
            text("fact_restarts", number(job.restart_times)),
            text("fact_parallelism", number(job.parallelism)),
            text("fact_compute_units", number(job.compute_units)),
            text("fact_run_id", job.run_id),
        ),
        "health": (
            text("fact_input_delay", duration(job.input_delay_seconds, words)),
            time("fact_input_delay_as_of", job.input_delay_observed_timestamp),
            text("fact_operator_latency", latency(job.operator_latency_seconds, words)),
            text("fact_health_score", number(job.health_score)),
            time("fact_last_checkpoint", job.last_checkpoint_completed_timestamp),
            text("fact_checkpoint_took", duration(job.last_checkpoint_duration_seconds, words)),
            text("fact_checkpoint_size", size(job.last_checkpoint_size_bytes)),
            text("fact_checkpoints_completed", number(job.checkpoints_completed)),
            text("fact_checkpoints_failed", number(job.checkpoints_failed)),
            time("fact_checkpoints_as_of", job.checkpoints_observed_timestamp),
        ),
        "records": (
            text("fact_read", number(job.read_records)),
            text("fact_written", number(job.written_records)),
            text("fact_read_rate", number(job.read_records_per_second)),
            text("fact_written_rate", number(job.written_records_per_second)),
            text("fact_waiting", number(job.pending_records)),
            text("fact_idle", duration(job.source_idle_seconds, words)),
            text("fact_held_back", share(job.backpressured_ratio, words)),
            text("fact_back_pressure", _level(job.backpressure_level, words)),
            text("fact_busiest", share(job.busy_ratio, words)),
            *(foreign(name, number(value)) for name, value in job.other_metrics),
        ),
        "error": (
            time("fact_at", job.last_error_timestamp),
            text("fact_type", job.error_type),
            text("fact_code", job.error_id),
        ),
        "job": (
            text("fact_id", job.job_id),
            text("fact_project", job.project),
            text("fact_kind", job.job_type),
            text("fact_mode", job.run_mode),
            text("fact_queue", job.queue),
            text("fact_engine", job.engine_version),
            time("fact_created", job.created_timestamp),
            time("fact_changed", job.updated_timestamp),
            *(foreign(name, value) for name, value in snapshot.labels),
        ),
    }
    known = (
        Group(
            key=key,
            title=words[f"group_{key}"],
            facts=tuple(fact for fact in facts if fact.text or fact.time),
        )
        for key, facts in groups.items()
    )
    return tuple(group for group in known if group.facts)


def _expected(job: Job, words: Words) -> str:
    if job.expected_by_configuration:
        return words["expected_by_configuration"]
    if job.expected_state or job.expected_running is None:
        return job.expected_state
    return words["expected_to_run" if job.expected_running else "expected_not_to_run"]


def _reports(job: Job, words: Words) -> str:
    return "" if job.stale is None else words["reports_stale" if job.stale else "reports_regular"]


def _level(level: int | None, words: Words) -> str:
    if level is None:
        return ""
    return words[_LEVELS[level]] if level in _LEVELS else str(level)


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
