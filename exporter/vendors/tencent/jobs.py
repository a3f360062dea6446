"""Read rows of DescribeJobs: JobV1 of `oceanus` 2019-04-22. Everything here is pure.

Vendor page: "Data types", JobV1. Any field may be null, and recent ones may be absent. WebUIUrl
carries access to Flink, DecodeSqlCode the SQL with its passwords: neither is read.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.errors import UnreadableError
from exporter.fields import Flaws, Record, read_rows, row_reader
from exporter.model import Job, State, look_up
from exporter.vendors.tencent.states import OPERATING, RUNNING, STATES

_JOB_TYPES = ("", "SQL", "JAR", "ETL", "PYTHON")
_FINE = frozenset({"", "success"})
_GOES_ON = frozenset({OPERATING, RUNNING})
_ERROR_CLASS = re.compile(
    r"(?<![\w.$])(?:[a-z][a-z0-9_]{0,40}\.){1,10}"
    r"[A-Z][A-Za-z0-9_]{0,60}(?:\$[A-Z][A-Za-z0-9_]{0,60})?(?:Exception|Error)(?![\w$])"
)
_SEARCHED = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One row: the job without what other rows and the past are needed for, and that as it is."""

    job: Job
    start_text: str
    stop_text: str
    created_text: str
    updated_text: str
    run_seconds: float | None
    """How long the run has lasted, of a running job."""
    operation_texts: tuple[str, ...]
    """What may say which operation is going on."""

    @property
    def began(self) -> float | None:
        """Return when the run of a running job began: no zone is needed for it."""
        if self.run_seconds is None:
            return None
        return self.job.observed_timestamp - self.run_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """One page of a listing; `size` counts its rows, also those that could not be read."""

    rows: tuple[JobRow, ...]
    size: int
    total: int | None


def parse_jobs(
    response: Mapping[str, Any],
    workspace: str,
    observed: float,
    flaws: Flaws,
    others: Collection[str] = (),
) -> JobPage:
    """Read one page of DescribeJobs; raises UnreadableError when it is none.

    Beside a TotalCount of 0 the rows may be null. The count is of something else at times: the
    vendor's own example asks for one job, gets one, and is told 31.
    """
    total = Record(response, "DescribeJobs", flaws).count("TotalCount")
    rows = response.get("JobSet")
    if rows is None and total == 0:
        rows = []
    if not isinstance(rows, list):
        raise UnreadableError("JobSet: expected a list")
    read = read_rows(rows, job_reader(workspace, observed, flaws, others))
    found = tuple(row for row in read if row is not None)
    return JobPage(rows=found, size=len(read), total=total)


def job_reader(
    workspace: str, observed: float, flaws: Flaws, others: Collection[str] = ()
) -> Callable[[int, object], JobRow | None]:
    """Return what reads one row; None, and noted, of a row that is no job.

    A row belongs to the work space that was asked for, unless it names one of `others`. Without one
    rows have to name theirs.
    """

    def read(record: Record) -> JobRow | None:
        job_id = record.text("JobId")
        own = record.text("WorkSpaceId")
        project = own if own in others else workspace or own
        if not job_id or not project:
            record.missing("WorkSpaceId" if job_id else "JobId")
            return None
        return _parse_row(record, project, job_id, observed, flaws)

    return row_reader("JobSet", read, flaws)


def _parse_row(record: Record, project: str, job_id: str, observed: float, flaws: Flaws) -> JobRow:
    native = record.text("Status")
    state = look_up(STATES, native)
    if native and state is State.UNKNOWN and native != OPERATING:
        flaws.note_state(native)
    units = record.number("RunningCu")
    job = Job(
        project=project,
        job_id=job_id,
        job_name=record.text("Name") or job_id,
        state=state,
        native_status=native,
        job_type=_job_type(record.text("JobType")),
        queue=record.text("ClusterName", "ClusterId"),
        engine_version=record.text("FlinkVersion"),
        restart_times=record.count("RestartCount"),
        compute_units=units if units is not None and units >= 0 else None,
        health_score=_health(record),
        observed_timestamp=observed,
    )
    if native not in _GOES_ON:
        # Of a job that goes on it is about its last operation, such as a savepoint.
        job = with_error(job, _failure(record))
    run = record.milliseconds("CurrentRunMillis") if native == RUNNING else None
    return JobRow(
        job=job,
        start_text=record.text("StartTime"),
        stop_text=record.text("StopTime"),
        created_text=record.text("CreateTime"),
        updated_text=record.text("UpdateTime"),
        run_seconds=run or None,
        operation_texts=(record.text("ProgressDesc"), record.text("StatusDesc")),
    )


def with_error(job: Job, text: str) -> Job:
    """Return the job with what is said to have gone wrong."""
    match = _ERROR_CLASS.search(text[:_SEARCHED])
    return job._replace(error_text=text, error_type=match[0] if match else "")


def _failure(record: Record) -> str:
    told = record.long_text("LastOpResult")
    return "" if told.strip().casefold() in _FINE else told


def _job_type(number: str) -> str:
    known = number.isascii() and number.isdigit() and int(number[:9]) < len(_JOB_TYPES)
    return _JOB_TYPES[int(number)] if known else number


def _health(record: Record) -> float | None:
    score = record.number("HealthScore")
    if score is None or score < 0 or (score == 0 and not record.text("LastDiagnoseTime")):
        # Nobody has looked at it yet.
        return None
    return score
