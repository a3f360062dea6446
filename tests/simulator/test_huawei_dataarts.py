"""The simulated DataArts Factory shows real-time jobs in each of the published spellings."""

import json
from typing import Any

import httpx
import pytest

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase, View
from exporter.simulator.huawei import dataarts as huawei_dataarts
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.dataarts import Paging
from tests.simulator.huawei_caller import (
    KEY,
    NOW,
    PROJECT,
    SECRET,
    Clock,
    fetch,
    send,
    token_headers,
)

JOBS = f"/v1/{PROJECT}/jobs"


class Runtime:
    """A Factory of twelve stories with one named workspace."""

    def __init__(self, paging: Paging = Paging.ROWS, *, default_workspace: bool = True) -> None:
        self.clock = Clock()
        self.fleet = Fleet(seed=1, started_at=NOW)
        self.faults = FaultInjection()
        self.access = HuaweiAccess(keys={KEY: SECRET})
        self.app = huawei_dataarts.build(
            fleet=self.fleet,
            faults=self.faults,
            clock=self.clock,
            access=self.access,
            project_id=PROJECT,
            paging=paging,
            workspaces={"fb9a"},
            default_workspace=default_workspace,
        )

    def page(self, **parameters: str) -> dict[str, Any]:
        body: dict[str, Any] = fetch(self.app, JOBS, parameters).json()
        return body

    def real_time(self, **parameters: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.page(jobType="REAL_TIME", **parameters)["jobs"]
        return rows

    def status(self, name: str) -> Any:
        return fetch(self.app, f"{JOBS}/{name}/status").json()

    def view(self, name: str) -> View:
        view = self.fleet.named(name, self.clock.now)
        assert view is not None
        return view


def test_a_list_shows_batch_jobs_unless_asked_otherwise() -> None:
    """Whoever forgets the type watches the wrong jobs."""
    assert {row["jobType"] for row in Runtime().page()["jobs"]} == {"BATCH"}


def test_a_name_is_listed_once() -> None:
    """A resubmitted job is the same job here."""
    runtime = Runtime()
    rows = runtime.real_time(limit="100")
    names = [row["name"] for row in rows]
    assert len(names) == len(set(names)) == 12
    assert len(runtime.real_time()) == 10
    assert {"status" in row for row in rows} == {True, False}
    assert {"startTime" in row for row in rows} == {True, False}


@pytest.mark.parametrize(
    ("paging", "offsets"), [(Paging.ROWS, ("0", "5", "10")), (Paging.PAGES, ("0", "1", "2"))]
)
def test_an_offset_counts_rows_or_pages(paging: Paging, offsets: tuple[str, ...]) -> None:
    """The documentation and production clients disagree, so either is possible."""
    runtime = Runtime(paging)
    pages = [runtime.real_time(limit="5", offset=offset) for offset in offsets]
    assert [len(page) for page in pages] == [5, 5, 2]
    assert len({row["name"] for page in pages for row in page}) == 12


def test_the_name_filter_is_fuzzy() -> None:
    """It matches a part."""
    body = Runtime().page(jobType="REAL_TIME", jobName="对")
    assert (body["total"], body["jobs"][0]["name"]) == (1, "每日对账")


@pytest.mark.parametrize(
    "parameters",
    [{"limit": "101"}, {"limit": "0"}, {"offset": "x"}, {"jobType": "STREAM"}],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, str]) -> None:
    """With status 400 and a code of the service."""
    response = fetch(Runtime().app, JOBS, parameters)
    assert (response.status_code, response.json()["error_code"]) == (400, "DLF.3051")


def test_the_bare_spelling_has_neither_times_nor_node_statuses() -> None:
    """Nodes carry counters instead."""
    runtime = Runtime()
    body = runtime.status("orders_enrichment")
    assert set(body) == {"name", "nodes", "status"}
    assert not set(body["nodes"][0]) & {"status", "type", "nodeType"}
    assert body["nodes"][0]["LastInstanceStatus"] == "running"


def test_the_older_spelling_has_numbers_and_the_id_of_the_dli_job() -> None:
    """The id is in a text that holds JSON."""
    runtime = Runtime()
    view = runtime.view("clickstream_sessions")
    body = runtime.status("clickstream_sessions")
    assert view.started_at is not None
    assert body["startTime"] == int(view.started_at * 1000)
    data = json.loads(body["nodes"][1]["runningData"])
    assert data["jobId"] == str(view.number)
    assert body["nodes"][1]["type"] == "DLI SQL"
    assert "endTime" not in body
    runtime.fleet.set_phase("clickstream_sessions", Phase.STOPPED, NOW)
    assert runtime.status("clickstream_sessions")["endTime"] == int(NOW * 1000)


def test_a_job_that_never_started_has_no_start_time() -> None:
    """The field is missing rather than null."""
    runtime = Runtime()
    names = [f"draft_{index}" for index in range(3)]
    for name in names:
        runtime.fleet.add(name, NOW, phase=Phase.DRAFT)
    assert not any("startTime" in runtime.status(name) for name in names)


def test_the_spelling_of_the_interface_definition_has_texts() -> None:
    """With a lower-case t in starttime, and nodeType."""
    runtime = Runtime()
    view = runtime.view("payments_dedup")
    body = runtime.status("payments_dedup")
    assert view.started_at is not None
    assert body["starttime"] == str(int(view.started_at * 1000))
    assert body["nodes"][0]["nodeType"] == "MRS Flink Job"
    assert runtime.status("recommendations_v2")["starttime"] == ""


def test_a_job_is_normal_while_one_of_its_nodes_is_not() -> None:
    """The crash loop shows in the node only."""
    runtime = Runtime()
    runtime.clock.now += 120
    body = runtime.status("clickstream_sessions")
    assert body["status"] == "NORMAL"
    assert [node["status"] for node in body["nodes"]] == ["NORMAL", "EXCEPTION"]


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        (Phase.DRAFT, "INIT"),
        (Phase.FAILED, "ABNORMAL"),
        (Phase.STARTING, "STARTING"),
        (Phase.STOPPING, "STOPPING"),
        (Phase.STOPPED, "STOPPED"),
        (Phase.SUSPENDED, "PAUSE"),
        (Phase.FINISHED, "STOPPED"),
    ],
)
def test_a_phase_is_worded_as_dataarts_does(phase: Phase, status: str) -> None:
    """Here for a job with a number that four divides."""
    runtime = Runtime()
    runtime.fleet.set_phase("device_telemetry", phase, NOW)
    assert runtime.status("device_telemetry")["status"] == status


def test_words_that_differ_between_jobs() -> None:
    """Old editions misspell STARTING; failures have two names; a late job is overloaded."""
    runtime = Runtime()
    runtime.fleet.set_phase("payments_dedup", Phase.STARTING, NOW)
    assert runtime.status("payments_dedup")["status"] == "STARTTING"
    runtime.fleet.set_phase("payments_dedup", Phase.FAILED, NOW)
    assert runtime.status("payments_dedup")["status"] == "EXCEPTION"
    runtime.clock.now += 400
    assert runtime.status("orders_enrichment")["status"] == "OVERLOAD"


@pytest.mark.parametrize("name", ["每日对账", "session rollup"])
def test_a_name_may_hold_anything_when_encoded(name: str) -> None:
    """Chinese and blanks are common in this field."""
    assert Runtime().status(name)["name"] == name


def test_a_missing_job_is_a_bad_request() -> None:
    """In the grammar of the vendor; a plus sign is no blank."""
    runtime = Runtime()
    expected = {"error_code": "DLF.0100", "error_msg": "The job does not exists."}
    assert runtime.status("nobody") == expected
    headers = token_headers(runtime.access.tokens)
    response = send(runtime.app, f"{JOBS}/session+rollup/status", headers)
    assert (response.status_code, response.json()) == (400, expected)


def ask(runtime: Runtime, **headers: str) -> httpx.Response:
    return fetch(runtime.app, JOBS, {}, **headers)


def test_a_workspace_is_named_or_the_default_one() -> None:
    """An unknown one is an error, and so is none where there is no default."""
    runtime = Runtime()
    assert ask(runtime).status_code == 200
    assert ask(runtime, workspace="fb9a").status_code == 200
    for refused in (
        ask(runtime, workspace="unknown"),
        ask(runtime, workspace=""),
        ask(Runtime(default_workspace=False)),
    ):
        assert (refused.status_code, refused.json()["error_code"]) == (400, "DLF.0819")


def test_the_gateway_speaks_with_the_newer_prefix() -> None:
    """Other services use the older one."""
    runtime = Runtime()
    runtime.faults.throttling = True
    assert ask(runtime).json()["error_code"] == "APIG.0308"
