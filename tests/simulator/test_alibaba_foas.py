"""Blink's API answers as documented, quirks included, over the real ASGI interface."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from exporter.simulator.alibaba import foas as alibaba_foas
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.xml import render_xml
from exporter.simulator.fault_injection import Canned, FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from tests.simulator.alibaba_caller import Caller

KEY = AccessKey(key_id="testid", secret="testsecret")
START = 1_700_000_000.0
P = "/api/v2/projects/project1"
STREAMS = {"jobType": "FLINK_STREAM", "pageSize": "100"}
BATCHES = {"jobType": "FLINK_BATCH"}


class Runtime:
    """One simulated Blink project of twelve jobs, and a caller."""

    def __init__(self, **options: Any) -> None:
        self.now = START + 1
        self.fleet = Fleet(seed=1, started_at=START)
        self.faults = FaultInjection(started_at=START)
        self.access = Access(KEY)
        app = alibaba_foas.build(
            fleet=self.fleet,
            faults=self.faults,
            clock=self.clock,
            access=self.access,
            **options,
        )
        self.caller = Caller(app, key=KEY, clock=self.clock, version="2018-11-11")

    def clock(self) -> float:
        return self.now

    def response(
        self, action: str, path: str, query: Mapping[str, str] | None = None, **changed: str
    ) -> httpx.Response:
        return asyncio.run(self.caller.get(action, path, query, **changed))

    def get(self, action: str, path: str, query: Mapping[str, str] | None = None) -> Any:
        response = self.response(action, path, query)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(
        self, action: str, path: str, query: Mapping[str, str] | None = None, **changed: str
    ) -> tuple[int, str]:
        response = self.response(action, path, query, **changed)
        return response.status_code, response.json()["Code"]

    def instances(self, query: Mapping[str, str] = STREAMS) -> dict[str, Any]:
        page = self.get("ListInstance", f"{P}/instances", query)
        return {instance["JobName"]: instance for instance in page["Instances"]["Instance"]}

    def summaries(self, names: list[str], job_type: str = "FLINK_STREAM") -> dict[str, Any]:
        query = {"jobNames": ",".join(names), "jobType": job_type}
        found = self.get("BatchGetInstanceRunSummary", f"{P}/runsummary", query)
        return {row["JobName"]: row for row in found["RunSummarys"]["RunSummary"]}

    def set(self, name: str, phase: Phase) -> None:
        self.fleet.set_phase(name, phase, self.now)


def instance_path(job: str, instance: str = "-1") -> str:
    return f"{P}/jobs/{quote(job, safe='')}/instances/{instance}"


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


def test_list_instance_shows_every_online_stream(runtime: Runtime) -> None:
    """One instance per job, wrapped twice, in the vendor's field names."""
    page = runtime.get("ListInstance", f"{P}/instances", STREAMS)
    rows = page["Instances"]["Instance"]
    assert page["TotalCount"] == len(rows) == len({row["JobName"] for row in rows})
    assert (page["PageIndex"], page["PageSize"], page["TotalPage"]) == (1, 100, 1)
    assert {row["JobType"] for row in rows} == {"FLINK_STREAM"}
    assert "每日对账" not in {row["JobName"] for row in rows}
    assert "每日对账" in runtime.instances(BATCHES)


def test_list_instance_needs_a_job_type(runtime: Runtime) -> None:
    """The documentation calls jobType required, and the two known words are all there is."""
    path = f"{P}/instances"
    assert runtime.refused("ListInstance", path) == (400, "MissingParameter")
    assert runtime.refused("ListInstance", path, {"jobType": "STREAM"}) == (400, "InvalidParameter")


def test_list_instance_pages(runtime: Runtime) -> None:
    """Pages count from 1 and hold 10 rows unless asked otherwise; beyond the end is empty."""
    first = runtime.get("ListInstance", f"{P}/instances", {"jobType": "FLINK_STREAM"})
    second = runtime.get(
        "ListInstance", f"{P}/instances", {"jobType": "FLINK_STREAM", "pageIndex": "2"}
    )
    third = runtime.get(
        "ListInstance", f"{P}/instances", {"jobType": "FLINK_STREAM", "pageIndex": "3"}
    )
    pages = [page["Instances"]["Instance"] for page in (first, second, third)]
    assert [len(page) for page in pages] == [10, first["TotalCount"] - 10, 0]
    names = [row["JobName"] for page in pages for row in page]
    assert sorted(names) == sorted(runtime.instances())


@pytest.mark.parametrize(
    ("name", "value"),
    [("pageIndex", "0"), ("pageIndex", "x"), ("pageSize", "101"), ("pageSize", "0")],
)
def test_list_instance_refuses_pages_out_of_bounds(runtime: Runtime, name: str, value: str) -> None:
    """A page size beyond the limit is an error, not a shorter page."""
    query = {**STREAMS, name: value}
    assert runtime.refused("ListInstance", f"{P}/instances", query) == (400, "InvalidParameter")


def test_flat_lists_when_asked_for() -> None:
    """The vendor's Java SDK shows lists without their wrapper."""
    page = Runtime(wrapped=False).get("ListInstance", f"{P}/instances", STREAMS)
    assert isinstance(page["Instances"], list)


@pytest.mark.parametrize(
    ("phase", "actual", "expected"),
    [
        (Phase.STARTING, "WAITING", "RUNNING"),
        (Phase.RUNNING, "RUNNING", "RUNNING"),
        (Phase.RESTARTING, "RUNNING", "RUNNING"),
        (Phase.FAILED, "FAILED", "RUNNING"),
        (Phase.STOPPING, "RUNNING", "TERMINATED"),
        (Phase.STOPPED, "TERMINATED", "TERMINATED"),
        (Phase.SUSPENDED, "PAUSED", "PAUSED"),
        (Phase.FINISHED, "SUCCESS", "SUCCESS"),
    ],
)
def test_states_of_a_stream(runtime: Runtime, phase: Phase, actual: str, expected: str) -> None:
    """Every phase has its pair of actual and expected state, the same in both calls."""
    runtime.set("device_telemetry", phase)
    instance = runtime.instances()["device_telemetry"]
    summary = runtime.summaries(["device_telemetry"])["device_telemetry"]
    assert (instance["ActualState"], instance["ExpectState"]) == (actual, expected)
    assert summary.items() <= instance.items()


def test_failed_stream_waits_when_asked_for() -> None:
    """By the API page only batch jobs are FAILED; a stream waits and tells its last error."""
    runtime = Runtime(failed_streams_wait=True)
    runtime.set("device_telemetry", Phase.FAILED)
    instance = runtime.instances()["device_telemetry"]
    assert (instance["ActualState"], instance["ExpectState"]) == ("WAITING", "RUNNING")
    assert instance["LastErrorTime"] == round(1000 * runtime.now)
    runtime.set("每日对账", Phase.FAILED)
    batch = runtime.instances(BATCHES)["每日对账"]
    assert (batch["ActualState"], batch["ExpectState"]) == ("FAILED", "SUCCESS")


def test_draft_put_online_is_unknown_and_the_others_are_left_out(runtime: Runtime) -> None:
    """A job put online but never started is UNKNOWN; one that is not online has no instance."""
    online = runtime.fleet.add("online_draft", runtime.now, phase=Phase.DRAFT)
    offline = runtime.fleet.add("offline_draft", runtime.now, phase=Phase.DRAFT)
    assert (online.number % 2, offline.number % 2) == (0, 1)
    found = runtime.instances()
    assert found["online_draft"]["ActualState"] == "UNKNOWN"
    assert "StartTime" not in found["online_draft"]
    assert "offline_draft" not in found
    jobs = runtime.get("ListJob", f"{P}/jobs", {"pageSize": "100"})["Jobs"]["Job"]
    committed = {job["JobName"]: job["IsCommitted"] for job in jobs}
    assert committed["online_draft"] is True
    assert committed["offline_draft"] is False


def test_fields_that_do_not_apply_are_missing(runtime: Runtime) -> None:
    """EndTime and the last error are absent, not null, where there are none."""
    healthy = runtime.instances()["session rollup"]
    assert not {"EndTime", "LastErrorTime", "LastErrorMessage"} & set(healthy)
    runtime.set("session rollup", Phase.FAILED)
    failed = runtime.instances()["session rollup"]
    assert failed["EndTime"] == failed["LastErrorTime"] == round(1000 * runtime.now)
    assert "InputDelay" not in failed


def test_input_delay_is_milliseconds_or_the_sentinel(runtime: Runtime) -> None:
    """DataStream jobs have no delay, which the vendor writes as a large negative number."""
    found = runtime.instances()
    view = runtime.fleet.named("orders_enrichment", runtime.now)
    assert view is not None
    assert view.lag_seconds is not None
    assert found["orders_enrichment"]["InputDelay"] == round(1000 * view.lag_seconds)
    assert found["device_telemetry"]["ApiType"] == "DATASTREAM"
    assert found["device_telemetry"]["InputDelay"] == -99999999


def test_each_start_is_a_new_instance_and_archives_the_old(runtime: Runtime) -> None:
    """A restart by hand changes the id and the start time."""
    before = runtime.instances()["device_telemetry"]
    runtime.now += 60
    runtime.set("device_telemetry", Phase.STOPPED)
    runtime.now += 60
    runtime.set("device_telemetry", Phase.STARTING)
    after = runtime.instances()["device_telemetry"]
    assert after["Id"] > before["Id"]
    assert after["StartTime"] == round(1000 * runtime.now)
    archived = runtime.instances({**STREAMS, "isArchived": "true"})["device_telemetry"]
    assert (archived["Id"], archived["ActualState"]) == (before["Id"], "TERMINATED")
    assert archived["EndTime"] == round(1000 * (runtime.now - 60))


def test_job_started_anew_under_its_name_has_one_instance(runtime: Runtime) -> None:
    """A job name stands once, whatever became of its predecessor."""
    runtime.now = START + 815  # The successor of fraud_scoring starts while the old one is listed.
    assert len([v for v in runtime.fleet.views(runtime.now) if v.name == "fraud_scoring"]) == 2
    page = runtime.get("ListInstance", f"{P}/instances", STREAMS)
    names = [row["JobName"] for row in page["Instances"]["Instance"]]
    assert names.count("fraud_scoring") == 1
    assert runtime.instances()["fraud_scoring"]["ActualState"] == "WAITING"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"jobName": "session rollup"}, {"session rollup"}),
        ({"actualState": "TERMINATED"}, {"geo_fencing"}),
        ({"actualState": "PAUSED", "expectState": "PAUSED"}, {"loyalty_points"}),
        ({"apiType": "DATASTREAM", "actualState": "RUNNING"}, {"device_telemetry"}),
        ({"startBeginTs": "9999999999999"}, set()),
        ({"endBeginTs": "1", "endEndTs": "9999999999999"}, {"geo_fencing", "loyalty_points"}),
    ],
)
def test_list_instance_filters(runtime: Runtime, query: dict[str, str], names: set[str]) -> None:
    """Each documented filter narrows the list."""
    runtime.set("geo_fencing", Phase.STOPPED)
    runtime.set("loyalty_points", Phase.SUSPENDED)
    runtime.set("inventory_snapshot", Phase.RUNNING)
    found = runtime.instances({**STREAMS, **query})
    ignored = {"fraud_scoring", "experiment_joins", "payments_dedup", "clickstream_sessions"}
    assert set(found) - ignored - {"inventory_snapshot"} == names


def test_batch_summaries_leave_out_what_they_cannot_tell(runtime: Runtime) -> None:
    """Unknown jobs and those of the other type are left out, silently."""
    found = runtime.summaries(["device_telemetry", "no_such_job", "每日对账"])
    assert set(found) == {"device_telemetry"}
    assert set(runtime.summaries(["每日对账"], "FLINK_BATCH")) == {"每日对账"}
    path = f"{P}/runsummary"
    action = "BatchGetInstanceRunSummary"
    assert runtime.refused(action, path, BATCHES) == (400, "MissingParameter")
    assert runtime.refused(action, path, {"jobNames": "a"}) == (400, "MissingParameter")


@pytest.mark.parametrize("instance", ["-1", "real"])
def test_get_instance_of_a_running_job(runtime: Runtime, instance: str) -> None:
    """A running job answers with everything it has, secrets of its code included."""
    listed = runtime.instances()["session rollup"]
    path = instance_path("session rollup", instance if instance == "-1" else str(listed["Id"]))
    got = runtime.get("GetInstance", path)["Instance"]
    assert listed.items() <= got.items()
    assert "password=hunter2-do-not-export" in got["Code"]
    assert isinstance(got["AutoScaleParams"], str)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.FAILED, Phase.STOPPED, Phase.SUSPENDED])
def test_get_instance_fails_for_a_job_that_does_not_run(runtime: Runtime, phase: Phase) -> None:
    """As the API page warns; the run summary has no such limit."""
    runtime.set("device_telemetry", phase)
    path = instance_path("device_telemetry")
    assert runtime.refused("GetInstance", path) == (400, "InstanceNotRunning")
    summary = runtime.get("GetInstanceRunSummary", f"{path}/runsummary")["RunSummary"]
    assert summary["JobName"] == "device_telemetry"


def test_chinese_job_name_travels_percent_encoded(runtime: Runtime) -> None:
    """Names are decoded per path segment; a batch job needs its real instance id."""
    runtime.set("每日对账", Phase.RUNNING)
    identifier = runtime.instances(BATCHES)["每日对账"]["Id"]
    path = instance_path("每日对账", str(identifier))
    assert path.isascii()
    assert runtime.get("GetInstance", path)["Instance"]["JobName"] == "每日对账"
    assert runtime.refused("GetInstance", instance_path("每日对账")) == (404, "InstanceNotExist")


def test_encoded_slash_stays_inside_its_segment(runtime: Runtime) -> None:
    """A job name may hold a slash."""
    runtime.fleet.add("a/b", runtime.now)
    got = runtime.get("GetInstance", instance_path("a/b"))
    assert got["Instance"]["JobName"] == "a/b"


@pytest.mark.parametrize(
    ("action", "path", "code"),
    [
        ("ListInstance", "/api/v2/projects/other/instances", "ProjectNotExist"),
        ("GetInstance", f"{P}/jobs/nothing/instances/-1", "JobNotExist"),
        ("GetInstance", f"{P}/jobs/device_telemetry/instances/7", "InstanceNotExist"),
        ("GetInstance", f"{P}/instances", "InvalidAction.NotFound"),
        ("GetInstance", "/api/v3/nothing", "InvalidAction.NotFound"),
    ],
)
def test_not_found(runtime: Runtime, action: str, path: str, code: str) -> None:
    """What does not exist is 404, and the action header has to match the path."""
    assert runtime.refused(action, path, STREAMS) == (404, code)


def test_projects_are_listed(runtime: Runtime) -> None:
    """The one project is found, also by name."""
    found = runtime.get("ListProject", "/api/v2/projects")["Projects"]["Project"]
    assert [project["Name"] for project in found] == ["project1"]
    none = runtime.get("ListProject", "/api/v2/projects", {"name": "other"})
    assert none["Projects"]["Project"] == []


def test_answers_are_xml_unless_json_is_asked_for(runtime: Runtime) -> None:
    """The gateway's default is XML, for errors too."""
    runtime.caller.extra = {"accept": "*/*"}
    response = runtime.response("ListInstance", f"{P}/instances", {**STREAMS, "pageSize": "2"})
    assert response.headers["content-type"].startswith("text/xml")
    assert response.text.count("<Instance>") == 2
    assert "<PlanJson/>" in response.text
    error = runtime.response("ListInstance", f"{P}/instances")
    assert error.status_code == 400
    assert "<Error><RequestId>" in error.text
    assert "<Code>MissingParameter</Code>" in error.text


def test_xml_writes_true_in_lower_case_and_nothing_as_an_empty_element() -> None:
    """Flat lists repeat their element; special characters are escaped."""
    answer: dict[str, object] = {"Flag": True, "None": None, "Item": [1, "a<b"]}
    expected = "<R><Flag>true</Flag><None/><Item>1</Item><Item>a&lt;b</Item></R>"
    assert render_xml("R", answer).endswith(f"?>{expected}")


def test_error_body_has_the_gateways_fields(runtime: Runtime) -> None:
    """Errors name the request, the host and a page to read."""
    runtime.caller.key = AccessKey(key_id="testid", secret="wrong")
    response = runtime.response("ListInstance", f"{P}/instances", STREAMS)
    body = response.json()
    assert response.status_code == 400
    assert set(body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert body["HostId"] == "gateway.example.com"
    assert body["Code"] == "SignatureDoesNotMatch"
    assert "server string to sign is:ACS3-HMAC-SHA256\n" in body["Message"]


def test_gateway_checks_version_permission_and_replay(runtime: Runtime) -> None:
    """Version, RAM policy and nonce are checked for every call."""
    path = f"{P}/instances"
    wrong_version = runtime.refused("ListInstance", path, STREAMS, x_acs_version="2020-01-01")
    assert wrong_version == (400, "InvalidVersion")
    once = {"x_acs_signature_nonce": "once"}
    assert runtime.response("ListInstance", path, STREAMS, **once).status_code == 200
    assert runtime.refused("ListInstance", path, STREAMS, **once) == (400, "SignatureNonceUsed")
    runtime.access.put(replace(KEY, denied_operations=frozenset({"ListInstance"})))
    response = runtime.response("ListInstance", path, STREAMS)
    assert (response.status_code, response.json()["Code"]) == (403, "Forbidden.RAM")
    assert response.json()["AccessDeniedDetail"]["AuthAction"] == "foas:ListInstance"


def test_weather_is_told_in_the_gateways_words(runtime: Runtime) -> None:
    """Outage is 503; throttling is 400 with a code, and perhaps a time to wait in ms."""
    path = f"{P}/instances"
    runtime.faults.outage = True
    assert runtime.refused("ListInstance", path, STREAMS) == (503, "ServiceUnavailable")
    runtime.faults.outage = False
    runtime.faults.throttling = True
    runtime.faults.retry_after = 2
    response = runtime.response("ListInstance", path, STREAMS)
    assert (response.status_code, response.json()["Code"]) == (400, "Throttling.User")
    assert response.headers["x-acs-retry-after"] == "2000"
    runtime.faults.throttling = False
    runtime.faults.overrides["ListInstance"] = Canned(status=502, body=b"<html>")
    assert runtime.response("ListInstance", path, STREAMS).status_code == 502
    assert runtime.faults.count("ListInstance") == 3
    assert runtime.faults.refused("Throttling.User") == 1
    assert runtime.faults.accepted("ListInstance") == 1


def test_same_seed_answers_the_same() -> None:
    """Two simulations of one seed cannot be told apart."""
    first, second = Runtime(), Runtime()
    path = f"{P}/instances"
    assert first.get("ListInstance", path, STREAMS) == second.get("ListInstance", path, STREAMS)
