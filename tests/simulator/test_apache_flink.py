"""The simulated JobManager has the shapes and the moods of a real one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.simulator.apache_flink import service as apache_flink
from exporter.simulator.apache_flink.cluster import Cluster
from exporter.simulator.apache_flink.service import FlinkLogin
from exporter.simulator.fault_injection import Canned, FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase, View

START = 1_700_000_000.0
HEALTHY = "device_telemetry"
RECORDED = Path(__file__).parents[1] / "fixtures" / "apache_flink" / "recorded"
NO_WATERMARK = -(2**63)


class Runtime:
    """One simulated cluster of twelve jobs, and a browser."""

    def __init__(self, **options: Any) -> None:
        self.now = START + 1
        self.fleet = Fleet(seed=1, started_at=START)
        self.faults = FaultInjection(started_at=START)
        self.cluster = Cluster(self.fleet)
        self.app = apache_flink.build(
            fleet=self.fleet,
            faults=self.faults,
            clock=lambda: self.now,
            cluster=self.cluster,
            **options,
        )

    def response(self, path: str, **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport) as client:
                return await client.get(f"http://localhost:8081{path}", headers=headers)

        return asyncio.run(send())

    def get(self, path: str) -> Any:
        response = self.response(path)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, path: str) -> tuple[int, str]:
        response = self.response(path)
        return response.status_code, response.json()["errors"][0]

    def listed(self, name: str) -> list[Any]:
        rows = self.get("/jobs/overview")["jobs"]
        same = [row for row in rows if row["name"] == name]
        return sorted(same, key=lambda row: int(row["start-time"]), reverse=True)

    def jid(self, name: str = HEALTHY) -> str:
        return str(self.listed(name)[0]["jid"])

    def view(self, name: str = HEALTHY) -> View:
        view = self.fleet.named(name, self.now)
        assert view is not None
        return view

    def set(self, name: str, phase: Phase) -> None:
        self.fleet.set_phase(name, phase, self.now)

    def source_metrics(self, name: str, wanted: str = "", agg: str = "max") -> Any:
        jid = self.jid(name)
        vertex = self.get(f"/jobs/{jid}")["vertices"][0]["id"]
        query = f"?get={wanted}&agg={agg}" if wanted else ""
        return self.get(f"/jobs/{jid}/vertices/{vertex}/subtasks/metrics{query}")


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def shape(value: Any) -> Any:
    """Reduce an answer to its keys, lists to what their first element looks like."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return None


def ms(seconds: float) -> int:
    return round(1000 * seconds)


def test_overview_lists_every_job_but_drafts(runtime: Runtime) -> None:
    """One row per job, with the fields of a real cluster."""
    row = runtime.listed(HEALTHY)[0]
    view = runtime.view()
    assert view.submitted_at is not None
    assert len(row["jid"]) == 32
    assert (row["state"], row["end-time"]) == ("RUNNING", -1)
    assert row["start-time"] == ms(view.submitted_at)
    assert row["duration"] == ms(runtime.now) - row["start-time"]
    assert row["tasks"]["total"] == row["tasks"]["running"] == 2 * view.parallelism
    assert runtime.listed("recommendations_v2") == []


@pytest.mark.parametrize(
    ("name", "phase"),
    [("running", Phase.RUNNING), ("crash_looping", Phase.RESTARTING), ("failed", Phase.FAILED)],
)
def test_shapes_are_those_of_a_real_cluster(runtime: Runtime, name: str, phase: Phase) -> None:
    """Every object has the keys that Flink 2.3.0 gave it when it was recorded."""
    runtime.now += 10
    runtime.set(HEALTHY, phase)
    job = f"/jobs/{runtime.jid()}"
    paths = {
        "job": job,
        "checkpoints": f"{job}/checkpoints",
        "exceptions": f"{job}/exceptions?maxExceptions=1",
    }
    ours = {file: shape(runtime.get(path)) for file, path in paths.items()}
    theirs = {file: shape(recorded(f"{name}/{file}.json")) for file in paths}
    # A job that crashes before its first checkpoint, as the recorded ones did, completes none.
    for answer in (ours, theirs):
        for moving in ("plan", "latest", "history"):
            answer["job"].pop(moving, None)
            answer["checkpoints"].pop(moving, None)
    assert ours == theirs


def test_shapes_of_the_cluster_are_those_of_a_real_one(runtime: Runtime) -> None:
    """The overviews have the keys of the recorded ones, and so has a completed checkpoint."""
    row = recorded("jobs_overview.json")["jobs"][0]
    assert shape(runtime.listed(HEALTHY)[0]) == shape(row)
    assert shape(runtime.get("/overview")) == shape(recorded("overview.json"))
    assert shape(runtime.get("/config")) == shape(recorded("config.json"))
    latest = recorded("running/checkpoints.json")["latest"]
    ours = runtime.get(f"/jobs/{runtime.jid()}/checkpoints")["latest"]
    assert shape(ours) == shape(latest)
    failed = recorded("failed/checkpoints.json")["latest"]["failed"]
    runtime.set(HEALTHY, Phase.RESTARTING)
    ours = runtime.get(f"/jobs/{runtime.jid()}/checkpoints")["latest"]
    assert shape(ours["failed"]) == shape(failed)


@pytest.mark.parametrize(
    ("phase", "state", "task_state"),
    [
        (Phase.RUNNING, "RUNNING", "RUNNING"),
        (Phase.RESTARTING, "RESTARTING", "FAILED"),
        (Phase.FAILED, "FAILED", "FAILED"),
        (Phase.STOPPING, "CANCELLING", "CANCELING"),
        (Phase.STOPPED, "CANCELED", "CANCELED"),
        (Phase.SUSPENDED, "SUSPENDED", "CANCELED"),
        (Phase.FINISHED, "FINISHED", "FINISHED"),
    ],
)
def test_states_of_job_and_tasks(
    runtime: Runtime, phase: Phase, state: str, task_state: str
) -> None:
    """Overview and details agree about the state, the tasks follow it."""
    runtime.now += 10
    runtime.set(HEALTHY, phase)
    row = runtime.listed(HEALTHY)[0]
    details = runtime.get(f"/jobs/{row['jid']}")
    assert row["state"] == details["state"] == state
    assert details["timestamps"][state] > 0
    assert details["vertices"][0]["status"] == task_state
    assert details["vertices"][0]["tasks"][task_state] > 0
    assert row["tasks"][task_state.lower()] > 0
    assert sum(details["status-counts"].values()) == 2
    ended = state in ("FAILED", "CANCELED", "SUSPENDED", "FINISHED")
    assert (row["end-time"] == ms(runtime.now)) == ended == (details["end-time"] != -1)


def test_details_have_the_timestamps_of_all_states(runtime: Runtime) -> None:
    """A state that never was has the timestamp 0."""
    details = runtime.get(f"/jobs/{runtime.jid()}")
    assert len(details["timestamps"]) == 11
    assert details["timestamps"]["FAILED"] == 0
    assert details["now"] == ms(runtime.now)
    assert details["vertices"][0]["parallelism"] == runtime.view().parallelism


def test_initializing_job_has_no_graph_yet(runtime: Runtime) -> None:
    """While it initializes there are no vertices, no metrics, and checkpoints are a 500."""
    runtime.set(HEALTHY, Phase.STOPPED)
    runtime.now += 1
    runtime.set(HEALTHY, Phase.STARTING)
    row = runtime.listed(HEALTHY)[0]
    assert (row["state"], row["tasks"]["total"]) == ("INITIALIZING", 0)
    assert runtime.get(f"/jobs/{row['jid']}")["vertices"] == []
    assert runtime.get(f"/jobs/{row['jid']}/metrics?get=numRestarts") == []
    status, error = runtime.refused(f"/jobs/{row['jid']}/checkpoints")
    assert (status, error) == (500, "Internal server error.")


def test_new_run_has_a_new_id_and_the_old_one_stays_listed(runtime: Runtime) -> None:
    """A job that is started again is another job to Flink."""
    first = runtime.jid()
    runtime.now += 60
    runtime.set(HEALTHY, Phase.FAILED)
    runtime.now += 60
    runtime.set(HEALTHY, Phase.RUNNING)
    new, old = runtime.listed(HEALTHY)
    assert (old["jid"], old["state"]) == (first, "FAILED")
    assert (new["jid"] != first, new["state"]) == (True, "RUNNING")
    assert runtime.get(f"/jobs/{first}")["state"] == "FAILED"


def test_restarted_job_manager_forgets_ended_jobs(runtime: Runtime) -> None:
    """Jobs that are alive are recovered; the others are gone, also by id."""
    runtime.set(HEALTHY, Phase.FAILED)
    ended = runtime.jid()
    alive = runtime.jid("session rollup")
    runtime.now += 1
    runtime.cluster.restart_job_manager(runtime.now)
    assert runtime.listed(HEALTHY) == []
    assert runtime.refused(f"/jobs/{ended}")[0] == 404
    assert runtime.jid("session rollup") == alive
    assert runtime.app.state.cluster is runtime.cluster


def test_ended_jobs_are_kept_for_a_while() -> None:
    """The job store expires."""
    fleet = Fleet(seed=1, started_at=START)
    fleet.set_phase(HEALTHY, Phase.FAILED, START + 1)
    cluster = Cluster(fleet, retention=3600)
    soon = [job.run.name for job in cluster.jobs(START + 3600)]
    later = [job.run.name for job in cluster.jobs(START + 3602)]
    assert (HEALTHY in soon, HEALTHY in later) == (True, False)


def test_ids_repeat_with_the_seed(runtime: Runtime) -> None:
    """Two simulations of one seed have the same jobs."""
    assert runtime.get("/jobs/overview") == Runtime().get("/jobs/overview")


def test_job_metrics_are_strings(runtime: Runtime) -> None:
    """Values are strings, unknown names are left out, no name lists what there is."""
    runtime.set(HEALTHY, Phase.RESTARTING)
    path = f"/jobs/{runtime.jid()}/metrics"
    assert runtime.get(f"{path}?get=numRestarts,nonsense") == [{"id": "numRestarts", "value": "1"}]
    assert {"id": "restartingTime"} in runtime.get(path)


def test_ended_jobs_have_no_metrics(runtime: Runtime) -> None:
    """An ended job answers an empty list, though not at once; so does one that never was."""
    runtime.set(HEALTHY, Phase.STOPPED)
    lingering = runtime.get(f"/jobs/{runtime.jid()}/metrics?get=numRestarts,runningTime")
    assert [row["value"] for row in lingering] == ["0", "0"]
    runtime.now += 10
    assert runtime.get(f"/jobs/{runtime.jid()}/metrics?get=numRestarts") == []
    assert runtime.get(f"/jobs/{'0' * 32}/metrics?get=numRestarts") == []


def test_metrics_aggregate_over_jobs(runtime: Runtime) -> None:
    """Aggregates are numbers, over all jobs or the chosen ones."""
    runtime.set(HEALTHY, Phase.RESTARTING)
    chosen = f"{runtime.jid()},{runtime.jid('session rollup')}"
    path = f"/jobs/metrics?get=numRestarts&jobs={chosen}"
    assert runtime.get(path) == [
        {"id": "numRestarts", "min": 0.0, "max": 1.0, "avg": 0.5, "sum": 1.0}
    ]
    assert runtime.get(f"{path}&agg=max") == [{"id": "numRestarts", "max": 1.0}]
    assert runtime.get("/jobs/metrics?get=nonsense") == []
    assert {"id": "numRestarts"} in runtime.get("/jobs/metrics")


def test_checkpoints_of_a_running_job(runtime: Runtime) -> None:
    """One completes a minute; the latest has its times and size."""
    view = runtime.view()
    assert view.started_at is not None
    expected = int((runtime.now - view.started_at) // 60)
    statistics = runtime.get(f"/jobs/{runtime.jid()}/checkpoints")
    latest = statistics["latest"]["completed"]
    assert statistics["counts"]["completed"] == expected
    assert latest["latest_ack_timestamp"] <= ms(runtime.now) + latest["end_to_end_duration"]
    assert latest["latest_ack_timestamp"] > ms(runtime.now - 61)
    assert latest["state_size"] > 0
    wanted = "lastCheckpointDuration"
    metrics = runtime.get(f"/jobs/{runtime.jid()}/metrics?get={wanted}")
    assert metrics == [{"id": wanted, "value": str(latest["end_to_end_duration"])}]


def test_checkpoints_stop_while_a_job_restarts(runtime: Runtime) -> None:
    """A crash loop completes nothing, and each restart fails one."""
    runtime.now = START + 300
    first = runtime.get(f"/jobs/{runtime.jid('clickstream_sessions')}/checkpoints")["counts"]
    runtime.now = START + 500
    second = runtime.get(f"/jobs/{runtime.jid('clickstream_sessions')}/checkpoints")["counts"]
    assert first["completed"] == second["completed"]
    assert second["failed"] - first["failed"] == 20


def test_job_without_checkpointing_is_a_404(runtime: Runtime) -> None:
    """Where checkpointing is off, Flink has no statistics to show."""
    status, error = runtime.refused(f"/jobs/{runtime.jid('每日对账')}/checkpoints")
    assert status == 404
    assert "RestHandlerException: Checkpointing has not been enabled." in error


def test_young_job_has_no_checkpoint_yet(runtime: Runtime) -> None:
    """Before the first checkpoint there is none, which the metrics write as -1."""
    runtime.fleet.add("young", runtime.now)
    jid = runtime.jid("young")
    assert runtime.get(f"/jobs/{jid}/checkpoints")["latest"]["completed"] is None
    metrics = runtime.get(f"/jobs/{jid}/metrics?get=lastCheckpointCompletedTimestamp")
    assert metrics[0]["value"] == "-1"


def test_exceptions_tell_the_latest_first(runtime: Runtime) -> None:
    """Every restart has its entry; maxExceptions cuts them off and says so."""
    runtime.now = START + 300
    view = runtime.view("clickstream_sessions")
    assert view.error is not None
    assert view.error_at is not None
    path = f"/jobs/{runtime.jid('clickstream_sessions')}/exceptions"
    history = runtime.get(f"{path}?maxExceptions=1")["exceptionHistory"]
    assert history["truncated"] is True
    entry = history["entries"][0]
    assert entry["exceptionName"] == view.error.error_type
    assert entry["stacktrace"].startswith(f"{view.error.error_type}: ")
    assert entry["timestamp"] == ms(view.error_at)
    assert len(runtime.get(path)["exceptionHistory"]["entries"]) == 16
    healthy = runtime.get(f"/jobs/{runtime.jid()}/exceptions")
    assert healthy == {"exceptionHistory": {"entries": [], "truncated": False}}


def test_failed_job_hides_its_cause_one_level_down(runtime: Runtime) -> None:
    """Flink's last word is that it gave up; the task's own exception is in the list below."""
    runtime.set(HEALTHY, Phase.FAILED)
    error = runtime.view().error
    assert error is not None
    history = runtime.get(f"/jobs/{runtime.jid()}/exceptions?maxExceptions=1")["exceptionHistory"]
    entry = history["entries"][0]
    assert (entry["exceptionName"], history["truncated"]) == (
        "org.apache.flink.runtime.JobException",
        False,
    )
    assert f"Caused by: {error.error_type}: {error.text}" in entry["stacktrace"]
    assert entry["concurrentExceptions"][0]["exceptionName"] == error.error_type


def test_flink_1_also_has_the_root_exception() -> None:
    """Flink 2 dropped the fields that 1.13 had deprecated."""
    runtime = Runtime(version="1.13.6")
    runtime.set(HEALTHY, Phase.FAILED)
    body = runtime.get(f"/jobs/{runtime.jid()}/exceptions")
    assert body["root-exception"] == body["exceptionHistory"]["entries"][0]["stacktrace"]
    assert body["timestamp"] == ms(runtime.now)
    healthy = runtime.get(f"/jobs/{runtime.jid('session rollup')}/exceptions")
    assert healthy["root-exception"] is None
    assert "schedulerType" not in runtime.get(f"/jobs/{runtime.jid()}")
    assert "schedulerType" not in runtime.listed(HEALTHY)[0]


def test_source_tells_its_lag_where_the_connector_does(runtime: Runtime) -> None:
    """Every second source has the FLIP-33 metrics; names carry the operator."""
    name = "Source__input.currentEmitEventTimeLag"
    lag = runtime.view().lag_seconds
    assert lag is not None
    assert runtime.source_metrics(HEALTHY, name) == [{"id": name, "max": float(ms(lag))}]
    assert {"id": name} in runtime.source_metrics(HEALTHY)
    assert {"id": name} not in runtime.source_metrics("session rollup")


def test_watermark_is_behind_the_source(runtime: Runtime) -> None:
    """The source of an SQL job has no watermark; the assigner behind it and the sink have."""
    source = "Source__input[1].currentOutputWatermark"
    assigner = "WatermarkAssigner[2].currentOutputWatermark"
    rows = runtime.source_metrics("session rollup", f"{source},{assigner}")
    lag = runtime.view("session rollup").lag_seconds
    assert lag is not None
    watermark = float(ms(runtime.now - lag))
    assert rows == [{"id": source, "max": float(NO_WATERMARK)}, {"id": assigner, "max": watermark}]
    jid = runtime.jid("session rollup")
    sink = runtime.get(f"/jobs/{jid}")["vertices"][1]["id"]
    path = f"/jobs/{jid}/vertices/{sink}/subtasks/metrics?get=currentInputWatermark&agg=min,max"
    assert runtime.get(path) == [
        {"id": "currentInputWatermark", "min": watermark, "max": watermark}
    ]


def test_job_without_event_time_never_has_a_watermark(runtime: Runtime) -> None:
    """Every fifth job works without event time."""
    timeless = [runtime.fleet.add(f"added_{index}", runtime.now) for index in range(5)]
    name = next(view.name for view in timeless if view.number % 5 == 0)
    jid = runtime.jid(name)
    sink = runtime.get(f"/jobs/{jid}")["vertices"][1]["id"]
    path = f"/jobs/{jid}/vertices/{sink}/subtasks/metrics?get=currentInputWatermark&agg=max"
    assert runtime.get(path) == [{"id": "currentInputWatermark", "max": float(NO_WATERMARK)}]
    assert not [row for row in runtime.source_metrics(name) if "Lag" in row["id"]]


def test_vertices_have_no_metrics_while_their_tasks_do_not_run(runtime: Runtime) -> None:
    """A restarting job, an unknown vertex and an unknown job answer empty lists."""
    runtime.set(HEALTHY, Phase.RESTARTING)
    assert runtime.source_metrics(HEALTHY) == []
    nothing = "0" * 32
    assert runtime.get(f"/jobs/{runtime.jid()}/vertices/{nothing}/subtasks/metrics") == []
    assert runtime.get(f"/jobs/{nothing}/vertices/{nothing}/subtasks/metrics") == []


def test_cluster_in_numbers(runtime: Runtime) -> None:
    """The overview counts jobs by what became of them, the configuration tells the version."""
    runtime.set(HEALTHY, Phase.FAILED)
    overview = runtime.get("/overview")
    rows = runtime.get("/jobs/overview")["jobs"]
    failed = [row for row in rows if row["state"] == "FAILED"]
    assert overview["jobs-failed"] == len(failed)
    assert overview["flink-version"] == runtime.get("/config")["flink-version"] == "2.3.0"


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        (f"/jobs/{'0' * 32}", 404, "NotFoundException: Job 0000"),
        (f"/jobs/{'0' * 32}/checkpoints", 404, "NotFoundException"),
        (f"/jobs/{'0' * 32}/exceptions", 404, "NotFoundException"),
        ("/nothing", 404, "Unable to load requested file /nothing."),
        ("/jobs/xyz", 400, 'Cannot resolve path parameter (jobid) from value "xyz".'),
        (f"/jobs/{'0' * 32}/vertices/x/subtasks/metrics", 400, "(vertexid)"),
        ("/jobs/metrics?jobs=x", 400, "(jobs)"),
        ("/jobs/metrics?get=numRestarts&agg=median", 400, "(agg)"),
    ],
)
def test_errors_are_lists_of_texts(runtime: Runtime, path: str, status: int, text: str) -> None:
    """Every error has a list of errors."""
    got, error = runtime.refused(path)
    assert got == status
    assert text in error


def test_number_of_exceptions_has_to_be_a_number(runtime: Runtime) -> None:
    """A parameter that cannot be read is a bad request."""
    assert runtime.refused(f"/jobs/{runtime.jid()}/exceptions?maxExceptions=x")[0] == 400


@pytest.mark.parametrize(
    ("login", "authorization", "scheme"),
    [
        (FlinkLogin(username="u", password="p"), "Basic dTpw", "Basic"),
        (FlinkLogin(token="t"), "Bearer t", "Bearer"),
    ],
)
def test_login_is_asked_for(login: FlinkLogin, authorization: str, scheme: str) -> None:
    """A proxy in front of Flink wants the right password or token."""
    runtime = Runtime(access=login)
    assert runtime.response("/config", authorization=authorization).status_code == 200
    for wrong in ({}, {"authorization": "Basic eDp5"}):
        response = runtime.response("/config", **wrong)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith(scheme)
    assert runtime.faults.refused("401") == 2


def test_weather_reaches_flink(runtime: Runtime) -> None:
    """Outage, throttling by a proxy, and answers put in place of Flink's."""
    runtime.faults.outage = True
    assert runtime.refused("/config")[0] == 503
    runtime.faults.outage = False
    runtime.faults.throttling = True
    runtime.faults.retry_after = 7
    response = runtime.response("/config")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    runtime.faults.throttling = False
    runtime.faults.overrides["/jobs/{jid}"] = Canned(body=b"not json")
    assert runtime.response(f"/jobs/{runtime.jid()}").text == "not json"
    assert runtime.faults.count("/config") == 2
    assert runtime.faults.accepted("/jobs/{jid}") == 1
