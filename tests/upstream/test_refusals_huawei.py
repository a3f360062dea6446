"""Huawei Cloud says no in many shapes; each of them is understood as what it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal
from exporter.upstream.refusals.huawei import read_refusal

HIDDEN = "hunter2-never-shown"


def _read(status: int, document: object) -> Refusal | None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_refusal(Answer(status, {}, body))


def _refusal(status: int, document: object) -> Refusal:
    refusal = _read(status, document)
    assert refusal is not None
    return refusal


@pytest.mark.parametrize(
    "document",
    [
        {"is_success": True, "job_list": {"jobs": []}},
        {"is_success": "true"},
        {"is_success": None},
        {"is_success": 0},
        {"jobs": []},
        {"error_code": "DLI.0999"},
        [],
        [{"is_success": True}],
        "text",
        b"",
        b"<html>",
    ],
)
def test_success_is_no_refusal_unless_it_claims_failure(document: object) -> None:
    assert _read(200, document) is None


@pytest.mark.parametrize("claim", [False, "false", "False", " FALSE "])
def test_success_that_claims_failure_is_a_refusal_of_the_server(claim: object) -> None:
    refusal = _refusal(200, {"is_success": claim, "message": "it broke"})
    assert refusal == Refusal(reason=Reason.SERVER, detail="it broke")


def test_success_that_claims_failure_is_judged_by_its_code() -> None:
    document = {"is_success": False, "error_code": "DLI.16001", "error_msg": "no job"}
    assert _refusal(200, document) == Refusal(
        reason=Reason.NOT_FOUND, code="DLI.16001", detail="no job", gone=True
    )
    other = {"is_success": False, "error_code": "DLI.7", "error_msg": "odd"}
    assert _refusal(200, other) == Refusal(reason=Reason.SERVER, code="DLI.7", detail="odd")


@pytest.mark.parametrize(
    "shape",
    [
        {"error_code": "DLI.0999", "error_msg": "busy"},
        {"errorCode": "DLI.0999", "errorMsg": "busy"},
        {"code": "DLI.0999", "message": "busy"},
        {"error": {"code": "DLI.0999", "message": "busy"}},
        {"other": 1, "error": {"error_code": "DLI.0999", "error_msg": "busy"}},
        [{"error_code": "DLI.0999", "error_msg": "busy"}],
    ],
)
def test_code_and_message_are_found_in_every_shape(shape: object) -> None:
    assert _refusal(400, shape) == Refusal(
        reason=Reason.SERVER, code="DLI.0999", detail="busy", retryable=True
    )


@pytest.mark.parametrize("code", ["DLI.16001", "DLI.0002", "DLI.0023", "DLF.0100"])
@pytest.mark.parametrize("status", [200, 400, 404])
def test_missing_job_is_gone_whatever_the_status(code: str, status: int) -> None:
    refusal = _refusal(status, {"is_success": False, "error_code": code, "error_msg": "none"})
    assert refusal == Refusal(reason=Reason.NOT_FOUND, code=code, detail="none", gone=True)


@pytest.mark.parametrize(
    "code", ["DLI.0003", "DLI.0013", "DLI.0014", "DLI.0015", "DLI.0016", "DLF.6888"]
)
def test_missing_permission_is_auth_and_rejects_the_key_only_with_401(code: str) -> None:
    document = {"error_code": code, "error_msg": HIDDEN}
    assert _refusal(400, document) == Refusal(reason=Reason.AUTH, code=code)
    assert _refusal(401, document) == Refusal(reason=Reason.AUTH, code=code, rejected=True)


@pytest.mark.parametrize("code", ["DLI.0999", "DLI.0019", "DLI.0012"])
def test_fault_of_the_server_is_retryable_though_its_status_is_400(code: str) -> None:
    assert _refusal(400, {"error_code": code, "error_msg": "x"}) == Refusal(
        reason=Reason.SERVER, code=code, detail="x", retryable=True
    )


@pytest.mark.parametrize("prefix", ["APIG", "APIGW"])
@pytest.mark.parametrize("number", ["0301", "0302", "0303", "0304", "0305"])
def test_gateway_refuses_credentials_and_only_0301_counts_towards_a_lock(
    prefix: str, number: str
) -> None:
    code = f"{prefix}.{number}"
    assert _refusal(403, {"error_code": code, "error_msg": HIDDEN}) == Refusal(
        reason=Reason.AUTH, code=code, rejected=number == "0301"
    )


def test_gateway_throttles_with_0308() -> None:
    assert _refusal(429, {"error_code": "APIG.0308", "error_msg": "slow"}) == Refusal(
        reason=Reason.THROTTLED, code="APIG.0308", retryable=True
    )


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "APIG.0101", Refusal(reason=Reason.NOT_FOUND, code="APIG.0101", detail="m")),
        (
            500,
            "APIG.9999",
            Refusal(reason=Reason.SERVER, code="APIG.9999", detail="m", retryable=True),
        ),
        (401, "APIGX.0301", Refusal(reason=Reason.AUTH, code="APIGX.0301", rejected=True)),
        (400, "DLI.0001", Refusal(reason=Reason.SERVER, code="DLI.0001", detail="m")),
    ],
)
def test_other_codes_are_judged_by_their_status(status: int, code: str, expected: Refusal) -> None:
    assert _refusal(status, {"error_code": code, "error_msg": "m"}) == expected


def test_keystone_error_of_iam_carries_its_number_as_code() -> None:
    document = {"error": {"code": 401, "title": "Unauthorized", "message": HIDDEN}}
    assert _refusal(401, document) == Refusal(reason=Reason.AUTH, code="401", rejected=True)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>no</html>",
        [],
        ["text"],
        5,
        None,
        {},
        {"error_code": None},
        {"error_code": ["a"]},
        {"error_code": {"a": 1}},
    ],
)
def test_answer_without_a_code_is_judged_by_its_status(document: object) -> None:
    assert _refusal(502, document) == Refusal(reason=Reason.SERVER, retryable=True)
    assert _refusal(401, document) == Refusal(reason=Reason.AUTH, rejected=True)


def test_message_without_a_code_is_kept() -> None:
    assert _refusal(400, {"message": "why"}).detail == "why"
    assert _refusal(400, {"message": 5}).detail == ""
    assert _refusal(400, {"error_code": "DLI.1", "error_msg": ["a"]}).detail == ""


def test_code_that_is_no_code_is_dropped() -> None:
    assert _refusal(400, {"error_code": "two words", "error_msg": "m"}).code == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["error_code", "error_msg", "code", "message", "is_success", "error"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)


@given(status=st.integers(300, 599), document=json_values)
def test_any_answer_that_is_no_success_is_a_refusal(status: int, document: object) -> None:
    refusal = _refusal(status, document)
    assert len(refusal.detail) <= 160
    assert " " not in refusal.code
    if refusal.reason is Reason.AUTH:
        assert refusal.detail == ""
