"""Flink's workspace API answers as documented: one envelope, failures in it, two time units."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from exporter.simulator.alibaba import ververica as alibaba_ververica
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.weather import Weather
from tests.simulator.alibaba_caller import Caller

KEY = AccessKey(key_id="testid", secret="testsecret")
START = 1_700_000_000.0
NAMESPACE = "/api/v2/namespaces/default"
DEPLOYMENTS = f"{NAMESPACE}/deployments"
JOBS = f"{NAMESPACE}/jobs"
WORKSPACE = {"workspace": "a14bd5d90a0001"}
HEALTHY = "device_telemetry"


class World:
    """One simulated workspace of twelve deployments, and a caller."""

    def __init__(self) -> None:
        self.now = START + 1
        self.fleet = Fleet(seed=1, started_at=START)
        self.weather = Weather(started_at=START)
        app = alibaba_ververica.build(
            fleet=self.fleet, weather=self.weather, clock=self.clock, access=Access(KEY)
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
        page = self.get("ListJobs", JOBS, {"deploymentId": identifier, **query})
        rows = page["data"]
        assert isinstance(rows, list)
        return rows

    def set(self, name: str, phase: Phase) -> None:
        self.fleet.set_phase(name, phase, self.now)


@pytest.fixture
def world() -> World:
    return World()


def test_deployments_are_listed_in_an_envelope(world: World) -> None:
    """The envelope says success, 200 and how many there are."""
    page = world.get("ListDeployments", DEPLOYMENTS, {"pageSize": "100"})
    assert (page["success"], page["httpCode"], page["errorCode"] in ("", '""')) == (True, 200, True)
    assert (page["pageIndex"], page["pageSize"]) == (1, 100)
    names = [row["name"] for row in page["data"]]
    assert page["totalSize"] == len(names) == len(set(names))
    assert {view.name for view in world.fleet.views(world.now)} == set(names)


def test_empty_error_code_comes_in_two_spellings(world: World) -> None:
    """An empty code is sometimes two quote characters."""
    spellings = {world.get("ListDeployments", DEPLOYMENTS)["errorCode"] for _ in range(20)}
    assert spellings == {"", '""'}


def test_pages_hold_ten_rows_unless_asked_otherwise(world: World) -> None:
    """Pages count from 1, the default size is 10, and all pages make up the list."""
    pages = [
        world.get("ListDeployments", DEPLOYMENTS, {"pageIndex": str(index)})["data"]
        for index in (1, 2, 3)
    ]
    assert [len(page) for page in pages] == [10, len(world.deployments()) - 10, 0]
    assert {row["name"] for page in pages for row in page} == set(world.deployments())


@pytest.mark.parametrize("query", [{"pageSize": "101"}, {"pageSize": "0"}, {"pageIndex": "0"}])
def test_page_out_of_bounds_fails_inside_the_envelope(world: World, query: dict[str, str]) -> None:
    """HTTP says 200, httpCode says 200, success says false."""
    page = world.get("ListDeployments", DEPLOYMENTS, query)
    assert (page["success"], page["httpCode"]) == (False, 200)
    assert (page["errorCode"], "data" in page) == ("INVALID_PARAMETER", False)


def test_workspace_header_is_required(world: World) -> None:
    """Without the header the gateway refuses; with a wrong one the product does."""
    del world.caller.extra["workspace"]
    response = world.response("ListDeployments", DEPLOYMENTS)
    assert (response.status_code, response.json()["Code"]) == (400, "MissingParameter")
    world.caller.extra["workspace"] = "other"
    page = world.get("ListDeployments", DEPLOYMENTS)
    assert (page["success"], page["errorCode"]) == (False, "WORKSPACE_NOT_FOUND")


@pytest.mark.parametrize(
    ("action", "path", "query", "code"),
    [
        ("ListDeployments", "/api/v2/namespaces/x/deployments", {}, "NAMESPACE_NOT_FOUND"),
        ("ListDeployments", DEPLOYMENTS, {"status": "STARTING"}, "INVALID_PARAMETER"),
        ("ListJobs", JOBS, {"deploymentId": "x"}, "DEPLOYMENT_NOT_FOUND"),
        ("GetDeployment", f"{DEPLOYMENTS}/x", {}, "DEPLOYMENT_NOT_FOUND"),
        ("GetJob", f"{JOBS}/x", {}, "JOB_NOT_FOUND"),
    ],
)
def test_failures_of_the_product_are_http_200(
    world: World, action: str, path: str, query: dict[str, str], code: str
) -> None:
    """What does not exist is told inside the envelope."""
    page = world.get(action, path, query)
    assert (page["success"], page["errorCode"]) == (False, code)


def test_list_jobs_needs_a_deployment(world: World) -> None:
    """There is no listing of all jobs."""
    response = world.response("ListJobs", JOBS)
    assert (response.status_code, response.json()["Code"]) == (400, "MissingParameter")


def test_gateway_errors_are_json_whatever_is_accepted(world: World) -> None:
    """This product knows no XML."""
    world.caller.extra["accept"] = "*/*"
    world.weather.throttling = True
    response = world.response("ListDeployments", DEPLOYMENTS)
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
    world: World, phase: Phase, status: str, filter_status: str
) -> None:
    """The latest job has the status, and the filter of the listing goes by it."""
    world.set(HEALTHY, phase)
    assert world.jobs()[0]["status"]["currentJobStatus"] == status
    for word in ("RUNNING", "FAILED", "CANCELLED", "FINISHED", "TRANSITIONING"):
        assert (HEALTHY in world.deployments(status=word)) == (word == filter_status)


def test_running_job_tells_its_restarts_and_health(world: World) -> None:
    """`running` is there while the job runs, and names what Flink itself says."""
    world.set(HEALTHY, Phase.RESTARTING)
    status = world.jobs()[0]["status"]
    assert status["running"] == {
        "observedFlinkJobStatus": "RESTARTING",
        "observedFlinkJobRestarts": 1,
    }
    assert (status["healthScore"], status["riskLevel"]) == (40, "RISK_LEVEL_HIGH")
    assert "failure" not in status
    assert "healthScore" not in world.jobs("session rollup")[0]["status"]


def test_failed_job_tells_why(world: World) -> None:
    """`failure` has a reason, a message and a time; `running` is gone."""
    world.now += 5
    world.set(HEALTHY, Phase.FAILED)
    job = world.jobs()[0]
    view = world.fleet.named(HEALTHY, world.now)
    assert view is not None
    assert view.error is not None
    assert job["status"]["failure"] == {
        "reason": view.error.error_type.rpartition(".")[2],
        "message": view.error.text,
        "failedAt": round(1000 * world.now),
    }
    assert "running" not in job["status"]


def test_times_are_seconds_for_some_jobs_and_milliseconds_for_others(world: World) -> None:
    """The unit is not documented, so the sizes differ; createdAt is a string in both."""
    milliseconds, seconds = world.jobs(HEALTHY)[0], world.jobs("session rollup")[0]
    assert len(str(milliseconds["startTime"])) == 13
    assert len(str(seconds["startTime"])) == 10
    assert milliseconds["createdAt"] == str(milliseconds["startTime"])
    assert seconds["createdAt"] == str(seconds["startTime"])
    assert milliseconds["endTime"] == 0
    assert "endTime" not in seconds


def test_each_start_is_a_new_job_and_the_old_ones_stay(world: World) -> None:
    """Jobs are listed newest first, and one can ask for just one of them."""
    first = world.jobs()[0]
    world.now += 60
    world.set(HEALTHY, Phase.FAILED)
    world.now += 60
    world.set(HEALTHY, Phase.RUNNING)
    second, old = world.jobs()
    assert second["jobId"] != first["jobId"] == old["jobId"]
    assert old["status"]["currentJobStatus"] == "FAILED"
    assert old["endTime"] == round(1000 * (world.now - 60))
    assert [job["jobId"] for job in world.jobs(pageSize="1")] == [second["jobId"]]
    assert [job["jobId"] for job in world.jobs(sortOrder="ASC")] == [old["jobId"], second["jobId"]]
    assert world.get("GetJob", f"{JOBS}/{old['jobId']}")["data"] == old


def test_job_summary_counts_history(world: World) -> None:
    """A job that failed and runs again still counts as failed once."""
    world.set(HEALTHY, Phase.FAILED)
    world.now += 60
    world.set(HEALTHY, Phase.RUNNING)
    summary = world.deployments()[HEALTHY]["jobSummary"]
    assert (summary["failed"], summary["running"]) == (1, 1)
    assert HEALTHY not in world.deployments(status="FAILED")


def test_job_deployed_again_while_it_runs_leaves_a_cancelled_one(world: World) -> None:
    """A run that was replaced ended when its successor was submitted."""
    world.now = START + 545  # orders_enrichment is being scaled up.
    new, old = world.jobs("orders_enrichment")
    assert new["status"]["currentJobStatus"] == "STARTING"
    assert old["status"]["currentJobStatus"] == "CANCELLED"
    assert old["endTime"] == new["startTime"] == round(1000 * (START + 540))


def test_deployment_started_anew_under_its_name_is_one_deployment(world: World) -> None:
    """Two jobs of one name belong to one deployment."""
    world.now = START + 815
    new, old = world.jobs("fraud_scoring")
    assert new["status"]["currentJobStatus"] == "STARTING"
    assert old["status"]["currentJobStatus"] == "CANCELLED"


def test_draft_has_no_job(world: World) -> None:
    """A deployment that was never started has an empty list and a summary of zeros."""
    assert world.jobs("recommendations_v2") == []
    summary = world.deployments()["recommendations_v2"]["jobSummary"]
    assert set(summary.values()) == {0}


def test_details_agree_with_the_listing(world: World) -> None:
    """GetDeployment gives what the listing gave."""
    listed = world.deployments()[HEALTHY]
    got = world.get("GetDeployment", f"{DEPLOYMENTS}/{listed['deploymentId']}")["data"]
    assert got == listed
    assert got["createdAt"].isdigit()
    assert "hunter2-do-not-export" in got["flinkConf"]["fs.oss.accessKeySecret"]


def test_mode_is_spelled_two_ways(world: World) -> None:
    """A deployment says STREAMING, its job STREAM; both say BATCH."""
    assert world.deployments()[HEALTHY]["executionMode"] == "STREAMING"
    assert world.jobs()[0]["executionMode"] == "STREAM"
    assert set(world.deployments(executionMode="BATCH")) == {"每日对账"}
    assert world.jobs("每日对账")[0]["executionMode"] == "BATCH"


def test_deployments_can_be_found_by_name(world: World) -> None:
    """The name filter matches parts of names, blanks and Chinese included."""
    assert set(world.deployments(name="session r")) == {"session rollup"}
    assert set(world.deployments(name="对账")) == {"每日对账"}
