"""The bodies of simulated DataArts Factory jobs, in each of the spellings that were published.

Which spelling a job uses depends on its number: the table of the page and the definition of the
interface disagree, and so do the examples of its editions.
"""

import json
from typing import Any

from exporter.simulator.fleet.fleet import ACTIVE, Phase, View

_STATUSES = {
    Phase.DRAFT: "INIT",
    Phase.RUNNING: "NORMAL",
    # The job stays NORMAL while one of its nodes is in EXCEPTION.
    Phase.RESTARTING: "NORMAL",
    Phase.STOPPING: "STOPPING",
    Phase.STOPPED: "STOPPED",
    Phase.SUSPENDED: "PAUSE",
    Phase.FINISHED: "STOPPED",
}
_OVERLOADED = 120.0
_COUNTERS = (
    *("speed", "bufferRecords"),
    *("totalGetBytes", "totalGetRecords", "totalPutBytes", "totalPutRecords"),
)
_BATCH_NAMES = ("nightly_export", "monthly_report", "归档")


def status_of(view: View) -> str:
    """Word a phase as DataArts does; old editions misspell STARTING."""
    if view.phase is Phase.STARTING:
        return "STARTTING" if view.number % 2 else "STARTING"
    if view.phase is Phase.RUNNING and (view.lag_seconds or 0.0) > _OVERLOADED:
        return "OVERLOAD"
    if view.phase is Phase.FAILED:
        return "ABNORMAL" if view.number % 4 == 0 else "EXCEPTION"
    return _STATUSES[view.phase]


def list_row(view: View) -> dict[str, Any]:
    """Describe a real-time job in a list: two out of three have no status there."""
    row: dict[str, Any] = {
        "name": view.name,
        "jobType": "REAL_TIME",
        "owner": "data_platform",
        "priority": view.number % 3,
        "createUser": "data_platform",
        "createTime": _milliseconds(view.created_at),
        "lastUpdateTime": _milliseconds(view.changed_at),
        "lastUpdateUser": "data_platform",
        "path": "/streaming/",
        "singleNodeJobFlag": view.number % 2 == 0,
    }
    if view.number % 3 == 0:
        row["status"] = status_of(view)
    else:
        # Promised for batch jobs only, and there all the same.
        row["lastInstanceStatus"] = "running" if view.phase in ACTIVE else "success"
    if view.started_at is not None:
        row["startTime"] = _milliseconds(view.started_at)
    return row


def batch_rows(now: float) -> list[dict[str, Any]]:
    """List the batch jobs, which nobody asked for and which are the default."""
    return [
        {
            "name": name,
            "jobType": "BATCH",
            "owner": "data_platform",
            "priority": 0,
            "status": "SCHEDULING",
            "createUser": "data_platform",
            "createTime": _milliseconds(now - 864_000),
            "startTime": _milliseconds(now - 863_000),
            "lastInstanceStatus": "success",
            "lastInstanceEndTime": _milliseconds(now - 3_600),
            "path": "/batch/",
            "singleNodeJobFlag": True,
        }
        for name in _BATCH_NAMES
    ]


def running_status(view: View, now: float) -> dict[str, Any]:
    """Describe the running status of a real-time job and of its nodes."""
    spelling = (_bare_example, _interface_definition, _older_example)[view.number % 3]
    return spelling(view, now)


def _bare_example(view: View, now: float) -> dict[str, Any]:
    # The example of the current page: no times, and nodes with neither status nor type.
    node = {
        "name": f"MRS_Flink_Job_{8000 + view.number}",
        "jobInstanceId": view.run_id,
        "LastInstanceStatus": "running" if view.phase in ACTIVE else "waiting",
        # The work is done elsewhere.
        **dict.fromkeys(_COUNTERS, 0),
    }
    return {"name": view.name, "nodes": [node], "status": status_of(view)}


def _older_example(view: View, now: float) -> dict[str, Any]:
    # The example of 2021: times as numbers, and the id of the DLI job inside a text of JSON.
    running = {"jobName": view.name, "jobId": str(view.number), "jobInstanceId": view.run_id}
    source = {
        "name": "import_from_dis",
        "status": "NORMAL" if view.phase is Phase.RESTARTING else status_of(view),
        "type": "ExecuteDISStream",
        "logPath": f"obs://dlf-log/{view.number}/import_from_dis.log",
        **_moved(view, now),
    }
    enrich = {
        "name": "enrich",
        "status": _node_status(view),
        "type": "DLI SQL",
        "logPath": f"obs://dlf-log/{view.number}/enrich.log",
        "runningData": json.dumps(running, ensure_ascii=False),
        **dict.fromkeys(_COUNTERS, 0),
    }
    body: dict[str, Any] = {
        "name": view.name,
        "nodes": [source, enrich],
        "status": status_of(view),
        "lastUpdateTime": _milliseconds(view.changed_at),
    }
    if view.started_at is not None:
        body["startTime"] = _milliseconds(view.started_at)
    if view.ended_at is not None:
        body["endTime"] = _milliseconds(view.ended_at)
    return body


def _interface_definition(view: View, now: float) -> dict[str, Any]:
    # As the interface definition has it: starttime, times as texts, nodeType.
    node = {
        "name": "flink_job",
        "status": _node_status(view),
        "nodeType": "MRS Flink Job",
        "lastInstanceStatus": "running" if view.phase in ACTIVE else "success",
        "bufferRecords": 0,
        "jobInstanceId": view.run_id,
        "extendCounter": None,
        "runningData": "",
    }
    body: dict[str, Any] = {
        "name": view.name,
        "nodes": [node],
        "status": status_of(view),
        "createUser": "data_platform",
        "lastModifiyUser": "data_platform",
        "lastUpdateTime": str(_milliseconds(view.changed_at)),
        "starttime": "",
        "endTime": None,
    }
    if view.started_at is not None:
        body["starttime"] = str(_milliseconds(view.started_at))
    return body


def _node_status(view: View) -> str:
    return "EXCEPTION" if view.phase is Phase.RESTARTING else status_of(view)


def _moved(view: View, now: float) -> dict[str, int]:
    """Count what has gone through a node of the transfer engine in this run."""
    if view.started_at is None:
        return dict.fromkeys(_COUNTERS, 0)
    speed = 120 * view.parallelism
    read = int(((view.ended_at or now) - view.started_at) * speed)
    waiting = min(read, int(view.lag_seconds or 0.0) * speed)
    records = {"totalGetRecords": read, "totalPutRecords": read - waiting}
    sizes = {"totalGetBytes": read * 100, "totalPutBytes": (read - waiting) * 100}
    return {
        "speed": speed if view.phase in ACTIVE else 0,
        "bufferRecords": waiting,
        **records,
        **sizes,
    }


def _milliseconds(moment: float) -> int:
    return int(moment * 1000)
