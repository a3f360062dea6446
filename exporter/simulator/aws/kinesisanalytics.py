"""Simulate the control plane of the Managed Service for Apache Flink: kinesisanalyticsv2.

API Reference, version 2018-05-23: the four operations that tell of applications.
"""

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette

from exporter.simulator.aws.access import AwsAccess
from exporter.simulator.aws.applications import detail, operations, strangers, summary
from exporter.simulator.aws.gateway import (
    Clock,
    Service,
    build_json,
    invalid,
    read_limit,
    read_text,
)
from exporter.simulator.aws.refusal import AwsRefusal
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, View

LIST, DESCRIBE = "ListApplications", "DescribeApplication"
LIST_OPERATIONS, DESCRIBE_OPERATION = "ListApplicationOperations", "DescribeApplicationOperation"
_NAME = r"[a-zA-Z0-9_.-]{1,128}"
_HIGHEST_LIMIT = 50


class _ControlPlane:
    def __init__(self, fleet: Fleet, region: str, *, others: bool) -> None:
        self._fleet = fleet
        self._region = region
        self._others = strangers(region) if others else []

    def list_applications(self, fields: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        views = {view.name: view for view in self._fleet.views(now)}
        rows = [summary(view, self._region) for view in views.values()]
        rows = sorted([*rows, *self._others], key=lambda row: str(row["ApplicationName"]))
        limit = read_limit(fields, _HIGHEST_LIMIT)
        # The token is the name of the last application of the page before.
        after = fields.get("NextToken", "")
        rest = [row for row in rows if row["ApplicationName"] > after]
        page: dict[str, Any] = {"ApplicationSummaries": rest[:limit]}
        if len(rest) > limit:
            page["NextToken"] = rest[limit - 1]["ApplicationName"]
        return page

    def describe(self, fields: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        return {"ApplicationDetail": detail(self._view(fields, now), self._region)}

    def list_operations(self, fields: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        rows = operations(self._view(fields, now))
        limit = read_limit(fields, _HIGHEST_LIMIT)
        begin = fields.get("NextToken", "0")
        if not str(begin).isdigit():
            raise invalid("Value at 'nextToken' is no token")
        page: dict[str, Any] = {
            "ApplicationOperationInfoList": rows[int(begin) : int(begin) + limit]
        }
        if len(rows) > int(begin) + limit:
            page["NextToken"] = str(int(begin) + limit)
        return page

    def describe_operation(self, fields: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        view = self._view(fields, now)
        wanted = read_text(fields, "OperationId", r"[a-zA-Z0-9_.-]{1,64}")
        for operation in operations(view):
            if operation["OperationId"] == wanted:
                found = {name: value for name, value in operation.items() if name != "OperationId"}
                if operation["OperationStatus"] == "FAILED":
                    failure = view.error
                    text = f"{failure.error_type}: {failure.text}" if failure is not None else ""
                    found["OperationFailureDetails"] = {"ErrorInfo": {"ErrorString": text[:512]}}
                return {"ApplicationOperationInfoDetails": found}
        raise _not_found("Operation")

    def _view(self, fields: Mapping[str, Any], now: float) -> View:
        name = read_text(fields, "ApplicationName", _NAME)
        if any(row["ApplicationName"] == name for row in self._others):
            raise AwsRefusal("sql", "UnsupportedOperationException")
        view = self._fleet.named(name, now)
        if view is None:
            raise _not_found("Application")
        return view


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Clock,
    access: AwsAccess,
    others: bool = True,
) -> Starlette:
    """Build the service of one account in one region.

    With `others` there are applications that are no Flink jobs, too.
    """
    plane = _ControlPlane(fleet, access.region, others=others)
    service = Service(
        name="kinesisanalytics",
        target="KinesisAnalytics_20180523",
        version="1.1",
        handlers={
            LIST: plane.list_applications,
            DESCRIBE: plane.describe,
            LIST_OPERATIONS: plane.list_operations,
            DESCRIBE_OPERATION: plane.describe_operation,
        },
    )
    return build_json(service, access=access, faults=faults, clock=clock)


def _not_found(what: str) -> AwsRefusal:
    return AwsRefusal("missing", "ResourceNotFoundException", f"{what} not found")
