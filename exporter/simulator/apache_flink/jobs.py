"""What Flink says about a job: its row in the overview, and its details."""

from collections import Counter

from exporter.simulator.apache_flink.cluster import FlinkJob, is_data_stream, milliseconds
from exporter.simulator.apache_flink.records import flow
from exporter.simulator.fleet.fleet import View

Body = dict[str, object]

_TASK_STATES = {
    "RUNNING": "RUNNING",
    "RESTARTING": "CANCELED",
    "FAILED": "CANCELED",
    "CANCELLING": "CANCELING",
    "CANCELED": "CANCELED",
    "SUSPENDED": "CANCELED",
    "FINISHED": "FINISHED",
}
_ALL_TASK_STATES = (
    "CREATED",
    "SCHEDULED",
    "DEPLOYING",
    "RUNNING",
    "FINISHED",
    "CANCELING",
    "CANCELED",
    "FAILED",
    "RECONCILING",
    "INITIALIZING",
)
_ALL_JOB_STATES = (
    "INITIALIZING",
    "CREATED",
    "RUNNING",
    "FAILING",
    "FAILED",
    "CANCELLING",
    "CANCELED",
    "FINISHED",
    "RESTARTING",
    "SUSPENDED",
    "RECONCILING",
)
_FAILING = frozenset({"FAILED", "RESTARTING"})


def overview_row(job: FlinkJob, now: float, *, legacy: bool) -> Body:
    """Describe a job as `/jobs/overview` does; `legacy` leaves out what came after 1.x."""
    run = job.run
    total = run.parallelism * len(_vertices(job))
    counts = _task_counts(job, total) if total else {}
    tasks: Body = {"total": total}
    tasks |= {state.lower(): counts.get(state, 0) for state in _ALL_TASK_STATES}
    return {
        "jid": job.jid,
        "name": run.name,
        # The overview writes in camel case what the details hyphenate.
        **({} if legacy else {"jobType": "STREAMING", "schedulerType": "Default"}),
        "start-time": _start(run),
        "end-time": _end(run),
        "duration": _duration(run, now),
        "state": job.state,
        "last-modification": milliseconds(run.changed_at),
        "tasks": tasks,
        **({} if legacy else {"pending-operators": 0}),
    }


def job_details(job: FlinkJob, now: float, *, legacy: bool) -> Body:
    """Describe a job as `/jobs/:jobid` does; `legacy` leaves out what came after 1.x."""
    run = job.run
    vertices = [_vertex(job, index, now) for index in _vertices(job)]
    plan = {"jid": job.jid, "name": run.name, "type": "STREAMING", "nodes": _nodes(job)}
    status_counts = Counter(str(vertex["status"]) for vertex in vertices)
    modern: Body = {
        "application-id": job.jid,
        "job-type": "STREAMING",
        "schedulerType": "Default",
        "pending-operators": 0,
    }
    return {
        "jid": job.jid,
        "name": run.name,
        "isStoppable": False,
        "state": job.state,
        "start-time": _start(run),
        "end-time": _end(run),
        "duration": _duration(run, now),
        "maxParallelism": -1,
        "now": milliseconds(now),
        "timestamps": _timestamps(job),
        "vertices": vertices,
        "status-counts": {state: status_counts[state] for state in _ALL_TASK_STATES},
        "plan": plan,
        **({} if legacy else modern),
    }


def _nodes(job: FlinkJob) -> list[Body]:
    """Describe who reads from whom, those that read first."""
    nodes: list[Body] = []
    for vertex_id in job.vertex_ids():
        # A source has no inputs at all.
        inputs = [{"num": 0, "id": node["id"], "ship_strategy": "HASH"} for node in nodes]
        node: Body = {"id": vertex_id, "parallelism": job.run.parallelism, "operator": ""}
        nodes.insert(0, node | ({"inputs": inputs} if inputs else {}))
    return nodes


def _vertices(job: FlinkJob) -> range:
    return range(len(job.vertex_ids()))


def _vertex(job: FlinkJob, index: int, now: float) -> Body:
    run = job.run
    # One task of the source fails, which cancels all the others.
    failing = job.state in _FAILING and index == 0
    alike = {_TASK_STATES[job.state]: run.parallelism}
    counts = _task_counts(job, run.parallelism) if failing else alike
    status = "FAILED" if failing else _TASK_STATES[job.state]
    started = run.started_at
    # Only what goes from one vertex to another is counted: a source reads nothing.
    exchanged = flow(run, now).read * run.parallelism
    return {
        "id": job.vertex_ids()[index],
        "slotSharingGroupId": "a1b2c3d4e5f60718293a4b5c6d7e8f90",
        "name": vertex_name(run, index),
        "maxParallelism": 128,
        "parallelism": run.parallelism,
        "status": status,
        "start-time": milliseconds(started) if started is not None else -1,
        "end-time": _end(run),
        "duration": _duration(run, now) if started is not None else -1,
        "tasks": {state: counts.get(state, 0) for state in _ALL_TASK_STATES},
        "metrics": {
            "read-bytes": 0,
            "read-bytes-complete": True,
            "write-bytes": 0,
            "write-bytes-complete": True,
            "read-records": exchanged * index,
            "read-records-complete": True,
            "write-records": exchanged * (1 - index),
            "write-records-complete": True,
            "accumulated-backpressured-time": 0,
            "accumulated-idle-time": 0,
            # Java's NaN is no JSON number, so Flink writes a string here.
            "accumulated-busy-time": "NaN",
        },
    }


def vertex_name(run: View, index: int) -> str:
    """Name the source vertex (0) or the one that writes (1)."""
    if is_data_stream(run):
        return ("Source: input", "Keyed Reduce -> Sink: Writer")[index]
    return ("Source: input[1] -> WatermarkAssigner[2]", "Calc[3] -> output[4]: Writer")[index]


def _task_counts(job: FlinkJob, total: int) -> dict[str, int]:
    if job.state in _FAILING:
        return {"FAILED": 1, "CANCELED": total - 1}
    return {_TASK_STATES[job.state]: total}


def _timestamps(job: FlinkJob) -> Body:
    run = job.run
    times = {"INITIALIZING": run.submitted_at, "CREATED": run.started_at, "RUNNING": run.started_at}
    if run.restarts:
        times["RESTARTING"] = run.error_at
    times[job.state] = run.submitted_at if job.initializing else run.changed_at
    if job.state == "FAILED":
        times["FAILING"] = run.changed_at
    return {state: milliseconds(times.get(state) or 0.0) for state in _ALL_JOB_STATES}


def _start(run: View) -> int:
    return milliseconds(run.submitted_at or run.created_at)


def _end(run: View) -> int:
    return -1 if run.ended_at is None else milliseconds(run.ended_at)


def _duration(run: View, now: float) -> int:
    end = milliseconds(now) if run.ended_at is None else milliseconds(run.ended_at)
    return end - _start(run)
