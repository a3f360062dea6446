"""The simulated gateway checks what the real one checks, and refuses with status 200."""

from typing import Any

import pytest

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.tencent import oceanus
from exporter.simulator.tencent.access import TencentAccess, TencentKey
from tests.simulator.tencent.caller import Caller

NOW = 1_700_000_000.0
KEY = TencentKey(secret_id="AKIDtest", secret_key="test-secret")


class Simulated:
    """One simulated service, and somebody who calls it."""

    def __init__(self) -> None:
        self.now = NOW
        self.access = TencentAccess(KEY)
        self.faults = FaultInjection(started_at=NOW)
        self.fleet = Fleet(seed=1, started_at=NOW)
        app = oceanus.build(
            fleet=self.fleet, faults=self.faults, clock=lambda: self.now, access=self.access
        )
        self.caller = Caller(app, key=KEY, clock=lambda: self.now)


@pytest.fixture(name="it")
def _it() -> Simulated:
    return Simulated()


def test_signed_call_is_answered(it: Simulated) -> None:
    assert it.caller.ask("DescribeJobs")["TotalCount"] == len(it.fleet.views(NOW))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Authorization": "none"}, "AuthFailure.InvalidAuthorization"),
        ({"X_TC_Timestamp": "soon"}, "MissingParameter"),
        ({"X_TC_Timestamp": str(int(NOW) + 1)}, "AuthFailure.SignatureFailure"),
        ({"Content_Type": "application/json; charset=utf-8"}, "AuthFailure.SignatureFailure"),
        ({"Host": "elsewhere"}, "AuthFailure.SignatureFailure"),
        ({"X_TC_Token": "x"}, "AuthFailure.TokenFailure"),
        ({"X_TC_Version": "2018-07-24"}, "NoSuchVersion"),
        ({"X_TC_Region": "ap-nowhere"}, "InvalidParameter.InvalidRegion"),
        ({"X_TC_Action": "DescribeJob"}, "InvalidAction"),
    ],
)
def test_call_that_is_not_as_signed_is_refused(
    it: Simulated, changed: dict[str, str], code: str
) -> None:
    assert it.caller.code("DescribeJobs", **changed) == code


@pytest.mark.parametrize("skew", [-301, 301])
def test_signature_of_more_than_five_minutes_ago_is_refused(it: Simulated, skew: float) -> None:
    assert it.caller.code("DescribeJobs", skew=skew) == "AuthFailure.SignatureExpire"
    assert "JobSet" in it.caller.ask("DescribeJobs", skew=skew / 301 * 299)


def test_key_is_refused_by_what_is_wrong_with_it(it: Simulated) -> None:
    it.caller.key = TencentKey(secret_id="AKIDother", secret_key="x")
    assert it.caller.code("DescribeJobs") == "AuthFailure.SecretIdNotFound"
    it.caller.key = TencentKey(secret_id=KEY.secret_id, secret_key="wrong")
    assert it.caller.code("DescribeJobs") == "AuthFailure.SignatureFailure"
    it.caller.key = KEY
    it.caller.service = "monitor"
    assert it.caller.code("DescribeJobs") == "AuthFailure.SignatureFailure"


def test_temporary_key_needs_its_token_and_ends(it: Simulated) -> None:
    key = it.caller.key = it.access.issue(expires_at=NOW + 60)
    assert "JobSet" in it.caller.ask("DescribeJobs")
    it.caller.key = TencentKey(secret_id=key.secret_id, secret_key=key.secret_key)
    assert it.caller.code("DescribeJobs") == "AuthFailure.TokenFailure"
    it.caller.key = key
    it.now += 60
    assert it.caller.code("DescribeJobs") == "AuthFailure.TokenFailure"


def test_operation_that_the_policy_lacks_is_refused(it: Simulated) -> None:
    denied = frozenset({"DescribeJobEvents"})
    it.access.put(
        TencentKey(secret_id=KEY.secret_id, secret_key="test-secret", denied_operations=denied)
    )
    assert it.caller.code("DescribeJobEvents") == "AuthFailure.UnauthorizedOperation"
    assert "JobSet" in it.caller.ask("DescribeJobs")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ([], "InvalidParameter"),
        ({"Limits": 3}, "UnknownParameter"),
        ({"limit": 3}, "UnknownParameter"),
        ({"Limit": 101}, "InvalidParameterValue"),
        ({"Limit": "3"}, "InvalidParameterValue"),
        ({"Offset": -1}, "InvalidParameterValue"),
        ({"WorkSpaceId": 3}, "InvalidParameterValue"),
        ({"JobIds": "cql-1"}, "InvalidParameterValue"),
        ({"JobIds": [1]}, "InvalidParameterValue"),
        ({"JobIds": ["a"] * 101}, "InvalidParameterValue"),
        ({"Filters": [{"Name": "Other", "Values": ["x"]}]}, "InvalidParameterValue"),
        ({"Filters": [{"Name": "Name", "Values": ["x"] * 6}]}, "InvalidParameterValue"),
        ({"Filters": [{"Name": "Name", "Values": ["x"]}] * 6}, "InvalidParameterValue"),
        (
            {"JobIds": ["a"], "Filters": [{"Name": "Name", "Values": ["x"]}]},
            "InvalidParameterValue.UnSupportedComposite",
        ),
        ({"WorkSpaceId": "space-other"}, "ResourceNotFound.WorkSpace"),
    ],
)
def test_parameters_are_checked(it: Simulated, parameters: Any, code: str) -> None:
    assert it.caller.code("DescribeJobs", parameters) == code


def test_throttling_comes_with_status_200_and_an_outage_with_a_page(it: Simulated) -> None:
    it.faults.throttling = True
    assert it.caller.code("DescribeJobs") == "RequestLimitExceeded"
    it.faults.throttling, it.faults.outage = False, True
    response = it.caller.response("DescribeJobs")
    assert (response.status_code, response.text[:6]) == (502, "<html>")
