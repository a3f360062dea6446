"""Cloud Monitor, STS and the metadata of a server are simulated as their pages have them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet, Phase
from exporter.simulator.tencent import metadata, monitor, sts
from exporter.simulator.tencent.access import TencentAccess, TencentKey
from exporter.simulator.tencent.rows import job_id
from tests.simulator.tencent.caller import Caller

NOW = 1_700_000_040.0
KEY = TencentKey(secret_id="AKIDtest", secret_key="test-secret")
ROLES = "/latest/meta-data/cam/security-credentials/"


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


class Monitored:
    """One job, the Monitor that watches it, and somebody who asks."""

    def __init__(self) -> None:
        self.fleet = Fleet(seed=1, started_at=NOW - 3600, jobs=0)
        self.job = job_id(self.fleet.add("one", NOW - 3600).number)
        app = monitor.build(
            fleet=self.fleet,
            faults=FaultInjection(started_at=NOW),
            clock=lambda: NOW,
            access=TencentAccess(KEY),
        )
        self.caller = Caller(
            app, key=KEY, clock=lambda: NOW, service="monitor", version="2018-07-24"
        )

    def question(self, *jobs: str, **changed: Any) -> dict[str, Any]:
        instances = [{"Dimensions": [{"Name": "tjob_id", "Value": each}]} for each in jobs]
        return {
            "Namespace": "QCE/TSTREAM",
            "MetricName": "JobmanagerNumrunningjobs",
            "Period": 60,
            "StartTime": iso(NOW - 600),
            "EndTime": iso(NOW),
            "Instances": instances,
            **changed,
        }

    def points(self, *jobs: str, **changed: Any) -> list[Any]:
        found = self.caller.ask("GetMonitorData", self.question(*jobs, **changed))
        series: list[Any] = found["DataPoints"]
        return series


def test_points_come_a_minute_late_and_a_job_that_is_not_known_has_none() -> None:
    it = Monitored()
    known, unknown = it.points(it.job, "cql-unknown0")
    assert known["Timestamps"][-1] == NOW - 60
    assert set(known["Values"]) == {1}
    assert len(known["Timestamps"]) == len(known["Values"]) == 10
    assert (unknown["Timestamps"], unknown["Values"]) == ([], [])


def test_job_that_has_ended_has_no_points_and_one_that_restarts_runs_nothing() -> None:
    it = Monitored()
    it.fleet.set_phase("one", Phase.RESTARTING, NOW - 300)
    (series,) = it.points(it.job)
    assert (series["Values"][0], series["Values"][-1]) == (1, 0)
    it.fleet.set_phase("one", Phase.STOPPED, NOW - 100)
    assert it.points(it.job)[0]["Values"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"Namespace": "QCE/CVM"},
        {"MetricName": "jobServiceDelay"},
        {"Period": 61},
        {"StartTime": "soon"},
        {"StartTime": iso(NOW - 8000 * 60)},
        {"Instances": []},
        {"Instances": [{"Dimensions": [{"Name": "job_id", "Value": "x"}]}]},
        {"Instances": [{"Dimensions": [{"Name": "tjob_id", "Value": "x"}]}] * 51},
    ],
)
def test_question_is_checked(changed: dict[str, Any]) -> None:
    it = Monitored()
    code = it.caller.code("GetMonitorData", it.question(it.job, **changed))
    assert code == "InvalidParameterValue"


def test_question_without_jobs_is_refused() -> None:
    it = Monitored()
    question = it.question()
    del question["Instances"]
    assert it.caller.code("GetMonitorData", question) == "MissingParameter"


def send(app: Starlette, request: httpx.Request) -> httpx.Response:
    async def asking() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.send(request)

    return asyncio.run(asking())


class Login:
    """STS, and what a pod sends to it."""

    def __init__(self) -> None:
        self.access = TencentAccess()
        self.faults = FaultInjection(started_at=NOW)
        self.app = sts.build(
            faults=self.faults,
            clock=lambda: NOW,
            access=self.access,
            token="pod-token",
            role_arn="qcs::cam::uin/1:roleName/x",
        )

    def ask(self, *, headers: dict[str, str] | None = None, **changed: Any) -> dict[str, Any]:
        body = {
            "ProviderId": "cls-1",
            "WebIdentityToken": "pod-token",
            "RoleArn": "qcs::cam::uin/1:roleName/x",
            "RoleSessionName": "test",
            **changed,
        }
        named = {
            "Authorization": "SKIP",
            "X-TC-Action": "AssumeRoleWithWebIdentity",
            "X-TC-Version": "2018-08-13",
            "X-TC-Region": "ap-guangzhou",
            **(headers or {}),
        }
        request = httpx.Request("POST", "https://sts.test/", headers=named, json=body)
        found: dict[str, Any] = send(self.app, request).json()["Response"]
        return found


def test_token_is_exchanged_for_keys_that_end() -> None:
    it = Login()
    found = it.ask()
    key = it.access.find(found["Credentials"]["TmpSecretId"])
    assert key is not None
    assert key.expires_at == found["ExpiredTime"] == NOW + 7200
    assert key.token == found["Credentials"]["Token"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"headers": {"X-TC-Version": "2019-04-22"}}, "NoSuchVersion"),
        ({"headers": {"X-TC-Action": "AssumeRole"}}, "AuthFailure.InvalidAuthorization"),
        ({"headers": {"Authorization": "x"}}, "AuthFailure.InvalidAuthorization"),
        ({"RoleSessionName": ""}, "MissingParameter"),
        ({"WebIdentityToken": "x"}, "InvalidParameter.WebIdentityTokenError"),
        ({"RoleArn": "x"}, "ResourceNotFound.RoleNotFound"),
        ({"DurationSeconds": 43201}, "InvalidParameter.OverTimeError"),
    ],
)
def test_login_that_is_not_as_it_should_be_is_refused(given: dict[str, Any], code: str) -> None:
    assert Login().ask(**given)["Error"]["Code"] == code


def test_sts_can_be_throttled_and_out_of_order() -> None:
    it = Login()
    it.faults.throttling = True
    assert it.ask()["Error"]["Code"] == "RequestLimitExceeded"
    it.faults.throttling, it.faults.outage = False, True
    assert send(it.app, httpx.Request("POST", "https://sts.test/")).status_code == 502


def served(now: Callable[[], float], faults: FaultInjection, **given: Any) -> Starlette:
    return metadata.build(faults=faults, clock=now, access=TencentAccess(), **given)


def test_server_tells_its_role_and_keys_and_replaces_them_halfway() -> None:
    moment = [NOW]
    app = served(lambda: moment[0], FaultInjection(started_at=NOW), lifetime=600)

    def get(path: str) -> httpx.Response:
        return send(app, httpx.Request("GET", f"http://metadata.test{path}"))

    role = get(ROLES).text
    first = get(ROLES + role).json()
    assert (first["Code"], first["ExpiredTime"]) == ("Success", NOW + 600)
    moment[0] += 299
    assert get(ROLES + role).json() == first
    moment[0] += 2
    assert get(ROLES + role).json()["TmpSecretId"] != first["TmpSecretId"]
    assert get(ROLES + "other").status_code == 404


def test_server_without_a_role_or_in_trouble_has_no_keys() -> None:
    faults = FaultInjection(started_at=NOW)
    app = served(lambda: NOW, faults, role=None)
    request = httpx.Request("GET", f"http://metadata.test{ROLES}")
    assert send(app, request).status_code == 404
    faults.throttling = True
    assert send(app, request).status_code == 429
    faults.throttling, faults.outage = False, True
    assert send(app, httpx.Request("GET", f"http://metadata.test{ROLES}x")).status_code == 503
