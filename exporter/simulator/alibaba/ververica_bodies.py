"""Deployments and jobs in the words of Realtime Compute for Apache Flink: lower camel case.

The API pages leave the unit of times open: here every third job speaks milliseconds, the others
seconds, so that a client has to look at the size of the number.
"""

from collections import Counter

from exporter.simulator.alibaba.ververica_deployments import Deployment, job_id
from exporter.simulator.fleet.fleet import Phase, View

Body = dict[str, object]

_ENGINE = "vvr-8.0.9-flink-1.17"
_USER = "239960377092765296"
_STATUSES = {
    Phase.STARTING: "STARTING",
    Phase.RUNNING: "RUNNING",
    Phase.RESTARTING: "RUNNING",
    Phase.FAILED: "FAILED",
    Phase.STOPPING: "CANCELLING",
    Phase.STOPPED: "CANCELLED",
    Phase.SUSPENDED: "CANCELLED",
    Phase.FINISHED: "FINISHED",
}
_FLINK_CONF = {
    "execution.checkpointing.interval": "180s",
    "fs.oss.accessKeySecret": "hunter2-do-not-export",
}
_SCRIPT = "CREATE TABLE t (id INT) WITH ('connector'='mysql', 'password'='hunter2-do-not-export')"


def job_status(run: View) -> str:
    """Return the status of one run in the vendor's words."""
    return _STATUSES[run.phase]


def execution_mode(view: View) -> str:
    """Tell streaming and batch apart: a job that reads a bounded input is a batch job."""
    return "BATCH" if view.name.endswith(("每日对账", "daily_reconciliation")) else "STREAMING"


def deployment_body(deployment: Deployment, *, namespace: str, workspace: str) -> Body:
    """Describe a deployment; its jobSummary counts every job kept, history included."""
    view = deployment.view
    counts = Counter(job_status(job).lower() for job in deployment.jobs)
    summary = {
        status: counts[status]
        for status in ("starting", "running", "cancelling", "cancelled", "finished", "failed")
    }
    return {
        "deploymentId": deployment.deployment_id,
        "name": view.name,
        "description": view.title,
        "namespace": namespace,
        "workspace": workspace,
        "executionMode": execution_mode(view),
        "engineVersion": _ENGINE,
        "deploymentHasChanged": False,
        "deploymentTarget": {"mode": "PER_JOB", "name": "default-queue"},
        "labels": {"team": "streaming"},
        "flinkConf": _FLINK_CONF,
        "artifact": {"kind": "SQLSCRIPT", "sqlArtifact": {"sqlScript": _SCRIPT}},
        "creator": _USER,
        "creatorName": "streaming-team",
        "createdAt": str(_time(view, view.created_at)),
        "modifiedAt": str(_time(view, view.created_at)),
        "jobSummary": summary,
        **_resources(view),
    }


def job_body(deployment: Deployment, run: View, *, namespace: str, workspace: str) -> Body:
    """Describe one run of a deployment."""
    submitted = _time(run, run.submitted_at or run.created_at)
    return {
        "jobId": job_id(run),
        "deploymentId": deployment.deployment_id,
        "deploymentName": run.name,
        "namespace": namespace,
        "workspace": workspace,
        "engineVersion": _ENGINE,
        # A deployment says STREAMING where its job says STREAM.
        "executionMode": execution_mode(run).removesuffix("ING"),
        "sessionClusterName": None,
        "creator": _USER,
        "startTime": submitted,
        **_end_time(run),
        "createdAt": str(submitted),
        "modifiedAt": str(_time(run, run.changed_at)),
        "metric": {"totalCpu": 0.5 * (1 + run.parallelism), "totalMemoryByte": 4 * 2**30},
        "flinkConf": _FLINK_CONF,
        "userFlinkConf": {},
        "localVariables": [],
        "artifact": {"kind": "SQLSCRIPT", "sqlArtifact": {"sqlScript": _SCRIPT}},
        "restoreStrategy": {"kind": "LATEST_STATE"},
        "status": _status(run),
        **_resources(run),
    }


def _status(run: View) -> Body:
    status: Body = {"currentJobStatus": job_status(run)}
    if job_status(run) == "RUNNING":
        status["running"] = {
            "observedFlinkJobStatus": run.phase.upper(),
            "observedFlinkJobRestarts": run.restarts,
        }
        # Not every job is rated: the rating looks back on half an hour of a stream.
        if run.number % 2 == 0 and execution_mode(run) == "STREAMING":
            healthy = run.phase is Phase.RUNNING
            status["healthScore"] = 100 if healthy else 40
            status["riskLevel"] = "RISK_LEVEL_LOW" if healthy else "RISK_LEVEL_HIGH"
    if run.phase is Phase.FAILED and run.error is not None and run.error_at is not None:
        crashed = run.started_at is not None
        reason = run.error.error_type.rpartition(".")[2]
        status["failure"] = {
            "reason": reason if crashed else "KubernetesDeploymentNotProgressing",
            "message": run.error.text,
            "failedAt": _time(run, run.error_at),
        }
    return status


def _end_time(run: View) -> Body:
    if run.ended_at is not None:
        return {"endTime": _time(run, run.ended_at)}
    return {"endTime": 0} if _in_milliseconds(run) else {}


def _resources(view: View) -> Body:
    if execution_mode(view) == "BATCH":
        return {"batchResourceSetting": {"maxSlot": view.parallelism}}
    unit = {"cpu": 1.0, "memory": "4Gi"}
    return {
        "streamingResourceSetting": {
            "resourceSettingMode": "BASIC",
            "basicResourceSetting": {
                "parallelism": view.parallelism,
                "jobmanagerResourceSettingSpec": unit,
                "taskmanagerResourceSettingSpec": unit,
            },
        }
    }


def _in_milliseconds(view: View) -> bool:
    return view.number % 3 == 0


def _time(view: View, seconds: float) -> int:
    return round(1000 * seconds) if _in_milliseconds(view) else int(seconds)
