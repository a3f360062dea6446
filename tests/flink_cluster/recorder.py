"""Record what a real cluster answers, as samples for the tests of the parser."""

import json
from pathlib import Path

import httpx

from tests.flink_cluster.cluster import FlinkCluster
from tests.flink_cluster.jobs import JobSpec

JOB_METRICS = (
    "numRestarts",
    "fullRestarts",
    "uptime",
    "downtime",
    "runningTime",
    "restartingTime",
    "failingTime",
    "cancellingTime",
    "initializingTime",
    "lastCheckpointDuration",
    "lastCheckpointSize",
    "lastCheckpointFullSize",
    "lastCompletedCheckpointId",
    "lastCheckpointCompletedTimestamp",
    "totalNumberOfCheckpoints",
    "numberOfCompletedCheckpoints",
    "numberOfFailedCheckpoints",
    "numberOfInProgressCheckpoints",
)

_TIMELY = ("watermark", "lag", "latency")

_FATES = {
    "running": JobSpec(name="orders 订单", kind="running"),
    "no_checkpoints": JobSpec(name="unchecked", kind="running", checkpoints=False),
    "finished": JobSpec(name="nightly", kind="finishing"),
    "failed": JobSpec(name="broken", kind="failing"),
    "canceled": JobSpec(name="old", kind="running"),
    "crash_looping": JobSpec(name="looping", kind="crash_looping"),
    "late_sql": JobSpec(name="late sql", kind="late_sql"),
    "late_stream": JobSpec(name="late stream", kind="late_stream", parallelism=2),
}


class Recorder:
    """Write answers under `folder`, one file each, and an index of what was asked."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._index: dict[str, dict[str, str | int]] = {}

    def record(self, name: str, path: str, **query: str) -> httpx.Response:
        """Ask for a path and keep the answer, whatever its status."""
        # Commas stay commas, so that the index reads as Flink's documentation does.
        target = path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        response = httpx.get(self._url + target, timeout=30, trust_env=False)
        self._index[f"{name}.json"] = {"request": f"GET {target}", "status": response.status_code}
        self._write(name, response.json())
        return response

    def record_job(self, name: str, jid: str) -> None:
        """Keep everything an exporter may ask about one job."""
        job = f"/jobs/{jid}"
        answer = self.record(f"{name}/job", job)
        self.record(f"{name}/metrics_names", f"{job}/metrics")
        self.record(f"{name}/metrics", f"{job}/metrics", get=",".join(JOB_METRICS))
        self.record(f"{name}/checkpoints", f"{job}/checkpoints")
        self.record(f"{name}/exceptions", f"{job}/exceptions", maxExceptions="1")
        if answer.status_code == 200:
            for number, vertex in enumerate(answer.json()["vertices"]):
                self._record_vertex(f"{name}/vertex_{number}", f"{job}/vertices/{vertex['id']}")

    def _record_vertex(self, name: str, vertex: str) -> None:
        names = self.record(f"{name}_metrics_names", f"{vertex}/subtasks/metrics").json()
        self.record(f"{name}_watermarks", f"{vertex}/watermarks")
        timely = [
            metric["id"]
            for metric in names
            if any(word in metric["id"].rpartition(".")[2].lower() for word in _TIMELY)
            # Flink's own waiting times, of no interest to an event's age.
            and not metric["id"].startswith("mailbox")
        ]
        if timely:
            chosen = ",".join(timely)
            self.record(f"{name}_metrics", f"{vertex}/subtasks/metrics", get=chosen, agg="max")

    def finish(self) -> None:
        """Write the index."""
        self._write("index", self._index)

    def _write(self, name: str, body: object) -> None:
        file = self._folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(body, indent=2, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")


def record_samples(cluster: FlinkCluster, folder: Path) -> None:
    """Bring about every fate a job can have, and record each when it shows."""
    recorder = Recorder(cluster.url, folder)
    ids = cluster.submit(_FATES.values())
    jids = {fate: ids[job.name] for fate, job in _FATES.items()}
    cluster.wait_for(jids["finished"], "FINISHED")
    # The next night's run has the same name and another id.
    cluster.submit([JobSpec(name=_FATES["finished"].name)])
    _end(cluster, jids["canceled"])
    _wait_for_metrics(cluster, jids)
    for name in ("overview", "config", "jobs/overview", "jobs/metrics"):
        recorder.record(name.replace("/", "_"), f"/{name}")
    for fate in _FATES:
        if fate == "crash_looping":
            # Half of its life it says RUNNING.
            cluster.wait_for(jids[fate], "RESTARTING")
        recorder.record_job(fate, jids[fate])
    chosen = ",".join(jids.values())
    recorder.record(
        "jobs_metrics_aggregated", "/jobs/metrics", get="numRestarts", agg="max", jobs=chosen
    )
    _record_initializing(cluster, recorder)
    recorder.record_job("unknown", "0" * 32)
    recorder.record("malformed_jid/job", "/jobs/not-an-id")
    recorder.record("no_such_path", "/nothing")
    recorder.finish()


def _record_initializing(cluster: FlinkCluster, recorder: Recorder) -> None:
    jid = cluster.submit([JobSpec(name="starting", kind="starting")])["starting"]
    recorder.record("jobs_overview_with_initializing", "/jobs/overview")
    recorder.record_job("initializing", jid)


def _end(cluster: FlinkCluster, jid: str) -> None:
    # Metrics that nobody asked for while the job ran are lost with it; these were asked for.
    cluster.wait_until(
        lambda: bool(cluster.get(f"/jobs/{jid}/metrics", get="numRestarts")),
        what="metrics of the job to be cancelled",
    )
    cluster.cancel(jid)
    cluster.wait_for(jid, "CANCELED")


def _wait_for_metrics(cluster: FlinkCluster, jids: dict[str, str]) -> None:
    """Wait until the slowest metrics are there: a window has closed, a loop has looped."""

    def there() -> bool:
        restarts = cluster.get(f"/jobs/{jids['crash_looping']}/metrics", get="numRestarts")
        checkpoints = cluster.get(f"/jobs/{jids['running']}/checkpoints")["counts"]
        return (
            bool(restarts and int(restarts[0]["value"]) > 2)
            and checkpoints["completed"] > 2
            and _has_watermark(cluster, jids["late_sql"])
            and _has_watermark(cluster, jids["late_stream"])
        )

    cluster.wait_until(there, what="watermarks, restarts and checkpoints")


def _has_watermark(cluster: FlinkCluster, jid: str) -> bool:
    sink = cluster.get(f"/jobs/{jid}")["vertices"][-1]["id"]
    answer = cluster.get(
        f"/jobs/{jid}/vertices/{sink}/subtasks/metrics", get="currentInputWatermark", agg="max"
    )
    return bool(answer and answer[0]["max"] > 0)
