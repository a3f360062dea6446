"""Simulate the DataArts Factory API as far as it shows real-time jobs.

Pages: "Querying a Job List" and "Viewing Running Status of a Real-Time Job".
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.dataarts_bodies import batch_rows, list_row, running_status
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway, admit_project
from exporter.simulator.huawei.paging import read_choice, read_count
from exporter.simulator.huawei.refusal import HuaweiRefusal, service_refusal

LIST = "ListJobs"
SHOW = "ShowJobStatus"

_DEFAULT_LIMIT = 10
_MAXIMUM_LIMIT = 100


class Paging(StrEnum):
    """What an offset counts: the page says pages, production clients count rows."""

    ROWS = "rows"
    PAGES = "pages"


class _DataArtsService:
    def __init__(
        self, fleet: Fleet, paging: Paging, workspaces: Collection[str], has_default: bool
    ) -> None:
        self._fleet = fleet
        self._paging = paging
        self._workspaces = frozenset(workspaces)
        self._has_default = has_default

    def list_jobs(self, call: Call) -> Response:
        self._check_workspace(call)
        limit = read_count(call.query, "limit", _DEFAULT_LIMIT, _MAXIMUM_LIMIT, _invalid)
        offset = read_count(call.query, "offset", 0, None, _invalid)
        if limit == 0:
            raise _invalid("limit")
        kind = read_choice(call.query, "jobType", "BATCH", ("BATCH", "REAL_TIME"), _invalid)
        rows = self._rows(kind, call.now)
        rows = [row for row in rows if call.query.get("jobName", "") in row["name"]]
        first = offset if self._paging is Paging.ROWS else offset * limit
        return JSONResponse({"total": len(rows), "jobs": rows[first : first + limit]})

    def show_status(self, call: Call) -> Response:
        self._check_workspace(call)
        view = self._fleet.named(call.path["job_name"], call.now)
        if view is None:
            raise service_refusal("missing", "DLF.0100", "The job does not exists.")
        return JSONResponse(running_status(view, call.now))

    def _rows(self, kind: str, now: float) -> list[dict[str, Any]]:
        if kind == "BATCH":
            return batch_rows(now)
        # A name is the key of a job here: a resubmitted job is the same job.
        views = sorted(self._fleet.views(now), key=lambda view: (view.created_at, view.number))
        return [list_row(view) for view in {view.name: view for view in views}.values()]

    def _check_workspace(self, call: Call) -> None:
        workspace = call.wire.headers.get("workspace")
        if workspace is None and self._has_default:
            return
        if workspace is None or workspace not in self._workspaces:
            raise service_refusal("workspace", "DLF.0819", "The workspace does not exist.")


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Clock,
    access: HuaweiAccess,
    project_id: str,
    paging: Paging = Paging.ROWS,
    workspaces: Collection[str] = (),
    default_workspace: bool = True,
) -> Starlette:
    """Build the Factory of one region; every workspace shows the same fleet.

    Without a `default_workspace` a request that names no workspace is refused.
    """
    service = _DataArtsService(fleet, paging, workspaces, default_workspace)
    gateway = HuaweiGateway(
        faults=faults, clock=clock, admit=admit_project(access, project_id), prefix="APIG"
    )
    return gateway.app(
        [
            gateway.route("/v1/{project_id}/jobs", LIST, service.list_jobs),
            gateway.route("/v1/{project_id}/jobs/{job_name}/status", SHOW, service.show_status),
        ]
    )


def _invalid(parameter: str) -> HuaweiRefusal:
    return service_refusal("parameter", "DLF.3051", f"The parameter {parameter} is invalid.")
