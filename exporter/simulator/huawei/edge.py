"""Simulate the part of DLI that took reports of edge jobs.

Page: "Reporting the Flink Edge Job Status" (dli_02_0287). DLI has stopped answering it; this is
for those whose private cloud still does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway
from exporter.simulator.huawei.refusal import HuaweiRefusal, service_refusal

REPORT = "ReportFlinkEdgeJobStatus"
_PATH = "/v1/{project_id}/edgesrv/job-report"


@dataclass(slots=True)
class EdgeInbox:
    """What has arrived: the project and the decoded body of each report, in order."""

    reports: list[tuple[str, Any]] = field(default_factory=list)

    def message_ids(self, project_id: str) -> list[str]:
        """Return the message ids of a project's reports, in the order they came."""
        return [report["message_id"] for project, report in self.reports if project == project_id]


def routes(
    inbox: EdgeInbox, *, faults: FaultInjection, clock: Clock, access: HuaweiAccess
) -> list[BaseRoute]:
    """Return the routes that take reports of any project the caller may use."""

    def admit(call: Call) -> None:
        access.authorize(call.wire, project_id=call.path["project_id"], now=call.now)

    def take(call: Call) -> Response:
        inbox.reports.append((call.path["project_id"], _read(call.wire.body)))
        text = "The IEF Flink job status information is successfully reported."
        return JSONResponse({"is_success": "true", "message": text})

    gateway = HuaweiGateway(faults=faults, clock=clock, admit=admit, prefix="APIGW")
    return [gateway.route(_PATH, REPORT, take, "POST")]


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        report = json.loads(body)
    except ValueError:
        raise _invalid("body") from None
    if not isinstance(report, dict) or not isinstance(report.get("message_id"), str):
        raise _invalid("message_id")
    jobs = report.get("jobs")
    if not isinstance(jobs, list):
        raise _invalid("jobs")
    for job in jobs:
        if not isinstance(job.get("status"), str) or not isinstance(job.get("create_time"), int):
            raise _invalid("jobs")
    return report


def _invalid(parameter: str) -> HuaweiRefusal:
    return service_refusal("parameter", "DLI.0001", f"The parameter {parameter} is invalid.")
