"""Answers of DLI about one job, and what is read from them."""

import json
from typing import Any

from exporter.fields import Flaws
from exporter.model import Job
from exporter.platforms.huawei_dli import (
    parse_details,
    parse_list,
)
from tests.vendors.huawei_sources import FIXTURES, PROJECT
from tests.virtual_time import EPOCH

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"
ROW = Job(project=PROJECT, job_id="1", job_name="one", observed_timestamp=EPOCH)
STATUSES = [
    "job_init",
    "job_submitting",
    "job_submit_fail",
    "job_running",
    "job_running_exception",
    "job_downloading",
    "job_idle",
    "job_canceling",
    "job_cancel_success",
    "job_cancel_fail",
    "job_savepointing",
    "job_arrearage_stopped",
    "job_arrearage_recovering",
    "job_finish",
]


def fixture(case: str, name: str) -> Any:
    return json.loads((FIXTURES / "huawei_dli" / case / name).read_text())


def listing(*rows: object, total: int | None = None) -> dict[str, Any]:
    count = len(rows) if total is None else total
    return {"is_success": "true", "job_list": {"total_count": count, "jobs": list(rows)}}


def detail(**fields: Any) -> dict[str, Any]:
    return {"is_success": "true", "job_detail": {"job_id": 1, "name": "one", **fields}}


def plan(**fields: Any) -> dict[str, Any]:
    return {"is_success": "true", "execute_graph": {"state": "RUNNING", **fields}}


def parse_row(**fields: Any) -> tuple[Job, Flaws]:
    flaws = Flaws()
    page = parse_list(listing({"job_id": 1, "name": "one", **fields}), PROJECT, EPOCH, flaws)
    (row,) = page.jobs
    return row, flaws


def parse_detail(**fields: Any) -> Job:
    return parse_details(detail(**fields), ROW, Flaws())
