"""The metadata service hands out working, changing credentials, and only to those with a token."""

import asyncio
from typing import Any

import httpx
import pytest

from exporter.simulator.alibaba import foas as alibaba_foas
from exporter.simulator.alibaba import metadata as alibaba_metadata
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from tests.simulator.alibaba_caller import Caller

START = 1_700_000_000.0
TTL = "X-aliyun-ecs-metadata-token-ttl-seconds"
TOKEN = "X-aliyun-ecs-metadata-token"
CREDENTIALS = "/latest/meta-data/ram/security-credentials/"
ROLE = "streaming-job-exporter"


class Runtime:
    """One instance with a role, and the cloud that its credentials are for."""

    def __init__(self, **options: Any) -> None:
        self.now = START
        self.access = Access(seed=3)
        self.faults = FaultInjection(started_at=START)
        self.app = alibaba_metadata.build(
            faults=self.faults, clock=self.clock, access=self.access, **options
        )

    def clock(self) -> float:
        return self.now

    def request(self, method: str, path: str, **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            url = f"http://100.100.100.200{path}"
            async with httpx.AsyncClient(transport=transport) as client:
                return await client.request(method, url, headers=headers)

        return asyncio.run(send())

    def token(self, seconds: int = 21600) -> str:
        response = self.request("PUT", "/latest/api/token", **{TTL: str(seconds)})
        assert response.status_code == 200
        return response.text

    def credentials(self) -> Any:
        response = self.request("GET", CREDENTIALS + ROLE, **{TOKEN: self.token()})
        assert response.status_code == 200
        return response.json()


def test_role_and_credentials_are_told_to_the_holder_of_a_token() -> None:
    """The role's name is listed, its credentials carry their end."""
    runtime = Runtime()
    assert runtime.request("GET", CREDENTIALS, **{TOKEN: runtime.token()}).text == ROLE
    body = runtime.credentials()
    assert body["Code"] == "Success"
    assert body["Expiration"] == "2023-11-15T04:13:20Z"
    assert set(body) >= {"AccessKeyId", "AccessKeySecret", "SecurityToken"}


def test_credentials_work_at_the_gateway_until_they_end() -> None:
    """The issued key is let in by the product, and not a second longer than it said."""
    runtime = Runtime(lifetime=3600.0)
    body = runtime.credentials()
    key = AccessKey(
        key_id=body["AccessKeyId"],
        secret=body["AccessKeySecret"],
        security_token=body["SecurityToken"],
    )
    app = alibaba_foas.build(
        fleet=Fleet(seed=1, started_at=START),
        faults=FaultInjection(started_at=START),
        clock=runtime.clock,
        access=runtime.access,
    )
    caller = Caller(app, key=key, clock=runtime.clock, version="2018-11-11")
    first = asyncio.run(caller.get("ListProject", "/api/v2/projects"))
    assert first.status_code == 200
    runtime.now += 3600
    second = asyncio.run(caller.get("ListProject", "/api/v2/projects"))
    assert second.json()["Code"] == "InvalidSecurityToken.Expired"


def test_credentials_are_replaced_halfway() -> None:
    """The same key is given for a while, then another one."""
    runtime = Runtime(lifetime=3600.0)
    first = runtime.credentials()
    runtime.now += 1700
    assert runtime.credentials() == first
    runtime.now += 100
    assert runtime.credentials()["AccessKeyId"] != first["AccessKeyId"]


@pytest.mark.parametrize("path", [CREDENTIALS, CREDENTIALS + ROLE])
def test_nothing_is_told_without_a_valid_token(path: str) -> None:
    """No token, a wrong one and an old one are all refused."""
    runtime = Runtime()
    assert runtime.request("GET", path).status_code == 403
    assert runtime.request("GET", path, **{TOKEN: "wrong"}).status_code == 403
    token = runtime.token(seconds=60)
    assert runtime.request("GET", path, **{TOKEN: token}).status_code == 200
    runtime.now += 60
    assert runtime.request("GET", path, **{TOKEN: token}).status_code == 403


def test_old_mode_needs_no_token_but_refuses_a_wrong_one() -> None:
    """An instance in the old mode answers without a token."""
    runtime = Runtime(without_token=True)
    assert runtime.request("GET", CREDENTIALS).text == ROLE
    assert runtime.request("GET", CREDENTIALS, **{TOKEN: "wrong"}).status_code == 403


@pytest.mark.parametrize("seconds", [None, "0", "21601", "soon"])
def test_token_needs_a_time_to_live_within_bounds(seconds: str | None) -> None:
    """The header is mandatory and lies between 1 and 21600."""
    headers = {} if seconds is None else {TTL: seconds}
    assert Runtime().request("PUT", "/latest/api/token", **headers).status_code == 400


def test_token_has_to_be_put() -> None:
    """A GET gives no token."""
    assert Runtime().request("GET", "/latest/api/token").status_code == 405


def test_instance_without_a_role_and_unknown_roles_are_not_found() -> None:
    """404 means that there is nothing to be had here."""
    runtime = Runtime(role=None)
    assert runtime.request("GET", CREDENTIALS, **{TOKEN: runtime.token()}).status_code == 404
    other = Runtime()
    response = other.request("GET", CREDENTIALS + "other", **{TOKEN: other.token()})
    assert response.status_code == 404


def test_weather_reaches_the_metadata_service() -> None:
    """Outage and throttling come in HTTP's own words."""
    runtime = Runtime()
    runtime.faults.outage = True
    assert runtime.request("PUT", "/latest/api/token", **{TTL: "60"}).status_code == 503
    runtime.faults.outage = False
    runtime.faults.throttling = True
    assert runtime.request("GET", CREDENTIALS).status_code == 429
    assert (runtime.faults.refused("503"), runtime.faults.refused("429")) == (1, 1)
