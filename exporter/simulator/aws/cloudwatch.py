"""Simulate CloudWatch as far as it shows applications: GetMetricData and ListMetrics, JSON 1.0.

API Reference, version 2010-08-01. Points come a minute late. Each figure asked for is counted, for
each is paid for.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from starlette.applications import Starlette

from exporter.simulator.aws.access import AwsAccess
from exporter.simulator.aws.applications import is_measured, runtime_of
from exporter.simulator.aws.gateway import Clock, Service, build_json, invalid, read_text
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase, View

GET, LIST = "GetMetricData", "ListMetrics"
NAMESPACE = "AWS/KinesisAnalytics"
_PERIOD = 60
_LATE = 60
_MOST_QUERIES = 500
_MOST_POINTS = 1440
_BEHIND = "millisBehindLatest"


class Meter:
    """What was asked for, and so what is on the bill."""

    def __init__(self) -> None:
        self.figures = 0
        self.calls = 0


class _Metrics:
    def __init__(self, fleet: Fleet, meter: Meter) -> None:
        self._fleet = fleet
        self._meter = meter

    def get(self, fields: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        queries = fields.get("MetricDataQueries")
        if not isinstance(queries, list) or not 1 <= len(queries) <= _MOST_QUERIES:
            raise invalid("MetricDataQueries: 1 to 500 are taken", code="ValidationError")
        start: object = fields.get("StartTime")
        end: object = fields.get("EndTime")
        if not _is_number(start) or not _is_number(end) or not start < end:
            raise invalid("StartTime must be before EndTime", code="ValidationError")
        self._meter.calls += 1
        self._meter.figures += len(queries)
        last = int(min(end, now - _LATE - _PERIOD)) // _PERIOD * _PERIOD
        times = range(last, int(start) - 1, -_PERIOD)[:_MOST_POINTS]
        seen = {at: self._views(at + _PERIOD - 1) for at in times}
        return {
            # In any order: they are told apart by their ids.
            "MetricDataResults": [self._result(query, seen) for query in reversed(queries)],
            "Messages": [],
        }

    def list(self, fields: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        if fields.get("Namespace") != NAMESPACE or fields.get("MetricName") != _BEHIND:
            return {"Metrics": []}
        views = (view for view in self._views(now).values() if _reads_kinesis(view))
        return {
            "Metrics": [
                {
                    "Namespace": NAMESPACE,
                    "MetricName": _BEHIND,
                    "Dimensions": [
                        {"Name": "Application", "Value": view.name},
                        {"Name": "Flow", "Value": "Input"},
                        {"Name": "Id", "Value": "1.1"},
                    ],
                }
                for view in views
                if is_measured(view)
            ]
        }

    def _views(self, at: float) -> dict[str, View]:
        return {view.name: view for view in self._fleet.views(at)}

    def _result(
        self, query: Mapping[str, Any], seen: Mapping[int, Mapping[str, View]]
    ) -> Mapping[str, Any]:
        query_id = read_text(query, "Id", r"[a-z][a-zA-Z0-9_]{0,254}")
        stat = query.get("MetricStat") or {}
        metric = stat.get("Metric") or {}
        name = read_text(metric, "MetricName", r"[!-~]{1,255}")
        if stat.get("Stat") != "Maximum" or stat.get("Period") != _PERIOD:
            raise invalid("Stat and Period are not as simulated", code="ValidationError")
        dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
        points = []
        # A metric with other dimensions is another one, which has no data.
        if metric.get("Namespace") == NAMESPACE and _has_dimensions(name, dimensions):
            for at, views in seen.items():
                view = views.get(dimensions.get("Application", ""))
                value = None if view is None else value_of(name, view, at + _PERIOD - 1)
                if value is not None:
                    points.append((at, value))
        return {
            "Id": query_id,
            "Label": name,
            "Timestamps": [float(at) for at, _ in points],
            "Values": [value for _, value in points],
            "StatusCode": "Complete",
        }


def value_of(metric: str, view: View, now: float) -> float | None:
    """Return a metric of an application at a moment; None where there is none."""
    if not is_measured(view):
        return None
    table = _NEW if runtime_of(view) == "FLINK-2_2" else _OLD
    read = table.get(metric)
    return None if read is None else read(view, now)


def _down(view: View, now: float) -> float:
    return max(1.0, now - view.changed_at) * 1000 if view.phase is Phase.RESTARTING else 0.0


def _up(view: View, now: float) -> float:
    return 0.0 if view.phase is Phase.RESTARTING else max(0.0, now - view.changed_at) * 1000


def _lag(view: View, now: float) -> float | None:
    return None if view.lag_seconds is None else view.lag_seconds * 1000


def _watermark(view: View, now: float) -> float | None:
    return None if view.lag_seconds is None else (now - view.lag_seconds) * 1000


_Read = Callable[[View, float], float | None]
_BOTH: Mapping[str, _Read] = {
    "lastCheckpointDuration": lambda view, now: 1500.0,
    "lastCheckpointSize": lambda view, now: 65536.0 * view.parallelism,
    "numberOfFailedCheckpoints": lambda view, now: 0.0,
    "currentOutputWatermark": _watermark,
    _BEHIND: _lag,
}
_OLD: Mapping[str, _Read] = {
    **_BOTH,
    "fullRestarts": lambda view, now: float(view.restarts),
    "downtime": _down,
    "uptime": _up,
}
_NEW: Mapping[str, _Read] = {
    **_BOTH,
    "numRestarts": lambda view, now: float(view.restarts),
    "restartingTime": _down,
    "failingTime": lambda view, now: 0.0,
    "cancellingTime": lambda view, now: 0.0,
    "runningTime": _up,
}


def _reads_kinesis(view: View) -> bool:
    return view.number % 2 == 0


def _has_dimensions(metric: str, dimensions: Mapping[str, str]) -> bool:
    return set(dimensions) == (
        {"Application", "Flow", "Id"} if metric == _BEHIND else {"Application"}
    )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Clock,
    access: AwsAccess,
    meter: Meter | None = None,
) -> Starlette:
    """Build the service of one account in one region; `meter` counts what is asked for."""
    metrics = _Metrics(fleet, meter or Meter())
    service = Service(
        name="monitoring",
        target="GraniteServiceVersion20100801",
        version="1.0",
        handlers={GET: metrics.get, LIST: metrics.list},
        policy="cloudwatch",
    )
    return build_json(service, access=access, faults=faults, clock=clock)
