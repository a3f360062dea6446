"""The simulated Data Lake Insight shows Flink jobs as documented, quirks included."""

from typing import Any

import httpx
import pytest

from exporter.simulator.fault_injection import Canned, FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase, View
from exporter.simulator.huawei import dli as huawei_dli
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.dli_rows import FAKE_SECRET, JOB_TYPES, STATUSES
from tests.simulator.huawei_caller import KEY, NOW, PROJECT, SECRET, Clock, fetch, send

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"
LIGHT_FIELDS = {
    "job_id",
    "name",
    "desc",
    "user_name",
    "job_type",
    "status",
    "status_desc",
    "create_time",
    "duration",
    "root_id",
    "graph_editor_enabled",
    "has_savepoint",
}


class Runtime:
    """A DLI with a scripted fleet of the given size."""

    def __init__(self, jobs: int = 12) -> None:
        self.clock = Clock()
        self.fleet = Fleet(seed=1, started_at=NOW, jobs=jobs)
        self.faults = FaultInjection()
        self.app = huawei_dli.build(
            fleet=self.fleet,
            faults=self.faults,
            clock=self.clock,
            access=HuaweiAccess(keys={KEY: SECRET}),
            project_id=PROJECT,
        )

    def get(self, path: str = "", **parameters: str) -> httpx.Response:
        return fetch(self.app, JOBS + path, parameters)

    def rows(self, **parameters: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.get(**parameters).json()["job_list"]["jobs"]
        return rows

    def job(self, name: str) -> View:
        view = self.fleet.named(name, self.clock.now)
        assert view is not None
        return view

    def detail(self, name: str) -> dict[str, Any]:
        detail: dict[str, Any] = self.get(f"/{self.job(name).number}").json()["job_detail"]
        return detail

    def put(self, phase: Phase, name: str = "device_telemetry") -> View:
        self.fleet.set_phase(name, phase, self.clock.now)
        return self.job(name)


def test_a_list_has_ten_rows_unless_asked_for_more() -> None:
    """Whoever forgets the limit sees a part and no error."""
    runtime = Runtime(jobs=150)
    body = runtime.get().json()
    assert (body["is_success"], len(body["job_list"]["jobs"])) == ("true", 10)
    total = len(runtime.fleet.views(NOW))
    assert body["job_list"]["total_count"] == total
    pages = [runtime.rows(limit="100", offset=str(offset)) for offset in (0, 100, 200)]
    assert [len(page) for page in pages] == [100, total - 100, 0]
    assert len({row["job_id"] for page in pages for row in page}) == total


def test_the_offset_counts_rows_and_the_order_is_by_time() -> None:
    """Newest first unless asked otherwise."""
    runtime = Runtime()
    everything = runtime.rows(limit="100")
    assert runtime.rows(limit="3", offset="2") == everything[2:5]
    assert runtime.rows(limit="100", order="asc") == everything[::-1]
    times = [row["create_time"] for row in everything]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "101"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"offset": "-1"},
        {"order": "up"},
        {"status": "running"},
        {"job_type": "spark"},
        {"show_detail": "True"},
    ],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, str]) -> None:
    """With status 400 and a code of the service."""
    response = Runtime().get(**parameters)
    assert (response.status_code, response.json()["error_code"]) == (400, "DLI.0001")


def test_light_rows_have_the_documented_fields_only() -> None:
    """Neither start time nor queue are among them."""
    runtime = Runtime()
    assert all(set(row) == LIGHT_FIELDS for row in runtime.rows(limit="100"))
    draft = next(row for row in runtime.rows(limit="100") if row["status"] == "job_init")
    assert (draft["duration"], draft["root_id"]) == (0, -1)


def test_light_rows_tell_the_duration_in_milliseconds() -> None:
    """Of an ended run it does not grow any more."""
    runtime = Runtime()
    runtime.clock.now += 100
    rows = {row["name"]: row for row in runtime.rows(limit="100")}
    lagging, failed = runtime.job("orders_enrichment"), runtime.job("payments_dedup")
    assert rows["orders_enrichment"]["duration"] == 150_000
    assert lagging.started_at is not None
    assert failed.started_at is not None
    assert rows["payments_dedup"]["duration"] == int((NOW + 60 - failed.started_at) * 1000)


def test_rows_can_be_filtered() -> None:
    """By status, type and a part of the name."""
    runtime = Runtime()
    assert {row["status"] for row in runtime.rows(status="job_init")} == {"job_init"}
    assert {row["job_type"] for row in runtime.rows(job_type=JOB_TYPES[0])} == {JOB_TYPES[0]}
    assert [row["name"] for row in runtime.rows(name="对账")] == ["每日对账"]
    assert [row["name"] for row in runtime.rows(name="session rollup")] == ["session rollup"]
    assert runtime.rows(job_type="flink_sql_edge_job") == []


def test_detailed_rows_have_no_duration() -> None:
    """Each kind of row lacks what the other has."""
    row = Runtime().rows(show_detail="true")[0]
    assert not set(row) & {"duration", "root_id", "user_name"}
    assert row["job_config"]["parallel_number"] >= 1


def test_details_differ_between_jobs_as_the_examples_do() -> None:
    """Fields are null, absent or of another type, depending on the job."""
    runtime = Runtime()
    bodies = [runtime.get(f"/{view.number}").json() for view in runtime.fleet.views(NOW)]
    details = [body["job_detail"] for body in bodies]
    assert {str(type(body["is_success"])) for body in bodies} == {
        "<class 'str'>",
        "<class 'bool'>",
    }
    assert {"restart_times" in detail for detail in details} == {True, False}
    assert {detail["start_time"] is None for detail in details} == {True, False}
    versions = {d["job_config"].get("resource_config_version") for d in details}
    assert versions == {None, "v2"}
    assert {detail["project_id"] for detail in details} == {PROJECT}


def test_details_hold_secrets_to_trip_over() -> None:
    """Statements, arguments and configurations of real jobs do as well."""
    runtime = Runtime()
    details = [runtime.get(f"/{number}").json()["job_detail"] for number in (1, 2, 3)]
    assert all(FAKE_SECRET in str(detail) for detail in details)
    assert any(FAKE_SECRET in detail["sql_body"] for detail in details)
    assert any(FAKE_SECRET in (detail["entrypoint_args"] or "") for detail in details)


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        (Phase.DRAFT, "job_init"),
        (Phase.RUNNING, "job_running"),
        (Phase.RESTARTING, "job_running"),
        (Phase.FAILED, "job_running_exception"),
        (Phase.STOPPING, "job_canceling"),
        (Phase.STOPPED, "job_cancel_success"),
        (Phase.SUSPENDED, "job_arrearage_stopped"),
        (Phase.FINISHED, "job_finish"),
    ],
)
def test_a_phase_is_worded_as_dli_does(phase: Phase, status: str) -> None:
    """The word is in the documented vocabulary."""
    runtime = Runtime()
    runtime.put(phase)
    assert runtime.detail("device_telemetry")["status"] == status
    assert status in STATUSES


def test_statuses_that_depend_on_the_past() -> None:
    """Stuck stopping, recovering from arrears, failed before it ran, started in two ways."""
    runtime = Runtime()
    runtime.put(Phase.STOPPING)
    runtime.clock.now += 61
    assert runtime.detail("device_telemetry")["status"] == "job_cancel_fail"
    runtime.put(Phase.SUSPENDED)
    runtime.put(Phase.STARTING)
    assert runtime.detail("device_telemetry")["status"] == "job_arrearage_recovering"
    starting = set()
    for name in ("a", "b", "c"):
        runtime.fleet.add(name, runtime.clock.now, phase=Phase.STARTING)
        starting.add(runtime.detail(name)["status"])
        runtime.put(Phase.FAILED, name)
        assert runtime.detail(name)["status"] == "job_submit_fail"
    assert starting == {"job_submitting", "job_downloading"}


def test_a_failed_job_says_why() -> None:
    """In a free text, which is empty for other jobs."""
    runtime = Runtime()
    assert runtime.detail("device_telemetry")["status_desc"] == ""
    error = runtime.put(Phase.FAILED).error
    assert error is not None
    assert error.error_type in runtime.detail("device_telemetry")["status_desc"]


def test_a_missing_job_is_a_bad_request() -> None:
    """Status 400, not 404, in the language asked for."""
    runtime = Runtime()
    response = runtime.get("/999999")
    assert (response.status_code, response.json()) == (
        400,
        {"error_code": "DLI.16001", "error_msg": "The job does not exist."},
    )
    chinese = fetch(runtime.app, f"{JOBS}/999999", {}, X_Language="zh-cn")
    assert chinese.json()["error_msg"] == "作业不存在。"
    assert runtime.get("/device").json()["error_code"] == "DLI.0001"
    assert runtime.faults.refused("missing", huawei_dli.SHOW) == 2


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        (Phase.RUNNING, "RUNNING"),
        (Phase.RESTARTING, "RESTARTING"),
        (Phase.STOPPING, "CANCELLING"),
    ],
)
def test_the_plan_shows_the_finer_state(phase: Phase, state: str) -> None:
    """Its keys have hyphens and its end is -1."""
    runtime = Runtime()
    view = runtime.put(phase)
    graph = runtime.get(f"/{view.number}/execute-graph").json()["execute_graph"]
    assert (graph["state"], graph["end-time"], graph["name"]) == (state, -1, "")
    assert graph["duration"] == int(NOW * 1000) - graph["start-time"]
    assert set(graph) == {
        "jid",
        "name",
        "isStoppable",
        "state",
        "start-time",
        "end-time",
        "duration",
    }


def test_the_plan_of_some_jobs_has_the_fields_of_older_editions() -> None:
    """Vertices, timestamps and counts, as Flink's own interface has them."""
    runtime = Runtime()
    view = runtime.job("payments_dedup")
    graph = runtime.get(f"/{view.number}/execute-graph").json()["execute_graph"]
    assert graph["status-counts"]["RUNNING"] == len(graph["vertices"]) == 3
    assert graph["vertices"][0]["tasks"]["RUNNING"] == view.parallelism
    assert (graph["timestamps"]["FAILED"], graph["timestamps"]["RUNNING"]) == (
        0,
        graph["start-time"],
    )
    assert FAKE_SECRET in str(graph["plan"])


@pytest.mark.parametrize("phase", [Phase.DRAFT, Phase.STOPPED, Phase.FAILED, Phase.STARTING])
def test_a_job_that_does_not_run_has_no_plan(phase: Phase) -> None:
    """Asking for it is a bad request."""
    runtime = Runtime()
    response = runtime.get(f"/{runtime.put(phase).number}/execute-graph")
    assert (response.status_code, response.json()["error_code"]) == (400, "DLI.11098")


@pytest.mark.parametrize(("retry_after", "header"), [(None, None), (3, "3")])
def test_throttling_is_worded_as_the_gateway_does(
    retry_after: int | None, header: str | None
) -> None:
    """Retry-After is there when the service sends it."""
    runtime = Runtime()
    runtime.faults.throttling, runtime.faults.retry_after = True, retry_after
    response = runtime.get()
    assert (response.status_code, response.json()["error_code"]) == (429, "APIGW.0308")
    assert response.headers.get("Retry-After") == header


def test_an_outage_hides_everything() -> None:
    """Nobody's credentials are looked at meanwhile."""
    runtime = Runtime()
    runtime.faults.outage = True
    response = send(runtime.app, JOBS, {})
    assert (response.status_code, response.json()["error_msg"]) == (503, "Backend unavailable.")


def test_an_answer_can_be_replaced() -> None:
    """The log says so."""
    runtime = Runtime()
    runtime.faults.overrides[huawei_dli.LIST] = Canned(status=400, body=b"[]")
    assert runtime.get().text == "[]"
    assert runtime.faults.refused("overridden") == 1


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/x"), ("POST", JOBS)])
def test_another_path_or_method_does_not_exist(method: str, path: str) -> None:
    """The gateway answers before any authentication."""
    response = send(Runtime().app, path, {}, method=method)
    assert (response.status_code, response.json()["error_code"]) == (404, "APIGW.0101")
