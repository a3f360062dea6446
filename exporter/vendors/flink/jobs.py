"""Read Flink's listing of all jobs, and the object of one.

Flink documentation, "REST API" (docs/ops/rest_api), `/jobs/overview` and `/jobs/:jobid`, versions
1.13 to 2.3. Pure functions.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from exporter.fields import Flaws, ReadRows, Record, read_rows, row_reader
from exporter.model import Job, State
from exporter.process.steps import Steps, finished
from exporter.vendors.flink.graph import (
    TaskCounts,
    parse_flink_state,
    parse_graph,
    parse_task_counts,
)

ROWS = "overview.jobs"
"""Where the rows are, for people."""
JOB_ID = re.compile(r"[0-9a-f]{32}")
_ROWS_PER_STEP = 2000
_LOCALLY_OVER = State.SUSPENDED
"""A JobManager that lost its leadership lets go of a job so; another may run it on."""


def parse_overview(
    document: Mapping[str, Any], now: float, flaws: Flaws, project: str = ""
) -> tuple[Job, ...]:
    """Read the listing of all jobs: one row for each. `project` names the cluster."""
    parse_row = row_parser(now, flaws, project=project)
    return finished(overview_in_steps(document, lambda: row_reader(ROWS, parse_row, flaws)))


def overview_in_steps(
    document: Mapping[str, Any], start: Callable[[], Callable[[int, object], Job | None]]
) -> Steps[tuple[Job, ...]]:
    """Do the same in steps, since a listing may be long.

    `start` returns what reads rows; of a long listing they were read while it was decoded.
    """
    rows = document.get("jobs")
    if not isinstance(rows, ReadRows):
        rows = read_rows(rows if isinstance(rows, list) else [], start())
    found: dict[str, Job] = {}
    for count, job in enumerate(rows, start=1):
        if job is not None:
            known = found.get(job.job_id)
            found[job.job_id] = job if known is None else _truer(known, job)
        if count % _ROWS_PER_STEP == 0:
            yield
    return tuple(found.values())


def row_parser(
    now: float,
    flaws: Flaws,
    *,
    project: str = "",
    engine_version: str = "",
    task_counts: Callable[[Record], TaskCounts] = parse_task_counts,
) -> Callable[[Record], Job | None]:
    """Return what reads one row of the listing; None of a row that is not one.

    `task_counts` reads how many tasks are in which state.
    """

    def parse_row(row: Record) -> Job | None:
        job_id = row.text("jid")
        if not JOB_ID.fullmatch(job_id):
            row.missing("jid")
            return None
        native_status = row.text("state")
        return Job(
            project=project,
            job_id=job_id,
            job_name=row.text("name"),
            name_digest=row.digest("name", cut=job_id),
            state=parse_flink_state(native_status, flaws) or State.UNKNOWN,
            native_status=native_status,
            job_type=row.text("jobType"),
            engine_version=engine_version,
            duration_seconds=row.milliseconds("duration"),
            start_timestamp=row.time_milliseconds("start-time"),
            end_timestamp=row.time_milliseconds("end-time"),
            # Any task's change moves it too, so it does not date the job's state.
            updated_timestamp=row.time_milliseconds("last-modification"),
            tasks=task_counts(row.record("tasks")),
            observed_timestamp=now,
        )

    return parse_row


def _truer(one: Job, other: Job) -> Job:
    """Return which of two rows of one job holds.

    Versions 1.13.0 to 1.13.5 and 1.14.0 to 1.14.2 list a job twice after a loss of leadership: as
    it runs now, and as it was when it was suspended (FLINK-20195). Later versions keep the one that
    is in progress, as is done here, in whatever order the two come.
    """
    return max(other, one, key=_finality)


def _finality(job: Job) -> tuple[int, float, float]:
    going_on = not job.ended and job.state is not _LOCALLY_OVER and job.end_timestamp is None
    rank = 2 if going_on else int(job.ended)
    return rank, job.start_timestamp or 0.0, job.updated_timestamp or 0.0


def parse_job(graph: Record, now: float, flaws: Flaws, project: str = "") -> Job:
    """Read the job object of one job. `project` names the cluster."""
    found = parse_graph(graph, flaws)
    return Job(
        project=project,
        job_id=found.jid,
        job_name=found.name,
        name_digest=graph.digest("name", cut=found.jid),
        state=found.state or State.UNKNOWN,
        native_status=found.native_state,
        job_type=graph.text("job-type"),
        duration_seconds=found.duration_seconds,
        start_timestamp=found.start_timestamp,
        end_timestamp=found.end_timestamp,
        state_since_timestamp=found.state_since_timestamp,
        parallelism=found.parallelism,
        tasks=found.tasks,
        observed_timestamp=now,
    )
