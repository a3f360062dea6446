"""Read the custom resources of the Flink Kubernetes Operator: what should be, and what is.

Flink Kubernetes Operator, "Custom Resource Reference", v1beta1: FlinkDeployment and
FlinkSessionJob. Of each object of 10 to 60 kB a few fields are kept. What is never kept: the
arguments of jobs, their configuration beside two keys, the specifications that were in force
before (all of these hold secrets), and who manages which field. Everything here is pure.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.fields import Flaws, Record, row_reader
from exporter.kubernetes.api import Kind
from exporter.vendors.flink.jobs import JOB_ID
from exporter.vendors.flink_operator.errors import OperatorError, parse_error

GROUP: Final = "flink.apache.org"
DEPLOYMENTS: Final = Kind(
    group=GROUP, version="v1beta1", plural="flinkdeployments", kind="FlinkDeployment"
)
SESSION_JOBS: Final = Kind(
    group=GROUP, version="v1beta1", plural="flinksessionjobs", kind="FlinkSessionJob"
)
REST_PORT: Final = 8081

RUNNING: Final = "running"
SUSPENDED: Final = "suspended"
_CANARY = f"{GROUP}/canary"
_VERSION = re.compile(r"v\d+(?:_\d+)*")
_LONGEST_WORD = 64
_MOST_SPEC = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the operator wrote of a resource; empty texts and None where it wrote nothing."""

    lifecycle: str = ""
    job_state: str = ""
    job_id: str = ""
    start_timestamp: float | None = None
    updated_timestamp: float | None = None
    """When the operator last saw the job in another state."""
    manager: str = ""
    """How the JobManager's Deployment is; session jobs have none of their own."""
    step: str = ""
    """What the operator did last: DEPLOYED, UPGRADING, ROLLING_BACK, ROLLED_BACK."""
    observed_generation: int | None = None
    reconciled: bool = False
    """Whether any specification was ever in force."""
    reconciled_state: str = ""
    """What `job.state` of the specification in force says; empty when nobody can tell."""
    stable: bool = False
    """Whether any specification ever ran well."""
    flink_version: str = ""
    error: OperatorError = field(default_factory=OperatorError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One FlinkDeployment or FlinkSessionJob."""

    kind: Kind
    namespace: str
    name: str
    uid: str = ""
    generation: int | None = None
    created_timestamp: float | None = None
    deleting: bool = False
    runs_job: bool = True
    """Whether it is a job at all: not a session cluster, nor the operator's own dummy."""
    desired: str = RUNNING
    upgrade_mode: str = ""
    parallelism: int | None = None
    """What the specification asks for."""
    flink_version: str = ""
    cluster: str = ""
    """The FlinkDeployment whose JobManager runs it: itself, unless it is a session job."""
    rest_port: int = REST_PORT
    rest_tls: bool = False
    status: Status | None = None
    """None until the operator first touched it."""


def resource_reader(
    kind: Kind, namespace: str, flaws: Flaws
) -> Callable[[int, object], Resource | None]:
    """Return what reads the rows of a listing of a kind, in a namespace or, if empty, in all."""

    def parse(row: Record) -> Resource | None:
        return parse_resource(row, kind, namespace, flaws)

    return row_reader(f"{kind.plural}.items", parse, flaws)


def parse_resource(row: Record, kind: Kind, namespace: str, flaws: Flaws) -> Resource | None:
    """Read one resource; None, and noted, when it has no name or is of another namespace."""
    metadata, spec = row.record("metadata"), row.record("spec")
    name, where = metadata.text("name"), metadata.text("namespace")
    if not name or not where or (namespace and where != namespace):
        metadata.missing("namespace" if name else "name")
        return None
    session = kind == SESSION_JOBS
    job = spec.record("job")
    canary = metadata.record("labels").text(_CANARY).casefold() == "true"
    configuration = spec.record("flinkConfiguration")
    status = row.record("status")
    return Resource(
        kind=kind,
        namespace=where,
        name=name,
        uid=metadata.text("uid"),
        generation=metadata.count("generation"),
        created_timestamp=metadata.time_either("creationTimestamp"),
        deleting=metadata.has("deletionTimestamp"),
        runs_job=not canary and (session or spec.has("job")),
        desired=_desired(job),
        upgrade_mode=job.text("upgradeMode"),
        parallelism=job.count("parallelism") or None,
        flink_version=_spec_version(spec.text("flinkVersion")),
        cluster=spec.text("deploymentName") if session else name,
        rest_port=_rest_port(configuration),
        rest_tls=_rest_tls(configuration),
        status=parse_status(status, flaws) if status else None,
    )


def parse_status(status: Record, flaws: Flaws) -> Status:
    """Read the status of a resource."""
    job = status.record("jobStatus")
    steps = status.record("reconciliationStatus")
    job_id = job.text("jobId").casefold()
    job_state = job.text("state")
    reconciled = steps.has("lastReconciledSpec")
    return Status(
        lifecycle=status.text("lifecycleState"),
        job_state=job_state,
        job_id=job_id if JOB_ID.fullmatch(job_id) else "",
        start_timestamp=job.time_milliseconds("startTime"),
        updated_timestamp=job.time_milliseconds("updateTime"),
        manager=status.text("jobManagerDeploymentStatus"),
        step=steps.text("state"),
        observed_generation=status.count("observedGeneration"),
        reconciled=reconciled,
        reconciled_state=_reconciled_state(steps) if reconciled else "",
        stable=steps.has("lastStableSpec"),
        flink_version=status.record("clusterInfo").text("flink-version"),
        error=parse_error(status.long_text("error", limit=256 * 1024), flaws),
    )


def _desired(job: Record) -> str:
    return job.text("state").casefold()[:_LONGEST_WORD] or RUNNING


def _reconciled_state(steps: Record) -> str:
    """Return the one word that is needed of the specification in force."""
    text = steps.long_text("lastReconciledSpec", limit=_MOST_SPEC)
    try:
        found: Any = json.loads(text)
        for name in ("spec", "job", "state"):
            found = found.get(name) if isinstance(found, Mapping) else None
    except (ValueError, RecursionError):
        # Longer than what is kept of a text: the lifecycle tells as much.
        return ""
    return found.casefold() if isinstance(found, str) else RUNNING


def _rest_port(configuration: Record) -> int:
    port = configuration.count("rest.port") or configuration.record("rest").count("port")
    return port if port is not None and 0 < port < 65536 else REST_PORT


def _rest_tls(configuration: Record) -> bool:
    flat = configuration.boolean("security.ssl.rest.enabled")
    if flat is None:
        nested = configuration.record("security").record("ssl").record("rest")
        flat = nested.boolean("enabled")
    return flat is True


def _spec_version(text: str) -> str:
    """Return a version as Flink itself writes it: v1_20 is 1.20."""
    return text[1:].replace("_", ".") if _VERSION.fullmatch(text) else ""
