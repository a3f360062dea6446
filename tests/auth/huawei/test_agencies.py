"""An agency is assumed by whoever is set up, once for all who wait, and before its keys end."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.auth.guard import GuardBook
from exporter.errors import FetchError, Reason
from exporter.platforms import huawei_dataarts, huawei_dli
from exporter.simulator.fault_injection import Canned
from exporter.simulator.huawei import sts
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.auth.huawei.account import (
    DOMAIN,
    KEY,
    PASSWORD,
    PLAIN,
    PROJECT,
    SECRET,
    USER,
    WATCHED,
    Account,
)
from tests.auth.tools import MARK, everything_told
from tests.virtual_time import run, virtual_world

ADDRESS = "https://everything.example.com"
KEYS = {"access_key": KEY, "secret_key": SECRET}
IAM = {"endpoint": ADDRESS, "username": USER, "password": PASSWORD, "domain": DOMAIN}
BY_ID = {"agency": WATCHED.name, "domain_id": WATCHED.domain_id, "external_id": "e-7"}
BY_NAME = {"agency": PLAIN.name, "domain": PLAIN.domain}
AT = {"endpoint": ADDRESS}
ENVIRON = {"HUAWEICLOUD_SDK_AK": KEY, "HUAWEICLOUD_SDK_SK": SECRET}


class Scene:
    """A DLI source whose calls and logins all go to one simulated account."""

    def __init__(self, auth: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        given = {
            "name": "s",
            "platform": "huawei_dli",
            "endpoint": ADDRESS,
            "project_id": PROJECT,
            "auth": auth,
        }
        settings = huawei_dli.Settings.model_validate(given)
        self.requests: list[httpx.Request] = []
        runtime = virtual_world(httpx.MockTransport(self._answer), environ=environ)
        self.clock = runtime.clock
        self.account = Account(clock=runtime.clock, machine=False)
        self.telemetry = Telemetry()
        connector = Connector(
            settings,
            runtime=runtime,
            telemetry=self.telemetry,
            guards=GuardBook(clock=runtime.monotonic),
        )
        self.source = huawei_dli.PLATFORM.open(settings, connector)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = await self.account.transport().handle_async_request(request)
        await response.aread()
        return httpx.Response(
            response.status_code, headers=response.headers, content=response.content
        )

    @property
    def logins(self) -> list[str]:
        """Return the paths that were asked for somebody's keys or token."""
        paths = [request.url.path for request in self.requests]
        return [path for path in paths if not path.startswith("/v1.0/")]

    def counted(self, operation: str) -> float:
        """Return how many calls of an operation the exporter has counted."""
        return sum(
            sample.value
            for metric in self.telemetry.registry.collect()
            for sample in metric.samples
            if sample.name == "streaming_exporter_api_requests_total"
            and sample.labels["operation"] == operation
        )


def play(
    auth: Mapping[str, Any],
    scene: Callable[[Scene], Awaitable[None]],
    environ: Mapping[str, str] | None = None,
) -> None:
    async def main() -> None:
        played = Scene(auth, environ or {})
        try:
            await scene(played)
        finally:
            await played.source.aclose()

    run(main())


def canned(status: int, document: Any) -> Canned:
    headers = {"Content-Type": "application/json"}
    return Canned(status=status, body=json.dumps(document).encode(), headers=headers)


async def failure(scene: Scene) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await scene.source.fetch_inventory()
    told = everything_told(caught.value)
    assert MARK not in told
    assert all(key.security_token not in told for key in scene.account.access.temporary.values())
    return caught.value


@pytest.mark.parametrize(
    ("auth", "environ", "operations"),
    [
        ({**KEYS, "assume_agency": BY_ID | AT}, {}, ["AssumeAgency"]),
        ({**KEYS, "assume_agency": BY_NAME | AT}, {}, ["CreateTemporaryAccessKeyByAgency"]),
        ({"assume_agency": BY_ID | AT}, ENVIRON, ["AssumeAgency"]),
        ({"assume_agency": BY_NAME | AT}, ENVIRON, ["CreateTemporaryAccessKeyByAgency"]),
        (
            {"iam": IAM, "assume_agency": BY_NAME},
            {},
            ["KeystoneCreateUserTokenByPassword", "KeystoneCreateAgencyToken"],
        ),
        (
            {"iam": IAM, "assume_agency": {"agency": PLAIN.name, "domain_id": PLAIN.domain_id}},
            {},
            ["KeystoneCreateUserTokenByPassword", "KeystoneCreateAgencyToken"],
        ),
    ],
    ids=["sts", "iam", "sts-found", "iam-found", "token-by-name", "token-by-id"],
)
def test_agency_is_assumed_by_whoever_is_set_up(
    auth: Mapping[str, Any], environ: Mapping[str, str], operations: list[str]
) -> None:
    """With one login however many wait, counted as calls, and anew before the keys end."""

    async def scene(scene: Scene) -> None:
        first = [scene.source.fetch_inventory() for _ in range(8)]
        assert {len(each.jobs) for each in await asyncio.gather(*first)} == {3}
        assert [scene.counted(each) for each in operations] == [1] * len(operations)
        assert len(scene.logins) == len(operations)
        for _ in range(24 * 6):
            await asyncio.sleep(600)
            # Refused as soon as a key or a token has ended.
            await scene.source.fetch_inventory()
        days = 2 if "iam" in auth else 24 + 6
        assert len(operations) < scene.counted(operations[-1]) * len(operations)
        assert scene.counted(operations[-1]) <= days

    play(auth, scene, environ)


def test_requests_are_signed_with_the_keys_of_the_agency() -> None:
    async def scene(scene: Scene) -> None:
        await scene.source.fetch_inventory()
        (key,) = scene.account.access.temporary
        request = scene.requests[-1]
        assert f"Access={key}," in request.headers["Authorization"]
        assert (
            request.headers["X-Security-Token"]
            == scene.account.access.temporary[key].security_token
        )
        body = json.loads(scene.requests[0].content)
        assert body == {
            "agency_urn": "iam::d-2:agency:watcher",
            "agency_session_name": "streaming-job-exporter",
            "duration_seconds": 3600,
            "external_id": "e-7",
        }

    play({**KEYS, "assume_agency": BY_ID | AT}, scene)


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        (
            {**KEYS, "assume_agency": {**BY_ID, **AT, "external_id": "other"}},
            "AssumeAgency failed: auth, HTTP 403, PAP5.0011, the agency is not there, or may not",
        ),
        (
            {**KEYS, "assume_agency": {**BY_ID, **AT, "agency": "other"}},
            "AssumeAgency failed: auth, HTTP 403, PAP5.0011, the agency is not there, or may not",
        ),
        (
            {**KEYS, "assume_agency": {**BY_NAME, **AT, "domain": "other"}},
            "CreateTemporaryAccessKeyByAgency failed: auth, HTTP 403, the agency is not there",
        ),
        (
            {"iam": IAM, "assume_agency": {**BY_NAME, "agency": "other"}},
            "KeystoneCreateAgencyToken failed: auth, HTTP 403, the agency is not there",
        ),
        (
            {"access_key": KEY, "secret_key": f"{MARK}-wrong", "assume_agency": BY_ID | AT},
            "AssumeAgency failed: auth, HTTP 401, APIG.0301, the credentials that are to assume",
        ),
        (
            {"assume_agency": BY_ID | AT},
            "no credentials found: environment: HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK not set",
        ),
    ],
)
def test_agency_that_cannot_be_assumed_is_named(auth: Mapping[str, Any], told: str) -> None:
    async def scene(scene: Scene) -> None:
        error = await failure(scene)
        assert error.reason is Reason.AUTH
        assert told in str(error)

    play(auth, scene)


def test_key_that_is_refused_as_it_assumes_is_spared() -> None:
    """The lock of a key counts every refusal, whoever refuses."""

    async def scene(scene: Scene) -> None:
        for _ in range(10):
            await failure(scene)
            await asyncio.sleep(20)
        assert len(scene.requests) == 3
        assert not scene.account.access.locked(KEY, scene.clock())

    wrong = {"access_key": KEY, "secret_key": f"{MARK}-wrong", "assume_agency": BY_ID | AT}
    play(wrong, scene)


@pytest.mark.parametrize(("outage", "reason"), [(True, Reason.SERVER), (False, Reason.THROTTLED)])
def test_keys_outlive_a_service_that_is_away(outage: bool, reason: Reason) -> None:
    """New ones are asked for ten minutes before; then it is said why there are none."""

    async def scene(scene: Scene) -> None:
        await scene.source.fetch_inventory()
        scene.account.faults.overrides[sts.ASSUME] = canned(503 if outage else 429, {})
        await asyncio.sleep(3500)
        await scene.source.fetch_inventory()
        await asyncio.sleep(200)
        assert (await failure(scene)).reason is reason
        del scene.account.faults.overrides[sts.ASSUME]
        await asyncio.sleep(61)
        await scene.source.fetch_inventory()

    play({**KEYS, "assume_agency": BY_ID | AT}, scene)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({}, "the security key has no readable expiry"),
        ({"credentials": {"expiration": "2030-01-01T00:00:00Z"}}, "the access key or its secret"),
        ([MARK], "the security key has no readable expiry"),
        (
            {
                "credentials": {
                    "expiration": "2030-01-01T00:00:00Z",
                    "access_key_id": f"{MARK} é",
                    "secret_access_key": MARK,
                }
            },
            "the access_key holds characters that no header can carry",
        ),
    ],
)
def test_answer_without_keys_is_unreadable_and_untold(answer: Any, told: str) -> None:
    async def scene(scene: Scene) -> None:
        scene.account.faults.overrides[sts.ASSUME] = canned(200, answer)
        error = await failure(scene)
        assert error.reason is Reason.INVALID_RESPONSE
        assert told in error.detail

    play({**KEYS, "assume_agency": BY_ID | AT}, scene)


class TestSettings:
    @staticmethod
    def problems(auth: Any, **given: Any) -> list[str]:
        settings = {"name": "s", "platform": "huawei_dataarts", "project_id": "p", **given}
        with pytest.raises(ValidationError) as caught:
            huawei_dataarts.Settings.model_validate({**settings, "auth": auth})
        assert MARK not in str(caught.value)
        return [error["msg"] for error in caught.value.errors()]

    @pytest.mark.parametrize(
        ("auth", "problem"),
        [
            ({}, "give either access_key and secret_key, or iam"),
            ({**KEYS, "iam": IAM}, "give either access_key and secret_key, or iam"),
            ({"assume_agency": {"agency": "a"}}, "give either domain or domain_id"),
            (
                {"assume_agency": {"agency": "a", "domain": "d", "domain_id": "i"}},
                "give either domain or domain_id",
            ),
            (
                {"assume_agency": {"agency": "a", "domain": "d", "external_id": "ee"}},
                "external_id is for STS, which needs domain_id",
            ),
            (
                {"iam": IAM, "assume_agency": BY_ID},
                "assume_agency.external_id is not for iam, which trades its token where it got it",
            ),
            (
                {"iam": IAM, "assume_agency": BY_NAME | AT},
                "assume_agency.endpoint is not for iam, which trades its token where it got it",
            ),
            (
                {"access_key": MARK, "assume_agency": BY_NAME},
                "secret_key or secret_key_file is required",
            ),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, auth: Any, problem: str) -> None:
        assert self.problems(auth, region="cn-north-4") == [problem]

    @pytest.mark.parametrize("name", ["", "a b", "a\n"])
    def test_agency_has_the_name_of_one(self, name: str) -> None:
        assert (
            len(self.problems({"assume_agency": {**BY_NAME, "agency": name}}, region="cn-a")) == 1
        )

    @pytest.mark.parametrize(
        ("agency", "service"), [(BY_ID, "STS"), (BY_NAME, "IAM")], ids=["sts", "iam"]
    )
    def test_other_cloud_needs_the_address_of_who_is_asked(self, agency: Any, service: str) -> None:
        """No request with a key goes to another cloud than the one that is watched."""
        told = self.problems({"assume_agency": agency}, endpoint="https://dli.eu-de.otc.example")
        assert told == [
            f"auth.assume_agency.endpoint, the address of {service}, is required: endpoint is not "
            "the public one of region"
        ]
        huawei_dli.Settings.model_validate(
            {
                "name": "s",
                "platform": "huawei_dli",
                "project_id": "p",
                "endpoint": "https://dli.eu-de.otc.example",
                "auth": {"assume_agency": agency | AT},
            }
        )
