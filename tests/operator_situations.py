"""What the resources of the Flink operator look like in each situation, and what that means."""

import json
from dataclasses import dataclass
from typing import Any

from exporter.model import State

DEPLOYMENTS = "flinkdeployments"
SESSION_JOBS = "flinksessionjobs"
EXCEPTIONS = "org.apache.flink.kubernetes.operator.exception"
JOB_ID = "0123456789abcdef0123456789abcdef"
STARTED, UPDATED = 1_699_990_000, 1_699_995_000


def error(kind: str, message: str = "it is so", **more: Any) -> str:
    """Return an error as the operator writes it."""
    return json.dumps({"type": f"{EXCEPTIONS}.{kind}", "message": message, **more})


def spec_in_force(state: str = "running") -> str:
    """Return the specification in force, as the operator keeps it: JSON in a text."""
    held = {"job": {"state": state, "args": ["--password", "kept-nowhere"]}}
    return json.dumps({"spec": held, "resource_metadata": {"apiVersion": "v1beta1"}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One row: the words of a resource, and the state its rule tells."""

    name: str
    state: State
    lifecycle: str = ""
    job: str = ""
    manager: str = ""
    step: str = "DEPLOYED"
    error: str = ""
    desired: str = "running"
    plural: str = DEPLOYMENTS
    stable: bool = True
    in_force: str = "running"
    """What the specification in force says; empty where there is none."""
    touched: bool = True
    deleting: bool = False
    seen: bool = True
    """Whether the job was ever seen running."""
    expected_running: bool = True
    error_id: str = ""
    error_type: str = ""

    def resource(self, namespace: str = "streams") -> dict[str, Any]:
        """Return the resource, without what the server adds."""
        spec: dict[str, Any] = {
            "job": {
                "state": self.desired,
                "upgradeMode": "last-state",
                "args": ["--token", "never-shown"],
                "parallelism": 2,
            }
        }
        if self.plural == SESSION_JOBS:
            spec["deploymentName"] = "session"
        else:
            spec["flinkVersion"] = "v1_20"
        found: dict[str, Any] = {
            "metadata": {"namespace": namespace, "name": self.name},
            "spec": spec,
        }
        if self.deleting:
            found["metadata"]["finalizers"] = ["flinkdeployments.flink.apache.org/finalizer"]
        if self.touched:
            found["status"] = self._status()
        return found

    def _status(self) -> dict[str, Any]:
        job = {"state": self.job, "jobId": JOB_ID} if self.job else {}
        if self.seen and self.job:
            times = {"startTime": f"{STARTED}000", "updateTime": f"{UPDATED}000"}
            job |= {"jobName": "an insert", **times}
        steps: dict[str, Any] = {"state": self.step}
        if self.in_force:
            steps["lastReconciledSpec"] = spec_in_force(self.in_force)
        if self.stable:
            steps["lastStableSpec"] = spec_in_force()
        told = {"lifecycleState": self.lifecycle, "error": self.error}
        if self.plural == DEPLOYMENTS:
            told["jobManagerDeploymentStatus"] = self.manager
        status: dict[str, Any] = {name: word for name, word in told.items() if word}
        return {**status, "jobStatus": job, "reconciliationStatus": steps}


_MISSING = error("MissingJobManagerException", "Missing JobManager deployment")
_NO_METADATA = error("UpgradeFailureException", "HA metadata not available to restore from")
_IMAGE = error("DeploymentFailedException", additionalMetadata={"reason": "ImagePullBackOff"})
_FAILURE = json.dumps(
    {
        "type": "org.apache.flink.runtime.client.JobExecutionException",
        "message": "Job execution failed.",
        "throwableList": [
            {"type": "org.apache.flink.runtime.JobException", "message": "Recovery is suppressed"},
            {"type": "java.lang.IllegalStateException", "message": "bad row"},
        ],
    }
)

SITUATIONS = (
    Situation(name="untouched", state=State.STARTING, touched=False),
    Situation(
        name="untouched-suspended",
        state=State.CREATED,
        touched=False,
        desired="suspended",
        expected_running=False,
    ),
    Situation(
        name="spec-refused",
        state=State.FAILED,
        lifecycle="FAILED",
        manager="MISSING",
        step="UPGRADING",
        error=error("ValidationException"),
        stable=False,
        in_force="",
        error_id=f"{EXCEPTIONS}.ValidationException",
        error_type=f"{EXCEPTIONS}.ValidationException",
    ),
    Situation(
        name="first-deploying",
        state=State.STARTING,
        lifecycle="DEPLOYED",
        job="RECONCILING",
        manager="DEPLOYING",
        stable=False,
        seen=False,
    ),
    Situation(
        name="first-not-ready",
        state=State.STARTING,
        lifecycle="DEPLOYED",
        job="RECONCILING",
        manager="DEPLOYED_NOT_READY",
        stable=False,
        seen=False,
    ),
    Situation(
        name="image-pull",
        state=State.RESTARTING,
        lifecycle="DEPLOYED",
        job="RECONCILING",
        manager="ERROR",
        error=_IMAGE,
        error_id="ImagePullBackOff",
        error_type=f"{EXCEPTIONS}.DeploymentFailedException",
    ),
    Situation(
        name="healthy", state=State.RUNNING, lifecycle="STABLE", job="RUNNING", manager="READY"
    ),
    Situation(
        name="crash-loop",
        state=State.RESTARTING,
        lifecycle="STABLE",
        job="RESTARTING",
        manager="READY",
    ),
    Situation(
        name="rest-lost",
        state=State.UNKNOWN,
        lifecycle="STABLE",
        job="RECONCILING",
        manager="READY",
    ),
    Situation(
        name="manager-deleted",
        state=State.RESTARTING,
        lifecycle="STABLE",
        job="RECONCILING",
        manager="MISSING",
        error=_MISSING,
        error_id=f"{EXCEPTIONS}.MissingJobManagerException",
        error_type=f"{EXCEPTIONS}.MissingJobManagerException",
    ),
    Situation(
        name="metadata-lost",
        state=State.FAILED,
        lifecycle="FAILED",
        job="RECONCILING",
        manager="MISSING",
        error=_NO_METADATA,
        error_id=f"{EXCEPTIONS}.UpgradeFailureException",
        error_type=f"{EXCEPTIONS}.UpgradeFailureException",
    ),
    Situation(
        name="failed",
        state=State.FAILED,
        lifecycle="FAILED",
        job="FAILED",
        manager="READY",
        error=_FAILURE,
        error_id="org.apache.flink.runtime.client.JobExecutionException",
        error_type="java.lang.IllegalStateException",
    ),
    Situation(
        name="finished",
        state=State.FINISHED,
        lifecycle="STABLE",
        job="FINISHED",
        manager="MISSING",
    ),
    Situation(
        name="suspended-stateless",
        state=State.SUSPENDED,
        lifecycle="SUSPENDED",
        job="FINISHED",
        manager="MISSING",
        desired="suspended",
        in_force="suspended",
        expected_running=False,
    ),
    Situation(
        name="suspended-savepoint",
        state=State.SUSPENDED,
        lifecycle="SUSPENDED",
        job="FINISHED",
        manager="READY",
        desired="suspended",
        in_force="suspended",
        expected_running=False,
    ),
    Situation(
        name="cancelled-by-hand",
        state=State.STOPPED,
        lifecycle="SUSPENDED",
        job="CANCELED",
        manager="READY",
        in_force="suspended",
    ),
    Situation(
        name="upgrading",
        state=State.RESTARTING,
        lifecycle="UPGRADING",
        job="FINISHED",
        manager="MISSING",
        step="UPGRADING",
        in_force="suspended",
    ),
    Situation(
        name="upgrading-cancelling",
        state=State.RESTARTING,
        lifecycle="UPGRADING",
        job="CANCELLING",
        manager="READY",
        step="UPGRADING",
    ),
    Situation(
        name="rolled-back",
        state=State.RUNNING,
        lifecycle="ROLLED_BACK",
        job="RUNNING",
        manager="READY",
        step="ROLLED_BACK",
        error=error("ValidationException"),
        error_id=f"{EXCEPTIONS}.ValidationException",
        error_type=f"{EXCEPTIONS}.ValidationException",
    ),
    Situation(
        name="deleting",
        state=State.STOPPING,
        lifecycle="DELETING",
        job="CANCELLING",
        manager="READY",
        deleting=True,
    ),
    Situation(
        name="session-waiting",
        state=State.STARTING,
        plural=SESSION_JOBS,
        lifecycle="CREATED",
        step="UPGRADING",
        stable=False,
        in_force="",
    ),
    Situation(
        name="session-lost-job",
        state=State.UNKNOWN,
        plural=SESSION_JOBS,
        lifecycle="STABLE",
        job="RECONCILING",
        error="Job Not Found",
        error_id="JobNotFound",
    ),
)
