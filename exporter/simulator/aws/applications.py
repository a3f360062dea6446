"""Describe simulated jobs as applications of the Managed Service for Apache Flink.

The status says little: READY of whatever does not run, RUNNING of whatever does not give up. What
has become of an application is in its operations.
"""

from typing import Any

from exporter.simulator.aws.access import ACCOUNT
from exporter.simulator.fleet.fleet import ACTIVE, Phase, View

PROPERTY = "demo-application-password"
"""What somebody has put into the properties of an application, which whoever describes it reads."""
START, STOP, UPDATE = "StartApplication", "StopApplication", "UpdateApplication"
_STATUSES = {
    Phase.STARTING: "STARTING",
    Phase.RUNNING: "RUNNING",
    # A job that restarts without end is running, as far as the service is concerned.
    Phase.RESTARTING: "RUNNING",
    Phase.STOPPING: "STOPPING",
}


def status_of(view: View) -> str:
    """Word a phase as the service does."""
    return _STATUSES.get(view.phase, "READY")


def runtime_of(view: View) -> str:
    """Return the runtime of an application: every third is of the new generation."""
    return "FLINK-2_2" if view.number % 3 == 0 else "FLINK-1_20"


def summary(view: View, region: str) -> dict[str, Any]:
    """Describe an application in a list."""
    return {
        "ApplicationName": view.name,
        "ApplicationARN": _arn(view.name, region),
        "ApplicationStatus": status_of(view),
        "ApplicationVersionId": view.run,
        "RuntimeEnvironment": runtime_of(view),
        "ApplicationMode": "STREAMING",
    }


def strangers(region: str) -> list[dict[str, Any]]:
    """List what is an application too, and no Flink job: a notebook, and one in SQL."""
    return [
        {
            "ApplicationName": name,
            "ApplicationARN": _arn(name, region),
            "ApplicationStatus": "RUNNING",
            "ApplicationVersionId": 1,
            "RuntimeEnvironment": runtime,
            **mode,
        }
        for name, runtime, mode in (
            ("exploration", "ZEPPELIN-FLINK-3_0", {"ApplicationMode": "INTERACTIVE"}),
            ("legacy-counts", "SQL-1_0", {}),
        )
    ]


def detail(view: View, region: str) -> dict[str, Any]:
    """Describe one application; its properties hold what nobody else should read."""
    return {
        **summary(view, region),
        "ApplicationDescription": view.title,
        "ServiceExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/flink",
        "CreateTimestamp": round(view.created_at, 3),
        "LastUpdateTimestamp": round(view.changed_at, 3),
        "ApplicationConfigurationDescription": {
            "EnvironmentPropertyDescriptions": {
                "PropertyGroupDescriptions": [
                    {
                        "PropertyGroupId": "sink",
                        "PropertyMap": {"password": PROPERTY},
                    }
                ]
            },
            "FlinkApplicationConfigurationDescription": {
                "CheckpointConfigurationDescription": {
                    "ConfigurationType": "DEFAULT",
                    "CheckpointingEnabled": True,
                    "CheckpointInterval": 60000,
                    "MinPauseBetweenCheckpoints": 5000,
                },
                "MonitoringConfigurationDescription": {
                    "ConfigurationType": "DEFAULT",
                    "MetricsLevel": "APPLICATION",
                    "LogLevel": "INFO",
                },
                "ParallelismConfigurationDescription": {
                    "ConfigurationType": "CUSTOM",
                    "Parallelism": view.parallelism,
                    "ParallelismPerKPU": 1,
                    "CurrentParallelism": view.parallelism,
                    "AutoScalingEnabled": False,
                },
            },
        },
    }


def operations(view: View) -> list[dict[str, Any]]:
    """List what was done to an application in its current run, the newest first."""
    found = []
    if view.phase is Phase.STOPPING:
        found.append(_operation(STOP, view, "IN_PROGRESS", view.changed_at, None))
    elif view.phase in (Phase.STOPPED, Phase.SUSPENDED, Phase.FINISHED):
        found.append(_operation(STOP, view, "SUCCESSFUL", view.changed_at - 10, view.changed_at))
    elif view.phase is Phase.FAILED and view.started_at is not None:
        found.append(_operation(UPDATE, view, "FAILED", view.changed_at - 30, view.changed_at))
    begun = view.submitted_at or view.started_at
    if begun is not None:
        outcome, ended = "SUCCESSFUL", view.started_at
        if view.phase is Phase.STARTING:
            outcome, ended = "IN_PROGRESS", None
        elif view.phase is Phase.FAILED and view.started_at is None:
            outcome, ended = "FAILED", view.ended_at
        found.append(_operation(START, view, outcome, begun, ended))
    return found


def is_measured(view: View) -> bool:
    """Say whether there are metrics of an application: of one that does not run they just end."""
    return view.phase in ACTIVE and view.started_at is not None


def _arn(name: str, region: str) -> str:
    return f"arn:aws:kinesisanalytics:{region}:{ACCOUNT}:application/{name}"


def _operation(
    name: str, view: View, outcome: str, started_at: float, ended_at: float | None
) -> dict[str, Any]:
    operation = {
        "Operation": name,
        "OperationId": f"{name[:3]}{view.run_id:020d}",
        "StartTime": round(started_at, 3),
        "OperationStatus": outcome,
    }
    return operation if ended_at is None else {**operation, "EndTime": round(ended_at, 3)}
