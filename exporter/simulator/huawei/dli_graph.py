"""The execution plan of a simulated DLI Flink job: Flink's own job object with DLI's extras.

The current page promises seven fields; editions until 2021 show vertices, timestamps and counts
as well. Jobs with odd numbers answer as the older editions do.
"""

from hashlib import md5
from typing import Any

from exporter.simulator.fleet.fleet import Phase, View
from exporter.simulator.huawei.dli_rows import FAKE_SECRET

_STATES = {
    Phase.RUNNING: "RUNNING",
    Phase.RESTARTING: "RESTARTING",
    Phase.STOPPING: "CANCELLING",
}
_TIMESTAMPS = (
    "CREATED",
    "RUNNING",
    "FAILING",
    "FAILED",
    "CANCELLING",
    "CANCELED",
    "FINISHED",
    "RESTARTING",
    "SUSPENDING",
    "SUSPENDED",
    "RECONCILING",
)
_TASK_STATES = (
    "SCHEDULED",
    "RUNNING",
    "RECONCILING",
    "FINISHED",
    "DEPLOYING",
    "CREATED",
    "CANCELING",
    "FAILED",
    "CANCELED",
)
_TASK_STATE_OF = {
    Phase.RUNNING: "RUNNING",
    Phase.RESTARTING: "SCHEDULED",
    # One L in the states of tasks, two in those of jobs.
    Phase.STOPPING: "CANCELING",
}
_OPERATORS = ("Source: orders", "Join", "Sink: warehouse")


def execution_graph(view: View, now: float) -> dict[str, Any] | None:
    """Build the plan of a running job; None for a job that has none."""
    state = _STATES.get(view.phase)
    if state is None or view.started_at is None:
        return None
    start = int(view.started_at * 1000)
    graph: dict[str, Any] = {
        "jid": _hexadecimal("job", view.run_id),
        "name": "",
        "isStoppable": False,
        "state": state,
        "start-time": start,
        "end-time": -1,
        "duration": int(now * 1000) - start,
    }
    return {**graph, **_older_fields(view, graph, now)} if view.number % 2 else graph


def _older_fields(view: View, graph: dict[str, Any], now: float) -> dict[str, Any]:
    timestamps = dict.fromkeys(_TIMESTAMPS, 0)
    timestamps["CREATED"] = timestamps["RUNNING"] = graph["start-time"]
    timestamps[graph["state"]] = int(view.changed_at * 1000)
    vertices = [_vertex(view, graph, position) for position in range(len(_OPERATORS))]
    task_state = _TASK_STATE_OF[view.phase]
    return {
        "now": int(now * 1000),
        "timestamps": timestamps,
        "vertices": vertices,
        "status-counts": {
            name: len(vertices) if name == task_state else 0 for name in _TASK_STATES
        },
        "jmx-metric-port": 0,
        "plan": {
            "jid": graph["jid"],
            "name": view.name,
            "nodes": [
                {
                    "id": vertex["id"],
                    "parallelism": vertex["parallelism"],
                    "operator": "",
                    "operator_strategy": "",
                    "description": f"{vertex['name']} password={FAKE_SECRET}",
                    # A source has no such key.
                    **(_fed_by(vertices[position - 1]) if position else {}),
                    "optimizer_properties": {},
                }
                for position, vertex in reversed(list(enumerate(vertices)))
            ],
        },
    }


def _vertex(view: View, graph: dict[str, Any], position: int) -> dict[str, Any]:
    task_state = _TASK_STATE_OF[view.phase]
    # A dead attempt has nothing to add, and Flink calls that complete.
    running = view.phase is Phase.RUNNING
    records = graph["duration"] // (position + 1) if running else 0
    last = position == len(_OPERATORS) - 1
    read, written = (records if position else 0), (0 if last else records)
    return {
        "id": _hexadecimal("vertex", view.run_id, position),
        "name": _OPERATORS[position],
        "parallelism": view.parallelism,
        "status": task_state,
        "start-time": graph["start-time"],
        "end-time": -1,
        "duration": graph["duration"],
        "tasks": {name: view.parallelism if name == task_state else 0 for name in _TASK_STATES},
        "metrics": {
            "read-bytes": read * 100,
            "read-bytes-complete": True,
            "write-bytes": written * 80,
            "write-bytes-complete": True,
            "read-records": read,
            "read-records-complete": True,
            "write-records": written,
            "write-records-complete": True,
        },
        "backpressure-level": "ok",
    }


def _fed_by(vertex: dict[str, Any]) -> dict[str, Any]:
    how = {"num": 0, "id": vertex["id"], "ship_strategy": "HASH", "exchange": "pipelined_bounded"}
    return {"inputs": [how]}


def _hexadecimal(*key: object) -> str:
    return md5(repr(key).encode(), usedforsecurity=False).hexdigest()
