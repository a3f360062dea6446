"""Simulate the Data Lake Insight API as far as it shows Flink jobs.

Pages: "Querying the List of Jobs" (dli_02_0234), "Querying Job Details" (dli_02_0235),
"Querying the Job Execution Plan" (dli_02_0236).
"""

from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, View
from exporter.simulator.huawei import edge as huawei_edge
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.dli_graph import execution_graph
from exporter.simulator.huawei.dli_rows import (
    JOB_TYPES,
    STATUSES,
    detailed_row,
    job_type,
    light_row,
    status_of,
)
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway, admit_project
from exporter.simulator.huawei.paging import read_choice, read_count
from exporter.simulator.huawei.refusal import HuaweiRefusal, service_refusal

LIST = "ListFlinkJobs"
SHOW = "ShowFlinkJob"
GRAPH = "ShowFlinkJobExecutionGraph"

_DEFAULT_LIMIT = 10
_MAXIMUM_LIMIT = 100


class _DliService:
    def __init__(self, fleet: Fleet, project_id: str) -> None:
        self._fleet = fleet
        self._project_id = project_id

    def list_jobs(self, call: Call) -> Response:
        limit = read_count(call.query, "limit", _DEFAULT_LIMIT, _MAXIMUM_LIMIT, _invalid)
        offset = read_count(call.query, "offset", 0, None, _invalid)
        order = read_choice(call.query, "order", "desc", ("asc", "desc"), _invalid)
        detailed = read_choice(call.query, "show_detail", "false", ("true", "false"), _invalid)
        views = self._filtered(call)
        views.sort(key=lambda view: (view.created_at, view.number), reverse=order == "desc")
        page = views[offset : offset + limit]
        rows = [
            detailed_row(view, call.now, self._project_id)
            if detailed == "true"
            else light_row(view, call.now)
            for view in page
        ]
        listing = {"total_count": len(views), "jobs": rows}
        return _success("Querying the job list succeeds.", job_list=listing)

    def show_job(self, call: Call) -> Response:
        view = self._find(call)
        detail = detailed_row(view, call.now, self._project_id)
        # A text in the examples, a boolean in some editions of the tables: jobs differ.
        success = True if view.number % 4 == 0 else "true"
        return _success("Job detail query succeeds.", success, job_detail=detail)

    def show_graph(self, call: Call) -> Response:
        graph = execution_graph(self._find(call), call.now)
        if graph is None:
            raise service_refusal(
                "not_running", "DLI.11098", "The job is not an existing job or is not running."
            )
        return _success("Querying the job execution graph succeeds.", execute_graph=graph)

    def _filtered(self, call: Call) -> list[View]:
        query = call.query
        status = read_choice(query, "status", "", ("", *STATUSES), _invalid)
        types = ("", *JOB_TYPES, "flink_sql_edge_job")
        wanted_type = read_choice(query, "job_type", "", types, _invalid)
        return [
            view
            for view in self._fleet.views(call.now)
            if query.get("name", "") in view.name
            and status in ("", status_of(view, call.now))
            and wanted_type in ("", job_type(view))
        ]

    def _find(self, call: Call) -> View:
        text = call.path["job_id"]
        if not (text.isascii() and text.isdigit()):
            raise _invalid("job_id")
        view = self._fleet.view(int(text), call.now)
        if view is None:
            chinese = call.wire.headers.get("x-language", "").lower().startswith("zh")
            text = "作业不存在。" if chinese else "The job does not exist."
            raise service_refusal("missing", "DLI.16001", text)
        return view


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Clock,
    access: HuaweiAccess,
    project_id: str,
    inbox: huawei_edge.EdgeInbox | None = None,
) -> Starlette:
    """Build the DLI of one region that shows one project's jobs; job ids are fleet numbers.

    With an inbox it also takes reports of edge jobs, of any project.
    """
    service = _DliService(fleet, project_id)
    gateway = HuaweiGateway(
        faults=faults, clock=clock, admit=admit_project(access, project_id), prefix="APIGW"
    )
    jobs = "/v1.0/{project_id}/streaming/jobs"
    reports = (
        []
        if inbox is None
        else huawei_edge.routes(inbox, faults=faults, clock=clock, access=access)
    )
    return gateway.app(
        [
            *reports,
            gateway.route(jobs, LIST, service.list_jobs),
            gateway.route(f"{jobs}/{{job_id}}", SHOW, service.show_job),
            gateway.route(f"{jobs}/{{job_id}}/execute-graph", GRAPH, service.show_graph),
        ]
    )


def _success(message: str, success: bool | str = "true", **content: Any) -> Response:
    return JSONResponse({"is_success": success, "message": message, **content})


def _invalid(parameter: str) -> HuaweiRefusal:
    text = f"The parameter {parameter} is invalid."
    return service_refusal("parameter", "DLI.0001", text)
