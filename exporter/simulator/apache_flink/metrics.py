"""The metrics Flink's REST API serves: of a job, over jobs, and over the subtasks of a vertex."""

import math
from collections.abc import Iterable, Mapping

from exporter.simulator.apache_flink.checkpoints import completed_checkpoints
from exporter.simulator.apache_flink.cluster import FlinkJob, is_data_stream, milliseconds
from exporter.simulator.apache_flink.records import Flow, flow

NO_WATERMARK = -(2**63)
"""What a watermark is before the first one: the least number Java's long can hold."""

METRICS_LINGER = 10.0
"""For how many seconds the metrics of a job outlive it: one `metrics.fetcher.update-interval`."""

AGGREGATIONS = ("min", "max", "avg", "sum")

Metrics = Mapping[str, float | str]


def job_metrics(job: FlinkJob, now: float) -> Metrics:
    """Return a job's metrics by id; none before it has a graph.

    The last ones of an ended job stay in the metric store for a moment, then there are none.
    """
    run = job.run
    if job.initializing or run.started_at is None:
        return {}
    if run.ended_at is not None and now - run.ended_at >= METRICS_LINGER:
        return {}
    in_state = milliseconds(now - run.changed_at)
    times = {"RUNNING": 0, "RESTARTING": 0, "CANCELLING": 0, job.state: in_state}
    count, latest = completed_checkpoints(run, now)
    return {
        "numRestarts": run.restarts,
        "uptime": times["RUNNING"],
        "downtime": times["RESTARTING"],
        "runningTime": times["RUNNING"],
        "restartingTime": times["RESTARTING"],
        "cancellingTime": times["CANCELLING"],
        "failingTime": 0,
        "initializingTime": 0,
        "lastCheckpointDuration": latest.duration if latest else -1,
        "lastCheckpointSize": latest.size if latest else -1,
        "lastCheckpointFullSize": latest.size if latest else -1,
        "lastCompletedCheckpointId": latest.number if latest else -1,
        "lastCheckpointCompletedTimestamp": latest.acknowledged if latest else -1,
        "lastCheckpointExternalPath": latest.path if latest else "n/a",
        "totalNumberOfCheckpoints": count + run.restarts,
        "numberOfCompletedCheckpoints": count,
        "numberOfFailedCheckpoints": run.restarts,
        "numberOfInProgressCheckpoints": 0,
    }


def vertex_metrics(job: FlinkJob, vertex_id: str, now: float) -> Metrics:
    """Return the metrics that every subtask of a vertex has; none while its tasks do not run.

    Every fifth job has no event time at all.
    """
    run = job.run
    if run.lag_seconds is None or job.state == "RESTARTING":
        return {}
    lag = None if run.number % 5 == 0 else milliseconds(run.lag_seconds)
    watermark = NO_WATERMARK if lag is None else milliseconds(now) - lag
    moved = flow(run, now)
    if vertex_id == job.vertex_ids()[1]:
        return _sink(
            watermark, moved, "Sink__Writer" if is_data_stream(run) else "output[4]__Writer"
        )
    if is_data_stream(run):
        return _stream_source(watermark, lag, moved)
    return _sql_source(watermark, moved)


def _sink(watermark: int, moved: Flow, writer: str) -> Metrics:
    # An aggregate before the sink receives what the source has emitted.
    return {
        "currentInputWatermark": watermark,
        "numRecordsIn": moved.read,
        f"{writer}.numRecordsIn": moved.written,
        f"{writer}.numRecordsInPerSecond": moved.written_rate,
        "backPressuredTimeMsPerSecond": 0,
        "busyTimeMsPerSecond": moved.busy,
    }


def _stream_source(watermark: int, lag: int | None, moved: Flow) -> Metrics:
    # Sources after FLIP-33 tell their lag; a split's own watermark may never be set.
    found: dict[str, float | str] = {
        "Source__input.currentOutputWatermark": watermark,
        "Source__input.split.1.watermark.currentWatermark": NO_WATERMARK,
        "Source__input.numRecordsOut": moved.read,
        "Source__input.numRecordsOutPerSecond": moved.read_rate,
        "Source__input.pendingRecords": moved.pending,
        "Source__input.sourceIdleTime": 0,
        "numRecordsOut": moved.read,
        "backPressuredTimeMsPerSecond": moved.back_pressured,
        "busyTimeMsPerSecond": moved.busy / 2,
    }
    if lag is not None:
        found["Source__input.currentEmitEventTimeLag"] = lag
        found["Source__input.watermarkLag"] = lag + 1
    return found


def _sql_source(watermark: int, moved: Flow) -> Metrics:
    # The source of an SQL job has no watermark; the assigner chained to it has.
    return {
        "Source__input[1].currentOutputWatermark": NO_WATERMARK,
        "Source__input[1].numRecordsOut": moved.read,
        "Source__input[1].numRecordsOutPerSecond": moved.read_rate,
        "numRecordsOut": moved.read,
        "backPressuredTimeMsPerSecond": moved.back_pressured,
        # Of a source of old Java knows no number.
        "busyTimeMsPerSecond": "NaN",
        "WatermarkAssigner[2].currentInputWatermark": NO_WATERMARK,
        "WatermarkAssigner[2].currentOutputWatermark": watermark,
    }


def as_rows(metrics: Metrics, wanted: Iterable[str] | None) -> list[dict[str, object]]:
    """List the ids, or the wanted ones with their values; Flink writes all values as strings."""
    if wanted is None:
        return [{"id": name} for name in metrics]
    return [{"id": name, "value": str(metrics[name])} for name in wanted if name in metrics]


def as_aggregates(
    sources: Iterable[Metrics], wanted: Iterable[str] | None, aggregations: Iterable[str]
) -> list[dict[str, object]]:
    """List the ids, or the wanted ones aggregated over all sources that have them.

    A name that none of them has empties the whole answer.
    """
    sources = list(sources)
    if wanted is None:
        names = dict.fromkeys(name for metrics in sources for name in metrics)
        return [{"id": name} for name in names]
    rows: list[dict[str, object]] = []
    chosen = set(aggregations) or set(AGGREGATIONS)
    for name in wanted:
        found = [metrics[name] for metrics in sources if name in metrics]
        if not found:
            return []
        values = [float(value) for value in found if value == "NaN" or not isinstance(value, str)]
        if values:
            figures = (min(values), max(values), sum(values) / len(values), sum(values))
            pairs = zip(AGGREGATIONS, map(_number, figures), strict=True)
            rows.append({"id": name} | {key: value for key, value in pairs if key in chosen})
    return rows


def _number(value: float) -> float | str:
    """Write a number as Flink does: what is none is a text in JSON."""
    return "NaN" if math.isnan(value) else value
