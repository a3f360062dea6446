"""Ask a real cluster for what differs between versions of Flink: a row of a table for each fact."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import httpx

from tests.flink_cluster.cluster import FlinkCluster

Fact = tuple[str, Callable[[], object]]

_LAG = "currentEmitEventTimeLag"
_WATERMARK = "currentOutputWatermark"
_NO_WATERMARK = -(2**63)


class Facts:
    """What one cluster says of jobs by their names: those of the tests of a real platform."""

    def __init__(self, cluster: FlinkCluster, jobs: Mapping[str, str]) -> None:
        self._cluster = cluster
        self._jobs = jobs

    def all(self) -> Iterator[Fact]:
        """Yield each fact by its name, with what finds it out."""
        yield "version told by /config", lambda: self._cluster.get("/config")["flink-version"]
        yield "listing has jobType", lambda: "jobType" in self._row()
        yield "listing has schedulerType", lambda: "schedulerType" in self._row()
        yield "listing counts tasks", lambda: len(self._row()["tasks"])
        yield "job object has job-type", lambda: self._job("running").get("job-type")
        yield "job object has now", lambda: "now" in self._job("running")
        yield "states dated in a job object", lambda: len(self._job("running")["timestamps"])
        yield "plan tells inputs", lambda: self._has_inputs()
        yield (
            "vertices have accumulated-busy-time",
            lambda: "accumulated-busy-time" in self._job("running")["vertices"][0]["metrics"],
        )
        for name in ("numRestarts", "fullRestarts", "uptime", "runningTime", "restartingTime"):
            yield f"metric {name}", partial(self._has_metric, name)
        yield "uptime fits timestamps.RUNNING", self._uptime_fits
        yield "RESTARTING dated in a crash loop", self._restarting_is_dated
        yield "attempts follow restarts", self._attempts
        yield "emit lag of a FLIP-27 source", lambda: self._names("late_stream", _LAG) > 0
        yield (
            "output watermarks of a FLIP-27 source",
            lambda: self._names("late_stream", _WATERMARK) > 0,
        )
        yield "source of SQL has a watermark", self._sql_source_watermark
        yield "checkpointed_size", lambda: "checkpointed_size" in self._checkpoint()
        yield "state_size", lambda: "state_size" in self._checkpoint()
        yield "exceptionHistory", lambda: "exceptionHistory" in self._exceptions()
        yield "root-exception", lambda: "root-exception" in self._exceptions()
        yield "exception of a failed job", self._exception_name
        yield (
            "metrics of an ended job",
            lambda: self._status(f"/jobs/{self._jobs['failing']}/metrics"),
        )
        yield "unknown job", lambda: self._status(f"/jobs/{'0' * 32}")

    def _row(self) -> dict[str, Any]:
        row: dict[str, Any] = self._cluster.get("/jobs/overview")["jobs"][0]
        return row

    def _job(self, name: str) -> dict[str, Any]:
        job: dict[str, Any] = self._cluster.get(f"/jobs/{self._jobs[name]}")
        return job

    def _has_inputs(self) -> bool:
        nodes = self._job("late_sql")["plan"]["nodes"]
        return any(node.get("inputs") for node in nodes)

    def _metric(self, name: str, metric: str) -> float | None:
        found = self._cluster.get(f"/jobs/{self._jobs[name]}/metrics", get=metric)
        return float(found[0]["value"]) if found else None

    def _has_metric(self, metric: str) -> bool:
        return self._metric("looping", metric) is not None

    def _uptime_fits(self) -> str:
        self._cluster.wait_until(
            lambda: (self._metric("running", "uptime") or 0) > 0, what="a job to have an uptime"
        )
        uptime, job = self._metric("running", "uptime") or 0.0, self._job("running")
        difference = job["now"] - job["timestamps"]["RUNNING"] - uptime
        # Figures are a second old here, and the object is kept for another one.
        return "yes" if abs(difference) < 4000 else f"by {difference:.0f} ms"

    def _restarting_is_dated(self) -> bool:
        return bool(self._job("looping")["timestamps"]["RESTARTING"] > 0)

    def _attempts(self) -> str:
        vertex = self._job("looping")["vertices"][0]["id"]
        found = self._cluster.get(f"/jobs/{self._jobs['looping']}/vertices/{vertex}")
        attempts = max(subtask["attempt"] for subtask in found["subtasks"])
        restarts = self._metric("looping", "numRestarts") or 0.0
        return "yes" if abs(attempts - restarts) <= 5 else f"{attempts} of {restarts:.0f}"

    def _names(self, name: str, metric: str) -> int:
        vertex = self._job(name)["vertices"][0]["id"]
        path = f"/jobs/{self._jobs[name]}/vertices/{vertex}/subtasks/metrics"
        return sum(each["id"].endswith(metric) for each in self._cluster.get(path))

    def _sql_source_watermark(self) -> str:
        vertex = self._job("late_sql")["vertices"][0]["id"]
        path = f"/jobs/{self._jobs['late_sql']}/vertices/{vertex}/subtasks/metrics"
        names = [each["id"] for each in self._cluster.get(path) if each["id"].endswith(_WATERMARK)]
        found = self._cluster.get(path, get=",".join(names), agg="min") if names else []
        with_one = [each for each in found if each["min"] > _NO_WATERMARK]
        return f"{len(with_one)} of {len(names)} operators"

    def _checkpoint(self) -> dict[str, Any]:
        found = self._cluster.get(f"/jobs/{self._jobs['running']}/checkpoints")
        checkpoint: dict[str, Any] = found["latest"]["completed"]
        return checkpoint

    def _exceptions(self) -> dict[str, Any]:
        found: dict[str, Any] = self._cluster.get(f"/jobs/{self._jobs['failing']}/exceptions")
        return found

    def _exception_name(self) -> str:
        entries = self._exceptions()["exceptionHistory"]["entries"]
        return str(entries[0]["exceptionName"]).rpartition(".")[2]

    def _status(self, path: str) -> str:
        answer = httpx.get(self._cluster.url + path, trust_env=False)
        return f"{answer.status_code} {answer.text[:2] if answer.is_success else ''}".strip()
