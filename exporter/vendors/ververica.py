"""Read deployments of Realtime Compute for Apache Flink and their runs: `ververica` 2022-07-18.

Vendor pages: "ListDeployments", "ListJobs", "GetDeployment", structures "Deployment", "Job".
Pure functions.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from exporter.fields import Flaws, Record, read_rows
from exporter.model import Job, State, StateMap, look_up
from exporter.upstream.client import NOT_THE_API
from exporter.vendors.alibaba import error_class, invalid, usable_in_path
from exporter.vendors.alibaba_listing import Page
from exporter.vendors.flink.graph import parse_flink_state

NO_RUN = "NO_JOB"
"""Our own word for a deployment that was never started: the vendor has none."""
STATES: StateMap = {
    NO_RUN.casefold(): State.CREATED,
    "starting": State.STARTING,
    "running": State.RUNNING,
    "failed": State.FAILED,
    "cancelling": State.STOPPING,
    "cancelled": State.STOPPED,
    "finished": State.FINISHED,
}
GOING_ON = ("RUNNING", "STARTING", "CANCELLING")
ENDED = ("CANCELLED", "FAILED", "FINISHED")

_MOST_RUNS = 1000
"""Runs of one answer that are looked at, the newest first: ten are asked for."""
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """One deployment of a listing; `ended` is how its runs have ended, None when it is not said."""

    job: Job
    ended: frozenset[str] | None

    def may_be(self, status: str) -> bool:
        """Say whether the latest run may be in a state, as far as the row tells."""
        return not self.job.native_status and self.ended is not None and status in self.ended

    def settled(self, status: str) -> "DeploymentRow":
        """Return the row as one listed under a status of the latest run."""
        return replace(self, job=_in_state(self.job, status)) if self.may_be(status) else self


def parse_deployments(
    document: Mapping[str, Any], namespace: str, observed: float, flaws: Flaws
) -> Page[DeploymentRow]:
    """Read one page of ListDeployments; raises FetchError when it is none."""
    data, total = _data("ListDeployments", document, flaws)
    rows = read_rows(data, row_reader(namespace, observed, flaws))
    found = [(row.job.job_id, row) for row in rows if row is not None]
    return Page(rows=tuple(found), unreadable=len(rows) - len(found), total=total)


def row_reader(
    namespace: str, observed: float, flaws: Flaws
) -> "Callable[[int, object], DeploymentRow | None]":
    """Return what reads one row of ListDeployments; None of a row that is not one."""

    def read(number: int, fields: object) -> "DeploymentRow | None":
        record = Record(fields, f"data[{number}]", flaws)
        return parse_deployment(record, namespace, observed, flaws)

    return read


def _data(
    operation: str, document: Mapping[str, Any], flaws: Flaws
) -> tuple[list[Any], int | None]:
    total = Record(document, operation, flaws).count("totalSize")
    data = document.get("data")
    # An empty object must not pass for an empty namespace.
    if data is None and total == 0:
        data = []
    if not isinstance(data, list):
        raise invalid(operation, f"expected a list as data; {NOT_THE_API}")
    return data, total


def parse_deployment(
    record: Record, namespace: str, observed: float, flaws: Flaws
) -> DeploymentRow | None:
    """Read a deployment; None, and noted, when it has no id.

    Its artifact, configuration and variables are left alone: they hold SQL and passwords.
    """
    deployment_id = record.text("deploymentId")
    if not usable_in_path(deployment_id):
        record.missing("deploymentId")
        return None
    summary = record.record("jobSummary")
    ended = frozenset(word for word in ENDED if summary.count(word.casefold()))
    target = record.record("deploymentTarget")
    job = Job(
        project=namespace,
        job_id=deployment_id,
        job_name=record.text("name") or deployment_id,
        job_type=record.text("executionMode"),
        run_mode=target.text("mode"),
        queue=target.text("name"),
        engine_version=record.text("engineVersion"),
        created_timestamp=record.time_either("createdAt"),
        parallelism=_parallelism(record),
        observed_timestamp=observed,
    )
    native = _native_status(summary, ended)
    return DeploymentRow(
        job=_in_state(job, native) if native else job, ended=ended if summary else None
    )


def _native_status(summary: Record, ended: frozenset[str]) -> str:
    for word in GOING_ON:
        if summary.count(word.casefold()):
            return word
    if not summary or len(ended) > 1:
        return ""
    return next(iter(ended), NO_RUN)


def _in_state(job: Job, native: str) -> Job:
    return job._replace(state=look_up(STATES, native), native_status=native)


def _parallelism(record: Record) -> int | None:
    # Present in basic mode only; an expert plan has one for each operator.
    basic = record.record("streamingResourceSetting").record("basicResourceSetting")
    return basic.count("parallelism")


def parse_latest_run(document: Mapping[str, Any], row: Job, observed: float, flaws: Flaws) -> Job:
    """Add to a deployment what ListJobs tells of its latest run; raises FetchError when it is none.

    The latest is the newest of those that go on, else the newest of all.
    """
    data, _ = _data("ListJobs", document, flaws)
    records = [Record(fields, f"data[{n}]", flaws) for n, fields in enumerate(data[:_MOST_RUNS])]
    if not records:
        return _in_state(row, NO_RUN)._replace(observed_timestamp=observed)
    return parse_run(max(records, key=_recency), row, observed, flaws)


def _recency(record: Record) -> tuple[bool, float]:
    going_on = record.record("status").text("currentJobStatus").upper() in GOING_ON
    return going_on, record.time_either("createdAt", "startTime") or 0.0


def parse_run(record: Record, row: Job, observed: float, flaws: Flaws) -> Job:
    """Add to a deployment what is known of one of its runs."""
    status = record.record("status")
    running, failure = status.record("running"), status.record("failure")
    native = status.text("currentJobStatus")
    state = look_up(STATES, native)
    if native and state is State.UNKNOWN:
        flaws.note_state(native)
    graph_state = running.text("observedFlinkJobStatus")
    reason, message = failure.text("reason"), failure.long_text("message")
    return row._replace(
        state=state,
        native_status=native,
        finer_state=parse_flink_state(graph_state, flaws),
        graph_state=graph_state,
        # A run says STREAM where its deployment says STREAMING: one word must do.
        job_type=row.job_type or record.text("executionMode"),
        engine_version=record.text("engineVersion") or row.engine_version,
        run_id=record.text("jobId"),
        restart_times=running.count("observedFlinkJobRestarts"),
        start_timestamp=record.time_either("startTime"),
        end_timestamp=record.time_either("endTime"),
        updated_timestamp=record.time_either("modifiedAt"),
        last_error_timestamp=failure.time_either("failedAt"),
        error_id=reason if _CODE.fullmatch(reason) else "",
        error_type=error_class(message),
        error_text=message,
        parallelism=_parallelism(record) or row.parallelism,
        health_score=status.number("healthScore"),
        observed_timestamp=observed,
    )
