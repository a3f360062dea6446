"""Simulate Cloud Monitor, 2018-07-24: figures of the jobs of Oceanus, a point a minute.

Points come late, ended jobs have none, and a job that nobody knows has empty lists.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import floor

from starlette.applications import Starlette

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase, View
from exporter.simulator.tencent.access import TencentAccess
from exporter.simulator.tencent.gateway import Call, Gateway, Operation
from exporter.simulator.tencent.refusal import JsonObject, Refusal, invalid_value, missing
from exporter.simulator.tencent.rows import job_number

VERSION = "2018-07-24"
LATE_SECONDS = 60
_PERIODS = (60, 300, 3600, 86400)
_MOST_INSTANCES = 50
_MOST_POINTS = 7200
_CHECKPOINT_EVERY = 60

_Figure = Callable[[View, float], float]


def _begun(view: View) -> float:
    return view.started_at or view.submitted_at or view.created_at


def _running_jobs(view: View, at: float) -> float:
    return 0.0 if view.phase is Phase.RESTARTING and at >= view.changed_at else 1.0


_FIGURES: Mapping[str, _Figure] = {
    "JobServiceDelay": lambda view, at: round(1000 * (view.lag_seconds or 0.0)),
    "JobmanagerNumrunningjobs": _running_jobs,
    "JobNumberofcompletedcheckpoints": lambda view, at: floor(
        (at - _begun(view)) / _CHECKPOINT_EVERY
    ),
    "JobNumberoffailedcheckpoints": lambda view, at: 0.0,
    "JobLastcheckpointduration": lambda view, at: 800 + 10 * (view.number % 50),
    "JobLastcheckpointsize": lambda view, at: 1024 * (1 + view.number % 1000),
    "JobRecordsInPerSecond": lambda view, at: 100 + view.number % 400,
    "JobRecordsOutPerSecond": lambda view, at: 90 + view.number % 400,
    "RecordsLagMaxSum": lambda view, at: round(100 * (view.lag_seconds or 0.0)),
    "JobmanagerJobNumrestarts": lambda view, at: view.restarts,
    "JobUptime": lambda view, at: round(1000 * (at - _begun(view))),
}


def build(
    *,
    fleet: Fleet,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: TencentAccess,
    seed: int = 0,
) -> Starlette:
    """Build the simulated service."""

    def answer(call: Call) -> JsonObject:
        return _get_monitor_data(fleet, call)

    operation = Operation(
        action="GetMonitorData",
        parameters=frozenset(
            {
                *("Namespace", "MetricName", "Instances", "Period", "StartTime", "EndTime"),
                "SpecifyStatistics",
            }
        ),
        answer=answer,
    )
    gateway = Gateway(
        service="monitor",
        version=VERSION,
        operations=[operation],
        access=access,
        faults=faults,
        clock=clock,
        seed=seed,
    )
    return gateway.app()


def _get_monitor_data(fleet: Fleet, call: Call) -> JsonObject:
    if call.text("Namespace", required=True) != "QCE/TSTREAM":
        raise Refusal("InvalidParameterValue", "The namespace is not valid.")
    metric = call.text("MetricName", required=True)
    figure = _FIGURES.get(metric)
    if figure is None:
        raise Refusal("InvalidParameterValue", "The metric is not valid.")
    period = call.integer("Period", default=300)
    if period not in _PERIODS:
        raise invalid_value("Period")
    begin = _moment(call, "StartTime") // period * period
    end = min(_moment(call, "EndTime"), call.now - LATE_SECONDS) // period * period
    if (end - begin) / period > _MOST_POINTS:
        raise Refusal("InvalidParameterValue", "There are too many points.")
    return {
        "MetricName": metric,
        "Period": period,
        "StartTime": call.text("StartTime"),
        "EndTime": call.text("EndTime"),
        "Msg": "",
        "DataPoints": [
            _series(fleet, each, figure, begin, end, period, call.now) for each in _instances(call)
        ],
    }


def _instances(call: Call) -> list[str]:
    given = call.parameters.get("Instances")
    if given is None:
        raise missing("Instances")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_INSTANCES:
        raise invalid_value("Instances")
    found = []
    for each in given:
        match each:
            case {"Dimensions": [{"Name": "tjob_id", "Value": str(value)}]}:
                found.append(value)
            case _:
                raise invalid_value("Instances")
    return found


def _series(
    fleet: Fleet,
    name: str,
    figure: _Figure,
    begin: float,
    end: float,
    period: int,
    now: float,
) -> JsonObject:
    number = job_number(name)
    view = None if number is None else fleet.view(number, now)
    times: list[int] = []
    if view is not None and view.phase in (Phase.RUNNING, Phase.RESTARTING):
        first = max(begin, (_begun(view) // period + 1) * period)
        times = [int(first + period * turn) for turn in range(int((end - first) // period) + 1)]
    return {
        "Dimensions": [{"Name": "tjob_id", "Value": name}],
        "Timestamps": times,
        "Values": [] if view is None else [figure(view, at) for at in times],
        "MaxValues": None,
        "MinValues": None,
        "AvgValues": None,
    }


def _moment(call: Call, name: str) -> float:
    text = call.text(name, required=True)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid_value(name) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
