"""Simulate the Flink operator: it keeps the resources of a cluster as a fleet of jobs is.

Each job is an application cluster of its own with a JobManager behind a Service. Of what the real
operator writes this has what contradicts itself: FINISHED for what it stopped, a lifecycle that is
STABLE whatever the job does, an error that is JSON in a text.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.simulator.apache_flink import service as apache_flink
from exporter.simulator.apache_flink.cluster import Cluster, FlinkJob, milliseconds
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.fleet.values import Phase, View
from exporter.simulator.kubernetes.service import KubernetesCluster

_FORCE = "spec"
_WRAPPER = "org.apache.flink.runtime.client.JobExecutionException"


@dataclass(frozen=True, slots=True)
class _Words:
    """What the operator writes of a job in a phase."""

    lifecycle: str
    job: str
    manager: str
    desired: str = "running"
    in_force: str = "running"


_WORDS = {
    Phase.STARTING: _Words("DEPLOYED", "RECONCILING", "DEPLOYING"),
    Phase.RUNNING: _Words("STABLE", "RUNNING", "READY"),
    Phase.RESTARTING: _Words("STABLE", "RESTARTING", "READY"),
    Phase.FAILED: _Words("FAILED", "FAILED", "READY"),
    Phase.STOPPING: _Words("STABLE", "CANCELLING", "READY", "suspended"),
    # Cancelled in Flink's own page: nobody starts it again.
    Phase.STOPPED: _Words("SUSPENDED", "CANCELED", "READY", "running", "suspended"),
    Phase.SUSPENDED: _Words("SUSPENDED", "FINISHED", "MISSING", "suspended", "suspended"),
    Phase.FINISHED: _Words("STABLE", "FINISHED", "READY"),
}


class SimulatedOperator:
    """Brings the resources of a namespace up to date whenever somebody asks for them."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        cluster: KubernetesCluster,
        clock: Callable[[], float],
        faults: FaultInjection,
        namespace: str = "streams",
    ) -> None:
        self._fleet = fleet
        self._cluster = cluster
        self._clock = clock
        self._namespace = namespace
        self._flink = Cluster(fleet)
        self._faults = faults
        self._written: dict[str, dict[str, Any]] = {}
        self._views: tuple[View, ...] = ()
        cluster.update = self.update

    def update(self) -> None:
        """Write what has changed since the last time."""
        now = self._clock()
        views = self._fleet.views(now)
        if views == self._views:
            return
        self._views = views
        runs = {job.run.run_id: job for job in self._flink.jobs(now)}
        latest = {resource_name(view): view for view in views}
        for name, view in latest.items():
            body = self._describe(name, view, runs.get(view.run_id))
            if self._written.get(name) != body:
                self._written[name] = body
                self._cluster.put("flinkdeployments", body)
                self._serve(name)
        for name in self._written.keys() - latest.keys():
            del self._written[name]
            self._cluster.objects("flinkdeployments").delete(self._namespace, name)
            self._cluster.objects("services").delete(self._namespace, f"{name}-rest")
            del self._cluster.managers[self._namespace, f"{name}-rest"]

    def _serve(self, name: str) -> None:
        key = (self._namespace, f"{name}-rest")
        if key in self._cluster.managers:
            return
        labels = {"app": name, "type": "flink-native-kubernetes"}
        ports = [{"name": "rest", "port": 8081}]
        self._cluster.put(
            "services",
            {
                "metadata": {"namespace": self._namespace, "name": key[1], "labels": labels},
                "spec": {"ports": ports, "selector": labels},
            },
        )
        self._cluster.managers[key] = apache_flink.build(
            fleet=self._fleet,
            faults=self._faults,
            clock=self._clock,
            cluster=_OneJob(self._fleet, name),
        )

    def _describe(self, name: str, view: View, run: FlinkJob | None) -> dict[str, Any]:
        words = _WORDS.get(view.phase)
        desired = "suspended" if words is None else words.desired
        spec = {
            "flinkVersion": "v2_3",
            "image": "registry.example.org/jobs:1",
            "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2"},
            "job": {
                "jarURI": "local:///opt/flink/usrlib/job.jar",
                "args": ["--password", "simulated-secret-argument"],
                "parallelism": view.parallelism,
                "state": desired,
                "upgradeMode": "savepoint",
            },
        }
        body: dict[str, Any] = {
            "metadata": {
                "namespace": self._namespace,
                "name": name,
                "labels": {"team": "payments"},
                "managedFields": [{"manager": "kubectl", "operation": "Update"}],
            },
            "spec": spec,
        }
        if words is not None:
            body["status"] = _status(words, view, run, spec)
        return body


class _OneJob(Cluster):
    """The JobManager of an application: it knows the runs of its own job only."""

    def __init__(self, fleet: Fleet, name: str) -> None:
        super().__init__(fleet)
        self._name = name

    def jobs(self, now: float) -> list[FlinkJob]:
        """Return every run of the job that is listed."""
        return [job for job in super().jobs(now) if resource_name(job.run) == self._name]

    def find(self, jid: str, now: float) -> FlinkJob | None:
        """Return one run; None when it is another job's."""
        job = super().find(jid, now)
        return job if job is not None and resource_name(job.run) == self._name else None


class JobManagers:
    """All JobManagers of a cluster behind one address, as an ingress has it: /namespace/name/..."""

    def __init__(self, cluster: KubernetesCluster) -> None:
        self._cluster = cluster

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on to the JobManager that its path begins with."""
        if scope["type"] != "http":
            return
        self._cluster.update()
        parts = scope["path"].split("/")
        app: ASGIApp | None = None
        if len(parts) > 2:
            app = self._cluster.managers.get((parts[1], f"{parts[2]}-rest"))
        if app is None:
            start = {"type": "http.response.start", "status": 503, "headers": []}
            await send(start)
            await send({"type": "http.response.body", "body": b"no such upstream"})
            return
        path = "/" + "/".join(parts[3:])
        await app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


def resource_name(view: View) -> str:
    """Return the name of a job's resource: Kubernetes knows no underscores."""
    return view.name.replace("_", "-").replace(" ", "-").lower()


def _status(
    words: _Words, view: View, run: FlinkJob | None, spec: dict[str, Any]
) -> dict[str, Any]:
    job: dict[str, Any] = {"state": words.job}
    if run is not None:
        job["jobId"] = run.jid
    if view.started_at is not None:
        job |= {
            "jobName": view.name,
            "startTime": str(milliseconds(view.submitted_at or view.created_at)),
            "updateTime": str(milliseconds(view.changed_at)),
        }
    in_force = {**spec, "job": {**spec["job"], "state": words.in_force}}
    status: dict[str, Any] = {
        "lifecycleState": words.lifecycle,
        "jobManagerDeploymentStatus": words.manager,
        "observedGeneration": 1,
        "clusterInfo": {"flink-version": "2.3.0", "total-memory": "4294967296"},
        "jobStatus": job,
        "reconciliationStatus": {
            "state": "DEPLOYED",
            "lastReconciledSpec": json.dumps({_FORCE: in_force}),
        },
    }
    if view.started_at is not None:
        status["reconciliationStatus"]["lastStableSpec"] = json.dumps({_FORCE: spec})
    if view.phase is Phase.FAILED and view.error is not None:
        cause = {"type": view.error.error_type, "message": view.error.text}
        told = {"type": _WRAPPER, "message": "Job execution failed.", "throwableList": [cause]}
        status["error"] = json.dumps(told)
    return status
