"""Simulate Oceanus, Tencent Cloud's Stream Compute Service, 2019-04-22: work spaces and their jobs.

Quirks included: TotalCount beside JobIds counts all jobs, and the work spaces are an item.
"""

from collections.abc import Callable

from starlette.applications import Starlette

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, View
from exporter.simulator.tencent.access import TencentAccess
from exporter.simulator.tencent.gateway import Call, Gateway, Operation
from exporter.simulator.tencent.refusal import JsonObject, Refusal, invalid_value
from exporter.simulator.tencent.rows import (
    CLUSTER_ID,
    CLUSTER_NAME,
    events_of,
    job_id,
    job_number,
    job_row,
)

VERSION = "2019-04-22"
_MOST_IDS = 100
_MOST_FILTERS = 5
_PAGE_LIMIT = 100


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: TencentAccess,
    workspace: str = "space-demo0001",
    region: str = "ap-guangzhou",
    offset_hours: int = 8,
    seed: int = 0,
) -> Starlette:
    """Build the simulated service with one work space that is used, and one that was deleted."""
    service = _Oceanus(fleet, workspace=workspace, region=region, offset_hours=offset_hours)
    gateway = Gateway(
        service="oceanus",
        version=VERSION,
        operations=service.operations(),
        access=access,
        faults=faults,
        clock=clock,
        seed=seed,
    )
    return gateway.app()


class _Oceanus:
    def __init__(self, fleet: Fleet, *, workspace: str, region: str, offset_hours: int) -> None:
        self._fleet = fleet
        self._workspace = workspace
        self._region = region
        self._offset_hours = offset_hours

    def operations(self) -> list[Operation]:
        pages = {"Offset", "Limit"}
        return [
            Operation(
                action="DescribeJobs",
                parameters=frozenset(
                    {"JobIds", "Filters", "WorkSpaceId", "ExtraResult", "ConnectorOptions", *pages}
                ),
                answer=self._describe_jobs,
            ),
            Operation(
                action="DescribeWorkSpaces",
                parameters=frozenset({"OrderType", "Filters", *pages}),
                answer=self._describe_work_spaces,
            ),
            Operation(
                action="DescribeJobEvents",
                parameters=frozenset(
                    {
                        *("JobId", "StartTimestamp", "EndTimestamp", "Types", "RunningOrderIds"),
                        *("WorkSpaceId", *pages),
                    }
                ),
                answer=self._describe_job_events,
            ),
        ]

    def _describe_jobs(self, call: Call) -> JsonObject:
        ids = call.texts("JobIds", most=_MOST_IDS)
        filters = call.parameters.get("Filters") or []
        if ids and filters:
            message = "JobIds and Filters cannot be given together."
            raise Refusal("InvalidParameterValue.UnSupportedComposite", message)
        if not isinstance(filters, list) or len(filters) > _MOST_FILTERS:
            raise invalid_value("Filters")
        offset = call.integer("Offset", default=0)
        limit = call.integer("Limit", default=20, highest=_PAGE_LIMIT)
        self._check_work_space(call)
        views = list(self._fleet.views(call.now))
        chosen = [view for view in views if not ids or job_id(view.number) in ids]
        for each in filters:
            chosen = [view for view in chosen if _passes(view, each)]
        return {
            # Of all jobs, whichever are asked for.
            "TotalCount": len(views),
            "JobSet": [self._row(view, call.now) for view in chosen[offset : offset + limit]],
        }

    def _describe_work_spaces(self, call: Call) -> JsonObject:
        offset = call.integer("Offset", default=0)
        limit = call.integer("Limit", default=20, highest=_PAGE_LIMIT)
        rows = [
            self._work_space(self._workspace, "default", 2, len(self._fleet.views(call.now))),
            self._work_space("space-gone0001", "old", -1, 0),
        ]
        return {"WorkSpaceSetItem": rows[offset : offset + limit], "TotalCount": len(rows)}

    def _describe_job_events(self, call: Call) -> JsonObject:
        self._check_work_space(call)
        begin, end = call.integer("StartTimestamp"), call.integer("EndTimestamp")
        types = call.texts("Types", most=100)
        number = job_number(call.text("JobId", required=True))
        view = None if number is None else self._fleet.view(number, call.now)
        if view is None:
            raise Refusal("ResourceNotFound.JobId", "The job does not exist.")
        offset = call.integer("Offset", default=0)
        limit = call.integer("Limit", default=20, highest=_PAGE_LIMIT)
        events = [
            event
            for event in events_of(view)
            if begin <= int(str(event["Timestamp"])) <= end
            and (not types or event["Type"] in types)
        ]
        return {
            "Events": events[offset : offset + limit],
            "RunningOrderIds": [view.run],
            "Versions": [1],
            # Of all events, whichever are asked for.
            "TotalCount": 21371,
        }

    def _check_work_space(self, call: Call) -> None:
        if call.text("WorkSpaceId") not in ("", self._workspace):
            raise Refusal("ResourceNotFound.WorkSpace", "The work space does not exist.")

    def _row(self, view: View, now: float) -> JsonObject:
        return job_row(
            view,
            now=now,
            workspace=self._workspace,
            region=self._region,
            offset_hours=self._offset_hours,
        )

    def _work_space(self, serial: str, name: str, status: int, jobs: int) -> JsonObject:
        clusters = [{"ClusterId": CLUSTER_ID, "Name": CLUSTER_NAME, "Status": 2}]
        return {
            "SerialId": serial,
            "WorkSpaceId": serial,
            "WorkSpaceName": name,
            "Region": self._region,
            "Status": status,
            "JobsCount": jobs,
            "ClusterGroupSetItem": clusters,
        }


def _passes(view: View, given: object) -> bool:
    if not isinstance(given, dict) or given.get("Name") not in ("Name", "JobId"):
        raise invalid_value("Filters")
    values = given.get("Values")
    if not isinstance(values, list) or len(values) > _MOST_FILTERS:
        raise invalid_value("Filters")
    told = view.name if given["Name"] == "Name" else job_id(view.number)
    return told in values
