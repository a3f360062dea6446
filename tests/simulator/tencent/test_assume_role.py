"""STS gives the keys of a role to whom its trust policy names, and checks what it is told."""

from typing import Any

import pytest

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.tencent import sts
from exporter.simulator.tencent.access import CamRole, TencentAccess, TencentKey
from tests.simulator.tencent.caller import Caller

NOW = 1_700_000_040.0
KEY = TencentKey(secret_id="AKIDtest", secret_key="test-secret")
ROLE = "qcs::cam::uin/100000000002:roleName/reader"
NEXT = "qcs::cam::uin/100000000003:roleName/next"


class Login:
    """STS, and somebody with a key."""

    def __init__(self, key: TencentKey = KEY, *, trusted: str = "AKIDtest") -> None:
        self.access = TencentAccess(key)
        self.faults = FaultInjection(started_at=NOW)
        roles = [
            CamRole(arn=ROLE, trusts=frozenset({trusted}), external_id="ours"),
            CamRole(arn=NEXT, trusts=frozenset({ROLE}), longest_seconds=3600),
        ]
        self.app = sts.build(faults=self.faults, clock=lambda: NOW, access=self.access, roles=roles)
        self.caller = self.calling(key)

    def calling(self, key: TencentKey) -> Caller:
        return Caller(self.app, key=key, clock=lambda: NOW, service="sts", version="2018-08-13")


def question(**changed: Any) -> dict[str, Any]:
    given = {"RoleArn": ROLE, "RoleSessionName": "test", "ExternalId": "ours", **changed}
    return {name: value for name, value in given.items() if value is not None}


def test_role_is_assumed_for_two_hours_and_may_assume_the_next() -> None:
    it = Login()
    found = it.caller.ask("AssumeRole", question())
    key = it.access.find(found["Credentials"]["TmpSecretId"])
    assert key is not None
    assert (key.principal, key.expires_at) == (ROLE, NOW + 7200)
    assert found["ExpiredTime"] == NOW + 7200
    assert found["Expiration"].endswith("Z")
    further = question(RoleArn=NEXT, ExternalId=None, DurationSeconds=900)
    assert it.calling(key).ask("AssumeRole", further)["ExpiredTime"] == NOW + 900
    assert it.faults.count() == 2


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"RoleArn": None}, "MissingParameter"),
        ({"RoleSessionName": None}, "MissingParameter"),
        ({"RoleArn": 1}, "InvalidParameterValue"),
        ({"RoleArn": "acs:ram::1:role/x"}, "InvalidParameter.ParamError"),
        ({"RoleSessionName": "a b"}, "InvalidParameter.ParamError"),
        ({"RoleSessionName": "x"}, "InvalidParameter.ParamError"),
        ({"ExternalId": ""}, "InvalidParameter.ParamError"),
        ({"DurationSeconds": "7200"}, "InvalidParameterValue"),
        ({"DurationSeconds": 43201}, "InvalidParameter.OverTimeError"),
        ({"DurationSeconds": 0}, "InvalidParameter.OverTimeError"),
        ({"roleArn": ROLE}, "UnknownParameter"),
        ({"RoleArn": ROLE + "s"}, "ResourceNotFound.RoleNotFound"),
        ({"RoleArn": NEXT}, "UnauthorizedOperation"),
        ({"ExternalId": "theirs"}, "UnauthorizedOperation"),
        ({"ExternalId": None}, "UnauthorizedOperation"),
    ],
)
def test_question_is_checked(changed: dict[str, Any], code: str) -> None:
    assert Login().caller.code("AssumeRole", question(**changed)) == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"X_TC_Version": "2019-04-22"}, "NoSuchVersion"),
        ({"X_TC_Region": ""}, "InvalidParameter.InvalidRegion"),
        ({"X_TC_Token": "x"}, "AuthFailure.TokenFailure"),
        ({"Authorization": "SKIP"}, "AuthFailure.InvalidAuthorization"),
    ],
)
def test_call_is_checked_as_any_other(changed: dict[str, str], code: str) -> None:
    assert Login().caller.code("AssumeRole", question(), **changed) == code


def test_key_of_another_service_or_with_a_wrong_secret_is_refused() -> None:
    it = Login()
    it.caller.service = "oceanus"
    assert it.caller.code("AssumeRole", question()) == "AuthFailure.SignatureFailure"
    wrong = TencentKey(secret_id="AKIDtest", secret_key="other")
    assert it.calling(wrong).code("AssumeRole", question()) == "AuthFailure.SignatureFailure"


def test_key_that_may_not_assume_anything_is_refused() -> None:
    key = TencentKey(secret_id="a", secret_key="s", denied_operations=frozenset({"AssumeRole"}))
    it = Login(key, trusted="a")
    assert it.caller.code("AssumeRole", question()) == "AuthFailure.UnauthorizedOperation"
