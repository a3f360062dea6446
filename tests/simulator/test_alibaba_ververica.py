"""Flink's workspace API answers as documented: one envelope, failures in it, two time units."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from exporter.simulator.alibaba import ververica as alibaba_ververica
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from tests.simulator.alibaba_caller import Caller

KEY = AccessKey(key_id="testid", secret="testsecret")
START = 1_700_000_000.0
NAMESPACE = "/api/v2/namespaces/default"
DEPLOYMENTS = f"{NAMESPACE}/deployments"
JOBS = f"{NAMESPACE}/jobs"
WORKSPACE = {"workspace": "a14bd5d90a0001"}
HEALTHY = "device_telemetry"


class Runtime:
    """One simulated workspace of twelve deployments, and a caller."""

    def __init__(self) -> None:
        self.now = START + 1
        self.fleet = Fleet(seed=1, started_at=START)
        self.faults = FaultInjection(started_at=START)
        app = alibaba_ververica.build(
            fleet=self.fleet, faults=self.faults, clock=self.clock, access=Access(KEY)
        )
        self.caller = Caller(app, key=KEY, clock=self.clock, version="2022-07-18", extra=WORKSPACE)

    def clock(self) -> float:
        return self.now

    def response(
        self, action: str, path: str, query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return asyncio.run(self.caller.get(action, path, query))

    def get(self, action: str, path: str, query: Mapping[str, str] | None = None) -> Any:
        response = self.response(action, path, query)
        assert response.status_code == 200, response.text
        return response.json()

    def deployments(self, **query: str) -> dict[str, Any]:
        page = self.get("ListDeployments", DEPLOYMENTS, {"pageSize": "100", **query})
        assert page["success"] is True
        return {row["name"]: row for row in page["data"]}

    def jobs(self, name: str = HEALTHY, **query: str) -> list[Any]:
        identifier = self.deployments()[name]["deploymentId"]
        newest_first = {"sortName": "gmt_create", "sortOrder": "desc"}
        page = self.get("ListJobs", JOBS, {"deploymentId": identifier, **newest_first, **query})
        rows = page["data"]
        assert isinstance(rows, list)
        return rows

    def set(self, name: str, phase: Phase) -> None:
        self.fleet.set_phase(name, phase, self.now)


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


def test_deployments_are_listed_in_an_envelope(runtime: Runtime) -> None:
    """The envelope says success, 200 and how many there are."""
    page = runtime.get("ListDeployments", DEPLOYMENTS, {"pageSize": "100"})
    assert (page["success"], page["httpCode"], page["errorCode"] in ("", '""')) == (True, 200, True)
    assert (page["pageIndex"], page["pageSize"]) == (1, 100)
    names = [row["name"] for row in page["data"]]
    assert page["totalSize"] == len(names) == len(set(names))
    assert {view.name for view in runtime.fleet.views(runtime.now)} == set(names)


def test_empty_error_code_comes_in_two_spellings(runtime: Runtime) -> None:
    """An empty code is sometimes two quote characters."""
    spellings = {runtime.get("ListDeployments", DEPLOYMENTS)["errorCode"] for _ in range(20)}
    assert spellings == {"", '""'}


def test_pages_hold_ten_rows_unless_asked_otherwise(runtime: Runtime) -> None:
    """Pages count from 1, the default size is 10, and all pages make up the list."""
    pages = [
        runtime.get("ListDeployments", DEPLOYMENTS, {"pageIndex": str(index)})["data"]
        for index in (1, 2, 3)
    ]
    assert [len(page) for page in pages] == [10, len(runtime.deployments()) - 10, 0]
    assert {row["name"] for page in pages for row in page} == set(runtime.deployments())


@pytest.mark.parametrize("query", [{"pageSize": "101"}, {"pageSize": "0"}, {"pageIndex": "0"}])
def test_page_out_of_bounds_fails_inside_the_envelope(
    runtime: Runtime, query: dict[str, str]
) -> None:
    """HTTP says 200, httpCode says 200, success says false."""
    page = runtime.get("ListDeployments", DEPLOYMENTS, query)
    assert (page["success"], page["httpCode"]) == (False, 200)
    assert (page["errorCode"], "data" in page) == ("INVALID_PARAMETER", False)


def test_workspace_header_is_required(runtime: Runtime) -> None:
    """Without the header the gateway refuses; with a wrong one the product does."""
    del runtime.caller.extra["workspace"]
    response = runtime.response("ListDeployments", DEPLOYMENTS)
    assert (response.status_code, response.json()["Code"]) == (400, "MissingParameter")
    runtime.caller.extra["workspace"] = "other"
    page = runtime.get("ListDeployments", DEPLOYMENTS)
    assert (page["success"], page["errorCode"]) == (False, "990301")


@pytest.mark.parametrize(
    ("action", "path", "query", "code"),
    [
        ("ListDeployments", "/api/v2/namespaces/x/deployments", {}, "990301"),
        ("ListDeployments", DEPLOYMENTS, {"status": "STARTING"}, "INVALID_PARAMETER"),
        ("ListJobs", JOBS, {"deploymentId": "x"}, "990301"),
        ("GetDeployment", f"{DEPLOYMENTS}/x", {}, "990301"),
        ("GetJob", f"{JOBS}/x", {}, "990301"),
    ],
)
def test_failures_of_the_product_are_http_200(
    runtime: Runtime, action: str, path: str, query: dict[str, str], code: str
) -> None:
    """What does not exist is told inside the envelope."""
    page = runtime.get(action, path, query)
    assert (page["success"], page["errorCode"]) == (False, code)


def test_list_jobs_needs_a_deployment(runtime: Runtime) -> None:
    """There is no listing of all jobs."""
    response = runtime.response("ListJobs", JOBS)
    assert (response.status_code, response.json()["Code"]) == (400, "MissingParameter")


def test_gateway_errors_are_json_whatever_is_accepted(runtime: Runtime) -> None:
    """This product knows no XML."""
    runtime.caller.extra["accept"] = "*/*"
    runtime.faults.throttling = True
    response = runtime.response("ListDeployments", DEPLOYMENTS)
    assert (response.status_code, response.json()["Code"]) == (400, "Throttling.User")


@pytest.mark.parametrize(
    ("phase", "status", "filter_status"),
    [
        (Phase.STARTING, "STARTING", "TRANSITIONING"),
        (Phase.RUNNING, "RUNNING", "RUNNING"),
        (Phase.RESTARTING, "RUNNING", "RUNNING"),
        (Phase.FAILED, "FAILED", "FAILED"),
        (Phase.STOPPING, "CANCELLING", "TRANSITIONING"),
        (Phase.STOPPED, "CANCELLED", "CANCELLED"),
        (Phase.SUSPENDED, "CANCELLED", "CANCELLED"),
        (Phase.FINISHED, "FINISHED", "FINISHED"),
    ],
)
def test_status_of_the_latest_job(
    runtime: Runtime, phase: Phase, status: str, filter_status: str
) -> None:
    """The latest job has the status, and the filter of the listing goes by it."""
    runtime.set(HEALTHY, phase)
    assert runtime.jobs()[0]["status"]["currentJobStatus"] == status
    for word in ("RUNNING", "FAILED", "CANCELLED", "FINISHED", "TRANSITIONING"):
        assert (HEALTHY in runtime.deployments(status=word)) == (word == filter_status)


def test_running_job_tells_its_restarts_and_health(runtime: Runtime) -> None:
    """`running` is there while the job runs, and names what Flink itself says."""
    runtime.set(HEALTHY, Phase.RESTARTING)
    status = runtime.jobs()[0]["status"]
    assert status["running"] == {
        "observedFlinkJobStatus": "RESTARTING",
        "observedFlinkJobRestarts": 1,
    }
    assert (status["healthScore"], status["riskLevel"]) == (40, "RISK_LEVEL_HIGH")
    assert "failure" not in status
    assert "healthScore" not in runtime.jobs("session rollup")[0]["status"]


def test_failed_job_tells_why(runtime: Runtime) -> None:
    """`failure` has a reason, a message and a time; `running` is gone."""
    runtime.now += 5
    runtime.set(HEALTHY, Phase.FAILED)
    job = runtime.jobs()[0]
    view = runtime.fleet.named(HEALTHY, runtime.now)
    assert view is not None
    assert view.error is not None
    assert job["status"]["failure"] == {
        "reason": view.error.error_type.rpartition(".")[2],
        "message": view.error.text,
        "failedAt": round(1000 * runtime.now),
    }
    assert "running" not in job["status"]


def test_times_are_seconds_for_some_jobs_and_milliseconds_for_others(runtime: Runtime) -> None:
    """The unit is not documented, so the sizes differ; createdAt is a string in both."""
    milliseconds, seconds = runtime.jobs(HEALTHY)[0], runtime.jobs("session rollup")[0]
    assert len(str(milliseconds["startTime"])) == 13
    assert len(str(seconds["startTime"])) == 10
    assert milliseconds["createdAt"] == str(milliseconds["startTime"])
    assert seconds["createdAt"] == str(seconds["startTime"])
    assert milliseconds["endTime"] == 0
    assert "endTime" not in seconds


def test_each_start_is_a_new_job_and_the_old_ones_stay(runtime: Runtime) -> None:
    """Jobs are listed newest first by whom asks so, and one can ask for just one of them."""
    first = runtime.jobs()[0]
    runtime.now += 60
    runtime.set(HEALTHY, Phase.FAILED)
    runtime.now += 60
    runtime.set(HEALTHY, Phase.RUNNING)
    second, old = runtime.jobs()
    assert second["jobId"] != first["jobId"] == old["jobId"]
    assert old["status"]["currentJobStatus"] == "FAILED"
    assert old["endTime"] == round(1000 * (runtime.now - 60))
    assert [job["jobId"] for job in runtime.jobs(pageSize="1")] == [second["jobId"]]
    for unsorted in ({"sortOrder": "ASC"}, {"sortOrder": ""}, {"sortName": ""}):
        assert [job["jobId"] for job in runtime.jobs(**unsorted)] == [
            old["jobId"],
            second["jobId"],
        ]
    assert runtime.get("GetJob", f"{JOBS}/{old['jobId']}")["data"] == old


def test_job_summary_counts_history(runtime: Runtime) -> None:
    """A job that failed and runs again still counts as failed once."""
    runtime.set(HEALTHY, Phase.FAILED)
    runtime.now += 60
    runtime.set(HEALTHY, Phase.RUNNING)
    summary = runtime.deployments()[HEALTHY]["jobSummary"]
    assert (summary["failed"], summary["running"]) == (1, 1)
    assert HEALTHY not in runtime.deployments(status="FAILED")


def test_job_deployed_again_while_it_runs_leaves_a_cancelled_one(runtime: Runtime) -> None:
    """A run that was replaced ended when its successor was submitted."""
    runtime.now = START + 545  # orders_enrichment is being scaled up.
    new, old = runtime.jobs("orders_enrichment")
    assert new["status"]["currentJobStatus"] == "STARTING"
    assert old["status"]["currentJobStatus"] == "CANCELLED"
    assert old["endTime"] == new["startTime"] == round(1000 * (START + 540))


def test_deployment_started_anew_under_its_name_is_one_deployment(runtime: Runtime) -> None:
    """Two jobs of one name belong to one deployment."""
    runtime.now = START + 815
    new, old = runtime.jobs("fraud_scoring")
    assert new["status"]["currentJobStatus"] == "STARTING"
    assert old["status"]["currentJobStatus"] == "CANCELLED"


def test_draft_has_no_job(runtime: Runtime) -> None:
    """A deployment that was never started has an empty list and a summary of zeros."""
    assert runtime.jobs("recommendations_v2") == []
    summary = runtime.deployments()["recommendations_v2"]["jobSummary"]
    assert set(summary.values()) == {0}


def test_details_agree_with_the_listing(runtime: Runtime) -> None:
    """GetDeployment gives what the listing gave."""
    listed = runtime.deployments()[HEALTHY]
    got = runtime.get("GetDeployment", f"{DEPLOYMENTS}/{listed['deploymentId']}")["data"]
    assert got == listed
    assert got["createdAt"].isdigit()
    assert "hunter2-do-not-export" in got["flinkConf"]["fs.oss.accessKeySecret"]


def test_mode_is_spelled_two_ways(runtime: Runtime) -> None:
    """A deployment says STREAMING, its job STREAM; both say BATCH."""
    assert runtime.deployments()[HEALTHY]["executionMode"] == "STREAMING"
    assert runtime.jobs()[0]["executionMode"] == "STREAM"
    assert set(runtime.deployments(executionMode="BATCH")) == {"每日对账"}
    assert runtime.jobs("每日对账")[0]["executionMode"] == "BATCH"


def test_deployments_can_be_found_by_name(runtime: Runtime) -> None:
    """The name filter matches parts of names, blanks and Chinese included."""
    assert set(runtime.deployments(name="session r")) == {"session rollup"}
    assert set(runtime.deployments(name="对账")) == {"每日对账"}


class TestFlinkApiProxy:
    """What a run's Flink says comes as a text, whatever it is."""

    def ask(self, runtime: Runtime, path: str, **changed: str) -> Any:
        (run,) = runtime.jobs(pageSize="1")
        query = {
            "flinkApiPath": path,
            "namespace": "default",
            "resourceId": run["jobId"],
            "resourceType": "jobs",
        } | changed
        return runtime.get("FlinkApiProxy", "/flink-ui/v2/proxy", query)

    def test_flink_of_a_run_has_one_job_of_another_id(self) -> None:
        runtime = Runtime()
        runtime.now = START + 60
        answer = self.ask(runtime, "/jobs/overview")
        (job,) = json.loads(answer["data"])["jobs"]
        (run,) = runtime.jobs(pageSize="1")
        assert len(job["jid"]) == 32
        assert job["jid"] != run["jobId"].replace("-", "")
        told = json.loads(self.ask(runtime, f"/jobs/{job['jid']}")["data"])
        assert told["jid"] == job["jid"]

    def test_query_within_the_path_is_passed_on(self) -> None:
        runtime = Runtime()
        runtime.now = START + 60
        (job,) = json.loads(self.ask(runtime, "/jobs/overview")["data"])["jobs"]
        path = f"/jobs/{job['jid']}/metrics?get=numRestarts"
        (metric,) = json.loads(self.ask(runtime, path)["data"])
        assert metric["id"] == "numRestarts"

    def test_error_of_flink_is_a_text_too(self) -> None:
        runtime = Runtime()
        runtime.now = START + 60
        for path in (f"/jobs/{'a' * 32}", "/nowhere"):
            answer = self.ask(runtime, path)
            assert answer["success"] is True
            assert "errors" in json.loads(answer["data"])

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"resourceId": "nobody"}, "990301"),
            ({"namespace": "other"}, "990301"),
            ({"resourceType": "clusters"}, "INVALID_PARAMETER"),
        ],
    )
    def test_what_is_not_there_is_a_failure_within_a_success(
        self, changed: dict[str, str], code: str
    ) -> None:
        runtime = Runtime()
        runtime.now = START + 60
        answer = self.ask(runtime, "/jobs/overview", **changed)
        assert (answer["success"], answer["errorCode"]) == (False, code)
