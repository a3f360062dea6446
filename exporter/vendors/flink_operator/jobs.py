"""Describe the job of a resource, alone or together with what its JobManager says now.

The resource is up to a look interval of the operator old, 60 s; the JobManager knows one run and
nothing of intentions. So the JobManager's word counts while the operator leaves the job alone and
wants it to run; in an upgrade, a suspension or a deletion the resource's does. Pure functions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.fields import Flaws
from exporter.model import ENDED_STATES, Job, State
from exporter.vendors.flink.throughput import figure_names
from exporter.vendors.flink_operator.errors import OperatorError
from exporter.vendors.flink_operator.resources import RUNNING, Resource
from exporter.vendors.flink_operator.states import (
    NO_STATUS,
    SETTLED,
    Verdict,
    judge,
    lifecycle_of,
)

_SESSION_PREFIX = "sessionjob/"
_BATCH = "batch"
_OF_A_RUN = frozenset(
    {
        *("INITIALIZING", "CREATED", "RUNNING", "FAILING", "FAILED", "CANCELLING", "CANCELED"),
        *("RESTARTING", "FINISHED"),
    }
)
"""States of a job whose start is that of the run it is in."""
_MEASURED = (
    *("duration_seconds", "restart_times", "input_delay_seconds", "parallelism", "tasks"),
    *("checkpoints_completed", "checkpoints_failed", "last_checkpoint_completed_timestamp"),
    *("last_checkpoint_duration_seconds", "last_checkpoint_size_bytes", "job_type"),
    *figure_names(throughput=True, busy=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A resource's job, and what was made of its words."""

    resource: Resource
    verdict: Verdict
    job: Job

    @property
    def row(self) -> Job:
        """Return the job as a row that leaves its state to whoever asks the JobManager."""
        return self.job._replace(native_status="", state=State.UNKNOWN)

    @property
    def needs_details(self) -> bool:
        """Say whether the JobManager may know better than the resource what the job does.

        Where the resource says that it runs both say so, and the finer view wins by itself.
        """
        return self.verdict.open and self.verdict.state is not State.RUNNING


def job_ids(resources: Iterable[Resource]) -> dict[tuple[str, str], bool]:
    """Return by namespace and name which session jobs share theirs with another job."""
    named: dict[tuple[str, str], set[str]] = {}
    for each in resources:
        if each.runs_job:
            named.setdefault((each.namespace, each.name), set()).add(each.kind.plural)
    return {key: len(kinds) > 1 for key, kinds in named.items()}


def session_job_id(name: str) -> str:
    """Return the id of a session job that has the name of an application."""
    return f"{_SESSION_PREFIX}{name}"


def split_job_id(job_id: str) -> tuple[str, bool]:
    """Return the name of a resource and whether it can only be a session job."""
    name = job_id.removeprefix(_SESSION_PREFIX)
    return name, name != job_id


def describe(
    resource: Resource,
    observed: float,
    flaws: Flaws,
    *,
    job_id: str = "",
    job_type: str = "",
    own_parallelism: bool = False,
) -> Described:
    """Describe the job of a resource; `job_type` is what its JobManager called it before.

    With `own_parallelism` the specification's is told, since nobody asks for the true one.
    """
    verdict = judge(resource, flaws)
    status = resource.status
    native = status.job_state if status else ""
    error = status.error if status else OperatorError()
    dated = status.updated_timestamp if status and verdict.by_job else None
    of_a_run = native in _OF_A_RUN and verdict.state is not State.SUSPENDED
    failed = verdict.state is State.FAILED
    job = Job(
        project=resource.namespace,
        job_id=job_id or resource.name,
        job_name=resource.name,
        state=verdict.state,
        native_status=native or lifecycle_of(status) or NO_STATUS,
        expected_state=resource.desired,
        expected_running=_expected(resource, verdict.state, job_type),
        job_type=job_type,
        run_mode=resource.upgrade_mode,
        engine_version=(status.flink_version if status else "") or resource.flink_version,
        run_id=status.job_id if status else "",
        start_timestamp=status.start_timestamp if status and of_a_run else None,
        end_timestamp=dated if verdict.state in ENDED_STATES else None,
        created_timestamp=resource.created_timestamp,
        state_since_timestamp=dated,
        last_error_timestamp=dated if failed else None,
        error_id=error.error_id,
        error_type=error.error_type,
        error_text=error.text,
        parallelism=resource.parallelism if own_parallelism else None,
        observed_timestamp=observed,
    )
    return Described(resource=resource, verdict=verdict, job=job)


def may_ask(resource: Resource, manager: str) -> bool:
    """Say whether to ask the JobManager about a job; `manager` is how its Deployment is."""
    status = resource.status
    return (
        manager == "READY" and status is not None and bool(status.job_id) and not resource.deleting
    )


def rest_may_win(resource: Resource) -> bool:
    """Say whether the JobManager's word on the state counts more than the resource's."""
    settled = lifecycle_of(resource.status) in SETTLED
    return settled and resource.desired == RUNNING and not resource.deleting


def ends_what_lives(described: Described, found: Job) -> bool:
    """Say whether the JobManager tells the end of a run that goes on by the resource.

    The operator itself stops jobs, and writes so when it is done: look at the resource again.
    """
    return rest_may_win(described.resource) and found.ended and not described.job.ended


def waits_for_operator(resource: Resource) -> bool:
    """Say whether a specification is there that the operator has not yet looked at."""
    seen = resource.status.observed_generation if resource.status else None
    return seen is not None and resource.generation is not None and seen != resource.generation


def join(described: Described, found: Job) -> Job:
    """Add to a resource's job what its JobManager says of the same run."""
    job, resource = described.job, described.resource
    facts = {name: getattr(found, name) for name in _MEASURED}
    if found.last_error_timestamp is not None:
        facts["last_error_timestamp"] = found.last_error_timestamp
        # Of a job that failed the operator names the innermost cause. While it lives, what the
        # operator says is undated, and may be of a specification that was never in force.
        if job.state is not State.FAILED or not job.error_type:
            facts["error_type"] = found.error_type or job.error_type
            facts["error_text"] = found.error_text or job.error_text
    joined = job._replace(**facts, observed_timestamp=found.observed_timestamp)
    wins = rest_may_win(resource) and not job.ended and found.state is not State.UNKNOWN
    if wins and not (found.ended and waits_for_operator(resource)):
        joined = joined._replace(
            # What the operator does not know, or knew a minute ago, is a state of a run by now.
            state=job.state if job.state is State.RUNNING else found.state,
            finer_state=found.state,
            graph_state=found.native_status,
            start_timestamp=found.start_timestamp or job.start_timestamp,
            end_timestamp=found.end_timestamp,
            # What the operator dates is the state it saw.
            state_since_timestamp=found.state_since_timestamp
            or (job.state_since_timestamp if found.state is job.state else None),
        )
    expected = _expected(resource, joined.finer_state or joined.state, found.job_type)
    return joined._replace(expected_running=expected)


def _expected(resource: Resource, state: State, job_type: str) -> bool:
    """Say whether a job should run: as desired, but a batch job that finished did all it should."""
    done = job_type.casefold() == _BATCH and state is State.FINISHED
    return resource.desired == RUNNING and not done
