"""The simulated JobManager refuses, asks for a login and fails as a real one does."""

import pytest

from exporter.simulator.apache_flink.service import FlinkLogin
from exporter.simulator.fault_injection import Canned
from exporter.simulator.fleet.fleet import Phase
from tests.simulator.apache_flink.flink_runtime import HEALTHY, Runtime


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
