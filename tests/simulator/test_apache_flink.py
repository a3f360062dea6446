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
from exporter.simulator.fleet.fleet import Fleet, Phase, View
from exporter.simulator.weather import Canned, Weather

START = 1_700_000_000.0
HEALTHY = "device_telemetry"
RECORDED = Path(__file__).parents[1] / "fixtures" / "apache_flink" / "recorded"
NO_WATERMARK = -(2**63)


class World:
    """One simulated cluster of twelve jobs, and a browser."""

    def __init__(self, **options: Any) -> None:
        self.now = START + 1
        self.fleet = Fleet(seed=1, started_at=START)
        self.weather = Weather(started_at=START)
        self.cluster = Cluster(self.fleet)
        self.app = apache_flink.build(
            fleet=self.fleet,
            weather=self.weather,
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
def world() -> World:
    return World()


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


def test_overview_lists_every_job_but_drafts(world: World) -> None:
    """One row per job, with the fields of a real cluster."""
    row = world.listed(HEALTHY)[0]
    view = world.view()
    assert view.submitted_at is not None
    assert len(row["jid"]) == 32
    assert (row["state"], row["end-time"]) == ("RUNNING", -1)
    assert row["start-time"] == ms(view.submitted_at)
    assert row["duration"] == ms(world.now) - row["start-time"]
    assert row["tasks"]["total"] == row["tasks"]["running"] == 2 * view.parallelism
    assert world.listed("recommendations_v2") == []


@pytest.mark.parametrize(
    ("name", "phase"),
    [("running", Phase.RUNNING), ("crash_looping", Phase.RESTARTING), ("failed", Phase.FAILED)],
)
def test_shapes_are_those_of_a_real_cluster(world: World, name: str, phase: Phase) -> None:
    """Every object has the keys that Flink 2.3.0 gave it when it was recorded."""
    world.now += 10
    world.set(HEALTHY, phase)
    job = f"/jobs/{world.jid()}"
    paths = {
        "job": job,
        "checkpoints": f"{job}/checkpoints",
        "exceptions": f"{job}/exceptions?maxExceptions=1",
    }
    ours = {file: shape(world.get(path)) for file, path in paths.items()}
    theirs = {file: shape(recorded(f"{name}/{file}.json")) for file in paths}
    # A job that crashes before its first checkpoint, as the recorded ones did, completes none.
    for answer in (ours, theirs):
        for moving in ("plan", "latest", "history"):
            answer["job"].pop(moving, None)
            answer["checkpoints"].pop(moving, None)
    assert ours == theirs


def test_shapes_of_the_cluster_are_those_of_a_real_one(world: World) -> None:
    """The overviews have the keys of the recorded ones, and so has a completed checkpoint."""
    row = recorded("jobs_overview.json")["jobs"][0]
    assert shape(world.listed(HEALTHY)[0]) == shape(row)
    assert shape(world.get("/overview")) == shape(recorded("overview.json"))
    assert shape(world.get("/config")) == shape(recorded("config.json"))
    latest = recorded("running/checkpoints.json")["latest"]
    ours = world.get(f"/jobs/{world.jid()}/checkpoints")["latest"]
    assert shape(ours) == shape(latest)
    failed = recorded("failed/checkpoints.json")["latest"]["failed"]
    world.set(HEALTHY, Phase.RESTARTING)
    ours = world.get(f"/jobs/{world.jid()}/checkpoints")["latest"]
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
def test_states_of_job_and_tasks(world: World, phase: Phase, state: str, task_state: str) -> None:
    """Overview and details agree about the state, the tasks follow it."""
    world.now += 10
    world.set(HEALTHY, phase)
    row = world.listed(HEALTHY)[0]
    details = world.get(f"/jobs/{row['jid']}")
    assert row["state"] == details["state"] == state
    assert details["timestamps"][state] > 0
    assert details["vertices"][0]["status"] == task_state
    assert details["vertices"][0]["tasks"][task_state] > 0
    assert row["tasks"][task_state.lower()] > 0
    assert sum(details["status-counts"].values()) == 2
    ended = state in ("FAILED", "CANCELED", "SUSPENDED", "FINISHED")
    assert (row["end-time"] == ms(world.now)) == ended == (details["end-time"] != -1)


def test_details_have_the_timestamps_of_all_states(world: World) -> None:
    """A state that never was has the timestamp 0."""
    details = world.get(f"/jobs/{world.jid()}")
    assert len(details["timestamps"]) == 11
    assert details["timestamps"]["FAILED"] == 0
    assert details["now"] == ms(world.now)
    assert details["vertices"][0]["parallelism"] == world.view().parallelism


def test_initializing_job_has_no_graph_yet(world: World) -> None:
    """While it initializes there are no vertices, no metrics, and checkpoints are a 500."""
    world.set(HEALTHY, Phase.STOPPED)
    world.now += 1
    world.set(HEALTHY, Phase.STARTING)
    row = world.listed(HEALTHY)[0]
    assert (row["state"], row["tasks"]["total"]) == ("INITIALIZING", 0)
    assert world.get(f"/jobs/{row['jid']}")["vertices"] == []
    assert world.get(f"/jobs/{row['jid']}/metrics?get=numRestarts") == []
    status, error = world.refused(f"/jobs/{row['jid']}/checkpoints")
    assert (status, error) == (500, "Internal server error.")


def test_new_run_has_a_new_id_and_the_old_one_stays_listed(world: World) -> None:
    """A job that is started again is another job to Flink."""
    first = world.jid()
    world.now += 60
    world.set(HEALTHY, Phase.FAILED)
    world.now += 60
    world.set(HEALTHY, Phase.RUNNING)
    new, old = world.listed(HEALTHY)
    assert (old["jid"], old["state"]) == (first, "FAILED")
    assert (new["jid"] != first, new["state"]) == (True, "RUNNING")
    assert world.get(f"/jobs/{first}")["state"] == "FAILED"


def test_restarted_job_manager_forgets_ended_jobs(world: World) -> None:
    """Jobs that are alive are recovered; the others are gone, also by id."""
    world.set(HEALTHY, Phase.FAILED)
    ended = world.jid()
    alive = world.jid("session rollup")
    world.now += 1
    world.cluster.restart_job_manager(world.now)
    assert world.listed(HEALTHY) == []
    assert world.refused(f"/jobs/{ended}")[0] == 404
    assert world.jid("session rollup") == alive
    assert world.app.state.cluster is world.cluster


def test_ended_jobs_are_kept_for_a_while() -> None:
    """The job store expires."""
    fleet = Fleet(seed=1, started_at=START)
    fleet.set_phase(HEALTHY, Phase.FAILED, START + 1)
    cluster = Cluster(fleet, retention=3600)
    soon = [job.run.name for job in cluster.jobs(START + 3600)]
    later = [job.run.name for job in cluster.jobs(START + 3602)]
    assert (HEALTHY in soon, HEALTHY in later) == (True, False)


def test_ids_repeat_with_the_seed(world: World) -> None:
    """Two simulations of one seed have the same jobs."""
    assert world.get("/jobs/overview") == World().get("/jobs/overview")


def test_job_metrics_are_strings(world: World) -> None:
    """Values are strings, unknown names are left out, no name lists what there is."""
    world.set(HEALTHY, Phase.RESTARTING)
    path = f"/jobs/{world.jid()}/metrics"
    assert world.get(f"{path}?get=numRestarts,nonsense") == [{"id": "numRestarts", "value": "1"}]
    assert {"id": "restartingTime"} in world.get(path)


def test_ended_jobs_have_no_metrics(world: World) -> None:
    """An ended job answers an empty list, though not at once; so does one that never was."""
    world.set(HEALTHY, Phase.STOPPED)
    lingering = world.get(f"/jobs/{world.jid()}/metrics?get=numRestarts,runningTime")
    assert [row["value"] for row in lingering] == ["0", "0"]
    world.now += 10
    assert world.get(f"/jobs/{world.jid()}/metrics?get=numRestarts") == []
    assert world.get(f"/jobs/{'0' * 32}/metrics?get=numRestarts") == []


def test_metrics_aggregate_over_jobs(world: World) -> None:
    """Aggregates are numbers, over all jobs or the chosen ones."""
    world.set(HEALTHY, Phase.RESTARTING)
    chosen = f"{world.jid()},{world.jid('session rollup')}"
    path = f"/jobs/metrics?get=numRestarts&jobs={chosen}"
    assert world.get(path) == [
        {"id": "numRestarts", "min": 0.0, "max": 1.0, "avg": 0.5, "sum": 1.0}
    ]
    assert world.get(f"{path}&agg=max") == [{"id": "numRestarts", "max": 1.0}]
    assert world.get("/jobs/metrics?get=nonsense") == []
    assert {"id": "numRestarts"} in world.get("/jobs/metrics")


def test_checkpoints_of_a_running_job(world: World) -> None:
    """One completes a minute; the latest has its times and size."""
    view = world.view()
    assert view.started_at is not None
    expected = int((world.now - view.started_at) // 60)
    statistics = world.get(f"/jobs/{world.jid()}/checkpoints")
    latest = statistics["latest"]["completed"]
    assert statistics["counts"]["completed"] == expected
    assert latest["latest_ack_timestamp"] <= ms(world.now) + latest["end_to_end_duration"]
    assert latest["latest_ack_timestamp"] > ms(world.now - 61)
    assert latest["state_size"] > 0
    wanted = "lastCheckpointDuration"
    metrics = world.get(f"/jobs/{world.jid()}/metrics?get={wanted}")
    assert metrics == [{"id": wanted, "value": str(latest["end_to_end_duration"])}]


def test_checkpoints_stop_while_a_job_restarts(world: World) -> None:
    """A crash loop completes nothing, and each restart fails one."""
    world.now = START + 300
    first = world.get(f"/jobs/{world.jid('clickstream_sessions')}/checkpoints")["counts"]
    world.now = START + 500
    second = world.get(f"/jobs/{world.jid('clickstream_sessions')}/checkpoints")["counts"]
    assert first["completed"] == second["completed"]
    assert second["failed"] - first["failed"] == 20


def test_job_without_checkpointing_is_a_404(world: World) -> None:
    """Where checkpointing is off, Flink has no statistics to show."""
    status, error = world.refused(f"/jobs/{world.jid('每日对账')}/checkpoints")
    assert status == 404
    assert "RestHandlerException: Checkpointing has not been enabled." in error


def test_young_job_has_no_checkpoint_yet(world: World) -> None:
    """Before the first checkpoint there is none, which the metrics write as -1."""
    world.fleet.add("young", world.now)
    jid = world.jid("young")
    assert world.get(f"/jobs/{jid}/checkpoints")["latest"]["completed"] is None
    metrics = world.get(f"/jobs/{jid}/metrics?get=lastCheckpointCompletedTimestamp")
    assert metrics[0]["value"] == "-1"


def test_exceptions_tell_the_latest_first(world: World) -> None:
    """Every restart has its entry; maxExceptions cuts them off and says so."""
    world.now = START + 300
    view = world.view("clickstream_sessions")
    assert view.error is not None
    assert view.error_at is not None
    path = f"/jobs/{world.jid('clickstream_sessions')}/exceptions"
    history = world.get(f"{path}?maxExceptions=1")["exceptionHistory"]
    assert history["truncated"] is True
    entry = history["entries"][0]
    assert entry["exceptionName"] == view.error.error_type
    assert entry["stacktrace"].startswith(f"{view.error.error_type}: ")
    assert entry["timestamp"] == ms(view.error_at)
    assert len(world.get(path)["exceptionHistory"]["entries"]) == 16
    healthy = world.get(f"/jobs/{world.jid()}/exceptions")
    assert healthy == {"exceptionHistory": {"entries": [], "truncated": False}}


def test_failed_job_hides_its_cause_one_level_down(world: World) -> None:
    """Flink's last word is that it gave up; the task's own exception is in the list below."""
    world.set(HEALTHY, Phase.FAILED)
    error = world.view().error
    assert error is not None
    history = world.get(f"/jobs/{world.jid()}/exceptions?maxExceptions=1")["exceptionHistory"]
    entry = history["entries"][0]
    assert (entry["exceptionName"], history["truncated"]) == (
        "org.apache.flink.runtime.JobException",
        False,
    )
    assert f"Caused by: {error.error_type}: {error.text}" in entry["stacktrace"]
    assert entry["concurrentExceptions"][0]["exceptionName"] == error.error_type


def test_flink_1_also_has_the_root_exception() -> None:
    """Flink 2 dropped the fields that 1.13 had deprecated."""
    world = World(version="1.13.6")
    world.set(HEALTHY, Phase.FAILED)
    body = world.get(f"/jobs/{world.jid()}/exceptions")
    assert body["root-exception"] == body["exceptionHistory"]["entries"][0]["stacktrace"]
    assert body["timestamp"] == ms(world.now)
    healthy = world.get(f"/jobs/{world.jid('session rollup')}/exceptions")
    assert healthy["root-exception"] is None
    assert "schedulerType" not in world.get(f"/jobs/{world.jid()}")
    assert "schedulerType" not in world.listed(HEALTHY)[0]


def test_source_tells_its_lag_where_the_connector_does(world: World) -> None:
    """Every second source has the FLIP-33 metrics; names carry the operator."""
    name = "Source__input.currentEmitEventTimeLag"
    lag = world.view().lag_seconds
    assert lag is not None
    assert world.source_metrics(HEALTHY, name) == [{"id": name, "max": float(ms(lag))}]
    assert {"id": name} in world.source_metrics(HEALTHY)
    assert {"id": name} not in world.source_metrics("session rollup")


def test_watermark_is_behind_the_source(world: World) -> None:
    """The source of an SQL job has no watermark; the assigner behind it and the sink have."""
    source = "Source__input[1].currentOutputWatermark"
    assigner = "WatermarkAssigner[2].currentOutputWatermark"
    rows = world.source_metrics("session rollup", f"{source},{assigner}")
    lag = world.view("session rollup").lag_seconds
    assert lag is not None
    watermark = float(ms(world.now - lag))
    assert rows == [{"id": source, "max": float(NO_WATERMARK)}, {"id": assigner, "max": watermark}]
    jid = world.jid("session rollup")
    sink = world.get(f"/jobs/{jid}")["vertices"][1]["id"]
    path = f"/jobs/{jid}/vertices/{sink}/subtasks/metrics?get=currentInputWatermark&agg=min,max"
    assert world.get(path) == [{"id": "currentInputWatermark", "min": watermark, "max": watermark}]


def test_job_without_event_time_never_has_a_watermark(world: World) -> None:
    """Every fifth job works without event time."""
    timeless = [world.fleet.add(f"added_{index}", world.now) for index in range(5)]
    name = next(view.name for view in timeless if view.number % 5 == 0)
    jid = world.jid(name)
    sink = world.get(f"/jobs/{jid}")["vertices"][1]["id"]
    path = f"/jobs/{jid}/vertices/{sink}/subtasks/metrics?get=currentInputWatermark&agg=max"
    assert world.get(path) == [{"id": "currentInputWatermark", "max": float(NO_WATERMARK)}]
    assert not [row for row in world.source_metrics(name) if "Lag" in row["id"]]


def test_vertices_have_no_metrics_while_their_tasks_do_not_run(world: World) -> None:
    """A restarting job, an unknown vertex and an unknown job answer empty lists."""
    world.set(HEALTHY, Phase.RESTARTING)
    assert world.source_metrics(HEALTHY) == []
    nothing = "0" * 32
    assert world.get(f"/jobs/{world.jid()}/vertices/{nothing}/subtasks/metrics") == []
    assert world.get(f"/jobs/{nothing}/vertices/{nothing}/subtasks/metrics") == []


def test_cluster_in_numbers(world: World) -> None:
    """The overview counts jobs by what became of them, the configuration tells the version."""
    world.set(HEALTHY, Phase.FAILED)
    overview = world.get("/overview")
    rows = world.get("/jobs/overview")["jobs"]
    failed = [row for row in rows if row["state"] == "FAILED"]
    assert overview["jobs-failed"] == len(failed)
    assert overview["flink-version"] == world.get("/config")["flink-version"] == "2.3.0"


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
def test_errors_are_lists_of_texts(world: World, path: str, status: int, text: str) -> None:
    """Every error has a list of errors."""
    got, error = world.refused(path)
    assert got == status
    assert text in error


def test_number_of_exceptions_has_to_be_a_number(world: World) -> None:
    """A parameter that cannot be read is a bad request."""
    assert world.refused(f"/jobs/{world.jid()}/exceptions?maxExceptions=x")[0] == 400


@pytest.mark.parametrize(
    ("login", "authorization", "scheme"),
    [
        (FlinkLogin(username="u", password="p"), "Basic dTpw", "Basic"),
        (FlinkLogin(token="t"), "Bearer t", "Bearer"),
    ],
)
def test_login_is_asked_for(login: FlinkLogin, authorization: str, scheme: str) -> None:
    """A proxy in front of Flink wants the right password or token."""
    world = World(access=login)
    assert world.response("/config", authorization=authorization).status_code == 200
    for wrong in ({}, {"authorization": "Basic eDp5"}):
        response = world.response("/config", **wrong)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith(scheme)
    assert world.weather.refused("401") == 2


def test_weather_reaches_flink(world: World) -> None:
    """Outage, throttling by a proxy, and answers put in place of Flink's."""
    world.weather.outage = True
    assert world.refused("/config")[0] == 503
    world.weather.outage = False
    world.weather.throttling = True
    world.weather.retry_after = 7
    response = world.response("/config")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    world.weather.throttling = False
    world.weather.overrides["/jobs/{jid}"] = Canned(body=b"not json")
    assert world.response(f"/jobs/{world.jid()}").text == "not json"
    assert world.weather.count("/config") == 2
    assert world.weather.accepted("/jobs/{jid}") == 1
