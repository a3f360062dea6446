"""Simulate Cloud Eye as far as it shows what Flink jobs of DLI do.

Pages: "Querying Monitoring Data of Multiple Metrics" (POST /V1.0/{project_id}/
batch-query-metric-data) and "Monitoring DLI Using Cloud Eye" for the names.
"""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase, View
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway, admit_project
from exporter.simulator.huawei.refusal import HuaweiRefusal, service_refusal

QUERY = "BatchListMetricData"

_UNITS = {
    "flink_read_records_per_second": "record/s",
    "flink_write_records_per_second": "record/s",
    "flink_read_records_total": "record/s",
    "flink_write_records_total": "record/s",
    "flink_max_op_latency": "ms",
    "flink_max_op_backpressure_level": "",
}
"""Of the totals wrong, as on the page."""
_PERIODS = ("1", "300", "1200", "3600", "14400", "86400")
_FILTERS = ("average", "max", "min", "sum", "variance")
_MOST_METRICS, _MOST_POINTS, _LARGEST = 500, 3000, 512 * 1024
_RAW_MS, _MINUTE_MS = 10_000, 60_000
_LATE_MS = 70_000
"""So long figures take until they are there."""


class _CloudEyeService:
    def __init__(self, fleet: Fleet, most_metrics: int) -> None:
        self._fleet = fleet
        self._most_metrics = most_metrics

    def query(self, call: Call) -> Response:
        body = _read(call)
        metrics, period, aggregate = body.get("metrics"), body.get("period"), body.get("filter")
        if not isinstance(metrics, list) or not 1 <= len(metrics) <= self._most_metrics:
            raise _invalid("metrics", "ces.0014")
        if period not in _PERIODS or aggregate not in _FILTERS:
            raise _invalid("period or filter", "ces.0014")
        begin, end = body.get("from"), body.get("to")
        if not isinstance(begin, int) or not isinstance(end, int) or begin >= end:
            raise _invalid("from or to", "ces.0014")
        step = _MINUTE_MS if period == "1" else int(period) * 1000
        # Moved without a word.
        begin = max(begin // step * step, end - _MOST_POINTS // len(metrics) * step)
        answers = [self._answer(call, metric, begin, end, aggregate) for metric in metrics]
        return JSONResponse({"metrics": answers})

    def _answer(
        self, call: Call, metric: Any, begin: int, end: int, aggregate: str
    ) -> dict[str, Any]:
        try:
            name, (dimension,) = metric["metric_name"], metric["dimensions"]
            namespace, number = metric["namespace"], int(dimension["value"])
        except (TypeError, KeyError, ValueError):
            raise _invalid("metrics", "ces.0014") from None
        if namespace != "SYS.DLI" or dimension["name"] != "flink_job_id":
            raise _invalid("namespace or dimensions", "ces.0014")
        view = self._fleet.view(number, call.now)
        points = [
            {aggregate: value, "timestamp": moment}
            for moment in range(begin, min(end, int(call.now * 1000) - _LATE_MS) + 1, _RAW_MS)
            if view is not None and (value := _value(view, name, moment / 1000)) is not None
        ]
        described = {"unit": _UNITS.get(name, ""), "datapoints": points}
        return {**metric, **described}


def _value(view: View, name: str, moment: float) -> float | None:
    """Return what was measured at a moment; nothing of a job that did not run."""
    started = view.started_at
    if view.phase is not Phase.RUNNING or started is None or moment < started:
        return None
    speed = 120.0 * view.parallelism
    lag = view.lag_seconds or 0.0
    return {
        "flink_read_records_per_second": speed,
        "flink_write_records_per_second": speed / 2,
        "flink_read_records_total": speed * (moment - started),
        "flink_write_records_total": speed / 2 * (moment - started),
        "flink_max_op_latency": 25.0 * view.parallelism,
        "flink_max_op_backpressure_level": 0.0 if lag < 30 else 50.0 if lag < 120 else 100.0,
    }.get(name)


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Clock,
    access: HuaweiAccess,
    project_id: str,
    most_metrics: int = _MOST_METRICS,
) -> Starlette:
    """Build the Cloud Eye of one region; in some a call takes fewer metrics."""
    service = _CloudEyeService(fleet, most_metrics)
    gateway = HuaweiGateway(
        faults=faults, clock=clock, admit=admit_project(access, project_id), prefix="APIGW"
    )
    path = "/V1.0/{project_id}/batch-query-metric-data"
    return gateway.app([gateway.route(path, QUERY, service.query, "POST")])


def _read(call: Call) -> dict[str, Any]:
    if len(call.wire.body) > _LARGEST:
        raise _invalid("body", "ces.0013")
    try:
        body = json.loads(call.wire.body)
    except ValueError:
        raise _invalid("body", "ces.0013") from None
    if not isinstance(body, dict):
        raise _invalid("body", "ces.0013")
    return body


def _invalid(parameter: str, code: str) -> HuaweiRefusal:
    return service_refusal("parameter", code, f"The parameter {parameter} is invalid.")
