"""Read what Cloud Monitor knows of Oceanus: GetMonitorData of `monitor` 2018-07-24. Pure functions.

Vendor pages: "GetMonitorData"; metrics of namespace QCE/TSTREAM. One call is about one metric and
up to fifty jobs. Their spelling is irregular, and the one dimension is called `tjob_id`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exporter.errors import UnreadableError
from exporter.fields import Flaws, Record, as_number

NAMESPACE = "QCE/TSTREAM"
DIMENSION = "tjob_id"
MOST_JOBS_PER_CALL = 50
PERIOD = 60

DELAY = "JobServiceDelay"
RUNNING_JOBS = "JobmanagerNumrunningjobs"
COMPLETED = "JobNumberofcompletedcheckpoints"
BACKLOG = "RecordsLagMaxSum"
RECORDS_IN = "JobRecordsInPerSecond"
RECORDS_OUT = "JobRecordsOutPerSecond"
CHECKPOINT_DURATION = "JobLastcheckpointduration"
CHECKPOINT_SIZE = "JobLastcheckpointsize"
CHECKPOINTS_FAILED = "JobNumberoffailedcheckpoints"
METRICS = (
    *(DELAY, RUNNING_JOBS, COMPLETED, BACKLOG, RECORDS_IN, RECORDS_OUT),
    *(CHECKPOINT_DURATION, CHECKPOINT_SIZE, CHECKPOINTS_FAILED),
)

_MOST_SERIES = 1000
_MOST_POINTS = 1000
"""Of one job and metric: a minute each, an hour at most is asked for."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a metric was at a moment, in epoch seconds."""

    at: float
    value: float


Points = tuple[Point, ...]


def question(
    metric: str, job_ids: Iterable[str], *, begin: float, end: float
) -> Mapping[str, object]:
    """Return the parameters that ask for one metric of some jobs between two moments."""
    return {
        "Namespace": NAMESPACE,
        "MetricName": metric,
        "Period": PERIOD,
        "StartTime": _iso(begin),
        "EndTime": _iso(end),
        "Instances": [{"Dimensions": [{"Name": DIMENSION, "Value": each}]} for each in job_ids],
    }


def parse_points(response: Mapping[str, Any], flaws: Flaws) -> dict[str, Points]:
    """Read the points of each job, the oldest first; raises UnreadableError when there are none.

    A gap is a time that is missing, a job that is not known has empty lists.
    """
    rows = response.get("DataPoints")
    if not isinstance(rows, list):
        raise UnreadableError("DataPoints: expected a list")
    found: dict[str, Points] = {}
    for number, fields in enumerate(rows[:_MOST_SERIES]):
        series = Record(fields, f"DataPoints[{number}]", flaws)
        dimensions = series.records("Dimensions")
        named = (each for each in dimensions if each.text("Name") == DIMENSION)
        dimension = next(named, None)
        job_id = "" if dimension is None else dimension.text("Value")
        if job_id:
            found[job_id] = _points(fields)
        else:
            series.missing("Dimensions")
    return found


def _points(series: Mapping[str, Any]) -> Points:
    times, values = series.get("Timestamps"), series.get("Values")
    if not isinstance(times, list) or not isinstance(values, list):
        return ()
    points = []
    for at, value in zip(times[:_MOST_POINTS], values[:_MOST_POINTS], strict=False):
        moment, number = as_number(at), as_number(value)
        if moment is not None and moment > 0 and number is not None:
            points.append(Point(moment, number))
    return tuple(sorted(points, key=lambda point: point.at))


def latest(points: Sequence[Point], since: float) -> float | None:
    """Return the newest value, if it is not older; negative ones are how none is written."""
    if not points or points[-1].at < since or points[-1].value < 0:
        return None
    return points[-1].value


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
