"""Record what a real cluster answers, as samples for the tests of the parser."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import httpx

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

_TIMELY = ("watermark", "lag", "pending")


@dataclass(slots=True)
class Recorder:
    """Write answers under `folder`, one file each, and an index of what was asked."""

    url: str
    folder: Path
    index: dict[str, dict[str, str | int]] = field(default_factory=dict)

    def record(self, name: str, path: str, **query: str) -> httpx.Response:
        """Ask for a path and keep the answer, whatever its status."""
        # Flink's comma is a separator: it is written as one, for the sake of the index.
        target = path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        response = httpx.get(self.url + target, timeout=30, trust_env=False)
        self.index[f"{name}.json"] = {"request": f"GET {target}", "status": response.status_code}
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
        timely = [
            metric["id"]
            for metric in names
            if any(word in metric["id"].rpartition(".")[2].lower() for word in _TIMELY)
        ]
        if timely:
            chosen = ",".join(timely)
            self.record(f"{name}_metrics", f"{vertex}/subtasks/metrics", get=chosen, agg="max")

    def finish(self) -> None:
        """Write the index."""
        self._write("index", self.index)

    def _write(self, name: str, body: object) -> None:
        file = self.folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(body, indent=2, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")
