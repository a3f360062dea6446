"""Tell what a job of the Flink operator does, from three words that contradict each other at times.

The operator writes FINISHED into the state of a job that it stopped itself, RECONCILING where it
does not know, and a lifecycle that says nothing of this moment. So the rules are tried in order and
the first that fits decides. Flink Kubernetes Operator: CommonStatus.getLifecycleState,
JobStatusObserver, AbstractFlinkService. Everything here is pure.
"""

from dataclasses import dataclass

from exporter.fields import Flaws
from exporter.model import State
from exporter.vendors.flink_operator.resources import SESSION_JOBS, SUSPENDED, Resource, Status

NO_STATUS = "NO_STATUS"
"""Our own word for a resource that no operator has touched."""

LIFECYCLES = frozenset(
    {
        *("CREATED", "SUSPENDED", "UPGRADING", "DEPLOYED", "STABLE", "ROLLING_BACK"),
        *("ROLLED_BACK", "FAILED", "DELETING", "DELETED"),
    }
)
SETTLED = frozenset({"", "DEPLOYED", "STABLE", "ROLLED_BACK"})
"""Lifecycles in which the operator leaves the job alone."""
MANAGER_STATES = frozenset({"READY", "DEPLOYED_NOT_READY", "DEPLOYING", "MISSING", "ERROR"})
_CHANGING = ("UPGRADING", "ROLLING_BACK")
_LIVING = frozenset(
    {
        *("INITIALIZING", "CREATED", "RUNNING", "FAILING", "CANCELLING", "RESTARTING"),
        "RECONCILING",
    }
)
_BY_JOB = {
    "INITIALIZING": State.STARTING,
    "CREATED": State.STARTING,
    "RUNNING": State.RUNNING,
    "RESTARTING": State.RESTARTING,
    "FAILING": State.RESTARTING,
    "CANCELLING": State.STOPPING,
    "CANCELED": State.STOPPED,
    "FINISHED": State.FINISHED,
    "SUSPENDED": State.SUSPENDED,
}
JOB_STATES = frozenset({*_BY_JOB, "FAILED", "RECONCILING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a resource's job does, and how that is known."""

    state: State
    by_job: bool = False
    """Whether the state of the job decided, which the operator saw: it dates the state."""
    open: bool = False
    """Whether the JobManager may know better, being asked now."""


def judge(resource: Resource, flaws: Flaws) -> Verdict:
    """Return what the job of a resource does; words that nobody knows are noted."""
    status = resource.status
    if status is not None:
        _note_unknown_words(status, flaws)
    lifecycle = lifecycle_of(status)
    if resource.deleting or lifecycle in ("DELETING", "DELETED"):
        return Verdict(state=State.STOPPING)
    suspended = resource.desired == SUSPENDED
    if status is None or (
        lifecycle in ("CREATED", "") and not status.job_state and not _broken(status)
    ):
        return Verdict(state=State.CREATED if suspended else State.STARTING)
    job = status.job_state
    if lifecycle == "FAILED" or (job == "FAILED" and lifecycle not in _CHANGING):
        return Verdict(state=State.FAILED, by_job=job == "FAILED")
    if _broken(status):
        # The operator goes on looking, and leaves this state when the pod recovers.
        return Verdict(state=State.RESTARTING)
    if lifecycle in _CHANGING:
        return Verdict(state=_while_changing(status, suspended=suspended))
    if lifecycle == "SUSPENDED":
        return _when_suspended(job, suspended=suspended)
    if suspended and job in _LIVING:
        return Verdict(state=State.STOPPING)
    return _by_job(resource, status, lifecycle)


def lifecycle_of(status: Status | None) -> str:
    """Return the lifecycle, derived as the operator does where it is too old to write it."""
    if status is None:
        return ""
    if status.lifecycle:
        return status.lifecycle.upper()
    if not status.reconciled:
        return ""
    if status.step in _CHANGING:
        return status.step
    return "SUSPENDED" if status.reconciled_state == SUSPENDED else ""


def _broken(status: Status) -> bool:
    return status.manager == "ERROR"


def _while_changing(status: Status, *, suspended: bool) -> State:
    if status.job_state in ("CANCELLING", "RUNNING"):
        return State.STOPPING if suspended else State.RESTARTING
    return State.RESTARTING if _ran_before(status) else State.STARTING


def _when_suspended(job: str, *, suspended: bool) -> Verdict:
    if job in ("CANCELLING", "RUNNING"):
        return Verdict(state=State.STOPPING)
    if job == "CANCELED" and not suspended:
        # Somebody cancelled it by hand, and nobody will start it again.
        return Verdict(state=State.STOPPED, by_job=True)
    return Verdict(state=State.SUSPENDED)


def _by_job(resource: Resource, status: Status, lifecycle: str) -> Verdict:
    job = status.job_state
    open_to_rest = lifecycle in SETTLED and status.manager in ("READY", "")
    if job == "RECONCILING":
        return Verdict(state=_reconciling(resource, status, lifecycle), open=open_to_rest)
    if job == "FINISHED" and (lifecycle not in SETTLED or status.reconciled_state == SUSPENDED):
        return Verdict(state=State.UNKNOWN)
    state = _BY_JOB.get(job, State.UNKNOWN)
    living = job in _LIVING
    return Verdict(state=state, by_job=job in _BY_JOB, open=living and open_to_rest)


def _reconciling(resource: Resource, status: Status, lifecycle: str) -> State:
    if status.manager in ("DEPLOYING", "DEPLOYED_NOT_READY"):
        return State.RESTARTING if status.stable else State.STARTING
    if status.manager == "MISSING" and status.error.names_missing_manager:
        return State.RESTARTING
    if resource.kind == SESSION_JOBS and not _ran_before(status):
        # A session job that waits for its cluster, or was submitted just now.
        return State.STARTING if lifecycle in ("CREATED", "DEPLOYED", "") else State.UNKNOWN
    # The operator lost sight of it.
    return State.UNKNOWN


def _ran_before(status: Status) -> bool:
    return status.stable or status.start_timestamp is not None


def _note_unknown_words(status: Status, flaws: Flaws) -> None:
    if status.job_state and status.job_state not in JOB_STATES:
        flaws.note_state(status.job_state)
    if status.lifecycle and status.lifecycle.upper() not in LIFECYCLES:
        flaws.note_state(status.lifecycle)
    if status.manager and status.manager not in MANAGER_STATES:
        flaws.note_state(status.manager)
