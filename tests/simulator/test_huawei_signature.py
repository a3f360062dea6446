"""The simulated gateway accepts good signatures and refuses each kind of bad one."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.huawei import dli as huawei_dli
from exporter.simulator.huawei.access import HuaweiAccess, TemporaryKey
from exporter.simulator.huawei.refusal import HuaweiRefusal
from exporter.simulator.huawei.signature import (
    WireRequest,
    decode_query,
    read_authorization,
    sign,
    verify,
)
from tests.simulator.huawei_caller import (
    KEY,
    NOTHING,
    NOW,
    PROJECT,
    SECRET,
    Clock,
    dated,
    encode_query,
    send,
)
from tests.simulator.huawei_caller import sign as sign_as_client

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"

# Reproduced with the vendor's own signer; the keys are invented.
VECTOR = WireRequest(
    method="GET",
    raw_path=b"/v1.0/0123/streaming/jobs",
    raw_query=b"limit=100&name=a%20b%2F%C3%A9&offset=0&show_detail=false",
    headers={
        "content-type": "application/json",
        "host": "dli.cn-north-4.myhuaweicloud.com",
        "x-project-id": "0123",
        "x-sdk-date": "20240101T000000Z",
    },
    body=b"",
)
VECTOR_AUTHORIZATION = (
    "SDK-HMAC-SHA256 Access=AKEXAMPLE, SignedHeaders=content-type;host;x-project-id;x-sdk-date, "
    "Signature=895290ace9ab7fb9803278352a23b63a6490561fa2f313cf748030cf7fd74a9e"
)


class Runtime:
    """A DLI of twelve jobs, with one permanent and one temporary key."""

    def __init__(self, *, several_projects: bool = True) -> None:
        self.clock = Clock()
        self.faults = FaultInjection()
        self.access = HuaweiAccess(keys={KEY: SECRET}, several_projects=several_projects)
        self.access.temporary["TEMPORARY"] = TemporaryKey(
            secret="short", security_token="session", expires_at=NOW + 600
        )
        self.app = huawei_dli.build(
            fleet=Fleet(seed=1, started_at=NOW),
            faults=self.faults,
            clock=self.clock,
            access=self.access,
            project_id=PROJECT,
        )

    def status(
        self, headers: dict[str, str], parameters: Mapping[str, str] = NOTHING, /, **keys: str
    ) -> int:
        signed = sign_as_client(JOBS, parameters, headers, **keys)
        query = f"?{encode_query(parameters)}" if parameters else ""
        return send(self.app, JOBS + query, signed).status_code

    def reason(self) -> str:
        return self.faults.requests[-1].refusal


def test_verify_accepts_the_vector_of_the_vendor() -> None:
    """The signature of the vendor's own signer is the one expected."""
    claim = read_authorization(VECTOR_AUTHORIZATION)
    verify(VECTOR, claim, secret="SKEXAMPLE", now=NOW)
    assert sign(VECTOR, claim.signed_headers, "SKEXAMPLE") == claim.signature


@pytest.mark.parametrize(
    "changed",
    [
        replace(VECTOR, raw_query=VECTOR.raw_query.replace(b"%20", b"+")),
        replace(VECTOR, raw_query=VECTOR.raw_query.replace(b"100", b"10")),
        replace(VECTOR, raw_path=b"/v1.0/0124/streaming/jobs"),
        replace(VECTOR, method="POST"),
        replace(VECTOR, body=b"{}"),
        replace(VECTOR, headers={**VECTOR.headers, "host": "elsewhere.example.com"}),
        replace(VECTOR, headers={**VECTOR.headers, "x-sdk-content-sha256": "UNSIGNED-PAYLOAD"}),
    ],
)
def test_verify_refuses_anything_but_what_was_signed(changed: WireRequest) -> None:
    """A blank sent as a plus sign is as wrong as another path or body."""
    with pytest.raises(HuaweiRefusal, match=r"^signature$"):
        verify(changed, read_authorization(VECTOR_AUTHORIZATION), secret="SKEXAMPLE", now=NOW)


def test_decode_query_leaves_a_plus_sign_alone() -> None:
    """Only forms mean a blank by it."""
    assert decode_query(b"name=a+b%20c&flag") == [("name", "a+b c"), ("flag", "")]


def test_a_signed_request_is_answered() -> None:
    """An independent signer and the gateway agree, blanks and Chinese included."""
    runtime = Runtime()
    assert runtime.status(dated(), {"name": "每日 /对账~", "limit": "5"}) == 200


@pytest.mark.parametrize(("skew", "status"), [(-901, 401), (-899, 200), (899, 200), (901, 401)])
def test_a_clock_may_be_off_by_fifteen_minutes(skew: int, status: int) -> None:
    """Beyond that the signature has expired, whatever its value."""
    runtime = Runtime()
    assert runtime.status(dated(NOW + skew)) == status


@pytest.mark.parametrize("left_out", ["Host", "X-Sdk-Date", "X-Project-Id"])
def test_headers_that_matter_must_be_signed(left_out: str) -> None:
    """A header a stranger could change on the way is not trusted."""
    runtime = Runtime()
    sent = dated()
    signed = {name: value for name, value in sent.items() if name != left_out}
    signed.setdefault("X-Sdk-Date", sent["X-Sdk-Date"])
    signature = sign_as_client(JOBS, {}, signed)["Authorization"]
    if left_out == "X-Sdk-Date":
        signature = signature.replace(";x-sdk-date", "")
    response = send(runtime.app, JOBS, {**sent, "Authorization": signature})
    assert (response.status_code, runtime.reason()) == (401, "unsigned_header")


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        ("Basic abc", "authorization"),
        (VECTOR_AUTHORIZATION.replace("HMAC-SHA256 ", "HMAC-SHA256, "), "authorization"),
        (VECTOR_AUTHORIZATION.replace("AKEXAMPLE", "NOBODY"), "unknown_key"),
        (VECTOR_AUTHORIZATION, "unsigned_header"),
    ],
)
def test_a_strange_authorization_is_refused(authorization: str, reason: str) -> None:
    """Unreadable, unknown and incomplete claims each get their answer."""
    runtime = Runtime()
    response = send(runtime.app, JOBS, {**dated(), "Authorization": authorization})
    assert (response.status_code, runtime.reason()) == (401, reason)


def test_an_unreadable_date_is_refused() -> None:
    """The date has one format only."""
    runtime = Runtime()
    assert runtime.status({**dated(), "X-Sdk-Date": "2024-01-01T00:00:00Z"}) == 401
    assert runtime.reason() == "clock"


def test_an_unauthenticated_request_is_refused() -> None:
    """The answer has the old prefix of the gateway and an id to ask support about."""
    runtime = Runtime()
    response = send(runtime.app, JOBS, {})
    assert response.status_code == 401
    assert response.json() == {
        "error_msg": "Incorrect IAM authentication information: x-auth-token not found",
        "error_code": "APIGW.0301",
        "request_id": response.headers["X-Request-Id"],
    }


def test_six_wrong_signatures_lock_the_key_for_five_minutes() -> None:
    """Meanwhile even good signatures are refused."""
    runtime = Runtime()
    for _ in range(6):
        assert runtime.status(dated(), secret="wrong") == 401
    assert runtime.faults.consecutive("signature") == 6
    assert runtime.status(dated()) == 401
    assert runtime.reason() == "locked"
    runtime.clock.now += 301
    assert runtime.status(dated()) == 200


def test_a_good_signature_in_between_prevents_the_lock() -> None:
    """Only failures in a row count."""
    runtime = Runtime()
    for _ in range(2):
        for _ in range(5):
            runtime.status(dated(), secret="wrong")
        assert runtime.status(dated()) == 200
    assert not runtime.access.locked(KEY, NOW)


def test_a_temporary_key_needs_its_token_and_expires() -> None:
    """The token is part of the credential and must be signed."""
    runtime = Runtime()
    temporary = {"key": "TEMPORARY", "secret": "short"}
    assert runtime.status(dated(), {}, **temporary) == 401
    assert runtime.reason() == "security_token"
    assert runtime.status(dated(X_Security_Token="session"), {}, **temporary) == 200
    unsigned = sign_as_client(JOBS, {}, dated(), **temporary)
    response = send(runtime.app, JOBS, {**unsigned, "X-Security-Token": "session"})
    assert (response.status_code, runtime.reason()) == (401, "unsigned_header")
    runtime.clock.now += 600
    assert runtime.status(dated(X_Security_Token="session"), {}, **temporary) == 401
    assert runtime.reason() == "security_token_expired"


def test_another_project_is_unavailable() -> None:
    """Naming a project in the header only, or none at all, is no way around that."""
    runtime = Runtime()
    assert runtime.status(dated(X_Project_Id="other")) == 403
    without = {name: value for name, value in dated().items() if name != "X-Project-Id"}
    assert runtime.status(without) == 403
    path = JOBS.replace(PROJECT, "other")
    headers = sign_as_client(path, {}, dated(X_Project_Id="other"))
    response = send(runtime.app, path, headers)
    assert response.json()["error_code"] == "APIGW.0310"


def test_an_account_with_one_project_does_not_ask_for_its_id() -> None:
    """The header is optional there."""
    without = {name: value for name, value in dated().items() if name != "X-Project-Id"}
    assert Runtime(several_projects=False).status(without) == 200
