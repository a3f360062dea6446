"""A source assumes the roles that its `auth` names, in turn, and counts what that costs."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette

from exporter.auth.guard import GuardBook
from exporter.errors import FetchError
from exporter.platforms import load
from exporter.simulator.alibaba import ververica as alibaba_ververica
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.auth.alibaba.simulated_cloud import (
    EXTERNAL_ID,
    KEY,
    SECRET,
    THEIRS,
    SimulatedCloud,
    role,
)
from tests.auth.tools import MARK
from tests.virtual_time import EPOCH, run, virtual_world

KEYS = {"access_key_id": KEY, "access_key_secret": SECRET}
PLACE = {"platform": "alibaba_flink", "workspace": "w1", "namespaces": ["default"]}


class Account:
    """An account with Flink in it; the exporter of another one wants to see its jobs."""

    def __init__(self) -> None:
        self.cloud = SimulatedCloud(lambda: EPOCH)
        self.telemetry = Telemetry()
        self.keys: set[str] = set()
        self._flink = httpx.ASGITransport(self._product())

    def _product(self) -> Starlette:
        return alibaba_ververica.build(
            fleet=Fleet(seed=1, started_at=EPOCH - 3600, plain_names=True),
            faults=FaultInjection(started_at=EPOCH - 3600),
            clock=lambda: EPOCH,
            access=self.cloud.access,
            workspace="w1",
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.host.startswith("ververica"):
            return await httpx.ASGITransport(self.cloud).handle_async_request(request)
        self.keys.add(request.headers["Authorization"].partition("Credential=")[2].split(",")[0])
        return await self._flink.handle_async_request(request)

    async def aclose(self) -> None:
        """Be a transport."""

    def poll(self, auth: object, environ: Mapping[str, str] | None = None) -> Inventory:
        """Return what a source with this `auth` sees."""

        async def look() -> Inventory:
            chosen = load("alibaba_flink")
            given = {"name": "source", "region": "cn-hangzhou", "auth": auth, **PLACE}
            settings = chosen.settings.model_validate(given)
            assert MARK not in repr(settings)
            connector = Connector(
                settings,
                runtime=virtual_world(_Transport(self), environ=environ),
                telemetry=self.telemetry,
                guards=GuardBook(),
            )
            source = chosen.open(settings, connector)
            try:
                return await source.fetch_inventory()
            finally:
                await source.aclose()

        return run(look())

    def principals(self) -> set[str]:
        return {self.cloud.principal(key) for key in self.keys}

    def counted(self) -> dict[str, float]:
        """Return how many requests were counted of each operation."""
        found: dict[str, float] = {}
        for family in self.telemetry.registry.collect():
            for sample in family.samples:
                if sample.name == "streaming_exporter_api_requests_total":
                    name = sample.labels["operation"]
                    found[name] = found.get(name, 0) + sample.value
        return found


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, account: Account) -> None:
        self._account = account

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._account.handle_async_request(request)


def test_role_is_assumed_once_and_counted() -> None:
    account = Account()
    inventory = account.poll(
        {**KEYS, "assume_role": {"role_arn": role("guarded"), "external_id": EXTERNAL_ID}}
    )
    assert inventory.jobs
    assert account.principals() == {role("guarded")}
    assert account.counted()["AssumeRole"] == 1
    assert account.counted()["ListDeployments"] >= 1
    assert account.cloud.asked == ["sts.aliyuncs.com"]


def test_roles_are_assumed_in_turn_into_another_account() -> None:
    account = Account()
    account.poll(
        {
            **KEYS,
            "sts_endpoint": "https://sts-vpc.cn-hangzhou.aliyuncs.com",
            "assume_role": [
                {"role_arn": role("watcher"), "session_name": "one"},
                {"role_arn": role("reader", THEIRS), "session_name": "two", "duration": "2h"},
            ],
        }
    )
    assert account.principals() == {role("reader", THEIRS)}
    assert account.cloud.sts.sessions == [
        (role("watcher"), "one"),
        (role("reader", THEIRS), "two"),
    ]
    assert set(account.cloud.asked) == {"sts-vpc.cn-hangzhou.aliyuncs.com"}


def test_role_may_be_assumed_by_what_the_environment_has() -> None:
    account = Account()
    environ = {"ALIBABA_CLOUD_ACCESS_KEY_ID": KEY, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}
    account.poll({"assume_role": {"role_arn": role("watcher")}}, environ)
    assert account.principals() == {role("watcher")}


def test_role_that_trusts_nobody_is_a_failed_poll_that_says_so() -> None:
    account = Account()
    with pytest.raises(FetchError) as caught:
        account.poll({**KEYS, "assume_role": {"role_arn": role("reader", THEIRS)}})
    assert "AssumeRole failed: auth, HTTP 403, NoPermission" in str(caught.value)
    assert account.keys == set()


def problems(auth: object, **options: Any) -> list[tuple[str, str]]:
    given = {"name": "source", "region": "cn-hangzhou", "auth": auth, **PLACE, **options}
    with pytest.raises(ValidationError) as caught:
        load("alibaba_flink").settings.model_validate(given)
    assert MARK not in str(caught.value)
    return [
        (".".join(map(str, error["loc"])), error["msg"])
        for error in caught.value.errors(include_input=False)
    ]


GOOD = {"role_arn": role("watcher")}


@pytest.mark.parametrize(
    ("auth", "options", "place", "told"),
    [
        (
            {"assume_role": {"role_arn": MARK}},
            {},
            "auth.assume_role.0.role_arn",
            "expected acs:ram::<account>:role/<name>",
        ),
        (
            {"assume_role": {**GOOD, "duration": "5m"}},
            {},
            "auth.assume_role.0.duration",
            "expected a duration from 15m to 12h",
        ),
        (
            {"assume_role": {**GOOD, "external_id": MARK, "external_id_file": "/dev/null"}},
            {},
            "auth.assume_role.0.external_id_file",
            "not a regular file: /dev/null",
        ),
        (
            {"assume_role": GOOD, "access_key_id": MARK},
            {},
            "auth",
            "access_key_secret or access_key_secret_file is required",
        ),
        (
            {"assume_role": GOOD, "security_token": MARK},
            {},
            "auth",
            "access_key_id or access_key_id_file is required",
        ),
        (
            {"assume_role": GOOD},
            {"endpoint": "https://api.stack.example"},
            "",
            "auth.sts_endpoint is required where endpoint is not a public one",
        ),
        (
            {"assume_role": [GOOD] * 6},
            {},
            "auth.assume_role",
            "Value should have at most 5 items after validation, not 6",
        ),
    ],
)
def test_settings_of_a_role_say_what_is_wrong(
    auth: object, options: dict[str, Any], place: str, told: str
) -> None:
    assert problems(auth, **options) == [(place, told)]


@pytest.mark.parametrize(
    "endpoint", ["https://ververica-vpc.cn-hangzhou.aliyuncs.com", "https://x.aliyuncs.com:443/"]
)
def test_public_endpoint_implies_the_public_sts(endpoint: str) -> None:
    settings = load("alibaba_flink").settings.model_validate(
        {"name": "source", "endpoint": endpoint, "auth": {"assume_role": GOOD}, **PLACE}
    )
    assert settings.endpoint is not None
