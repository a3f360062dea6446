"""Alibaba Cloud says no as JSON, as XML and with HTTP 200; the code is judged before the status."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal
from exporter.upstream.refusals.alibaba import read_refusal

HIDDEN = "hunter2-never-shown"


def _read(
    status: int, document: object, headers: Mapping[str, str] | None = None
) -> Refusal | None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_refusal(Answer(status, headers or {}, body))


def _refusal(status: int, document: object, headers: Mapping[str, str] | None = None) -> Refusal:
    refusal = _read(status, document, headers)
    assert refusal is not None
    return refusal


@pytest.mark.parametrize(
    "document",
    [
        {"RequestId": "r", "Instances": {"Instance": []}},
        {"success": True, "data": [], "errorCode": '""', "errorMessage": ""},
        {"success": "true"},
        {"success": None},
        {"success": 0},
        {"Code": "200"},
        [],
        "text",
        b"",
        b"<Error><Code>Throttling</Code></Error>",
    ],
)
def test_success_is_no_refusal_unless_it_claims_failure(document: object) -> None:
    assert _read(200, document) is None


@pytest.mark.parametrize("claim", [False, "false", " FALSE "])
def test_success_that_claims_failure_is_a_refusal_of_the_server(claim: object) -> None:
    document = {"success": claim, "errorCode": "990001", "errorMessage": "it broke"}
    assert _refusal(200, document) == Refusal(
        reason=Reason.SERVER, code="990001", detail="it broke"
    )


def test_success_that_claims_failure_without_a_code_keeps_its_message() -> None:
    assert _refusal(200, {"success": False, "errorCode": '""', "errorMessage": "why"}) == Refusal(
        reason=Reason.SERVER, detail="why"
    )
    assert _refusal(200, {"success": False}) == Refusal(reason=Reason.SERVER)


@pytest.mark.parametrize(
    "shape",
    [
        {"Code": "InternalError", "Message": "busy"},
        {"errorCode": "InternalError", "errorMessage": "busy"},
        {"code": "InternalError", "message": "busy"},
        {"reason": "InternalError", "message": "busy"},
        {"Code": "", "errorCode": "InternalError", "errorMessage": "busy"},
        {"errorCode": '""', "code": "InternalError", "message": "busy"},
        {"Code": 5, "errorCode": "InternalError", "errorMessage": "busy"},
    ],
)
def test_code_and_message_are_found_in_every_shape(shape: object) -> None:
    assert _refusal(400, shape) == Refusal(
        reason=Reason.SERVER, code="InternalError", detail="busy", retryable=True
    )


def test_code_is_found_in_xml() -> None:
    body = b'<?xml version="1.0"?><Error><Code>Throttling.User</Code><Message>m</Message></Error>'
    assert _refusal(400, body) == Refusal(
        reason=Reason.THROTTLED, code="Throttling.User", retryable=True
    )


def test_code_in_xml_is_looked_for_at_the_beginning_only() -> None:
    assert _refusal(400, b" " * 70_000 + b"<Code>Throttling</Code>").code == ""
    assert _refusal(400, b"<Code>two words</Code>").code == ""


@pytest.mark.parametrize("status", [400, 429, 503, 200])
@pytest.mark.parametrize("code", ["Throttling", "Throttling.User", "Throttling.Api"])
def test_throttling_is_known_by_its_code_whatever_the_status(status: int, code: str) -> None:
    document = {"success": False, "Code": code, "Message": "slow down"}
    assert _refusal(status, document) == Refusal(reason=Reason.THROTTLED, code=code, retryable=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("1500", 1.5),
        ("0", 0.0),
        ("999999999", 999999.999),
        ("1234567890", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
    ],
)
def test_throttling_tells_the_pause_in_milliseconds(header: str, seconds: float | None) -> None:
    refusal = _refusal(429, {"Code": "Throttling"}, {"x-acs-retry-after": header})
    assert refusal.retry_after == seconds


@pytest.mark.parametrize(
    "code",
    [
        *("InvalidAccessKeyId", "InvalidAccessKeyId.NotFound", "SignatureDoesNotMatch"),
        *("IncompleteSignature", "InvalidTimeStamp.Expired", "SignatureNonceUsed"),
        *("InvalidSecurityToken.Expired", "MissingSecurityToken"),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404])
def test_refused_signature_counts_as_rejected_and_its_message_is_dropped(
    code: str, status: int
) -> None:
    document = {"Code": code, "Message": f"server string to sign is: GET {HIDDEN}"}
    assert _refusal(status, document) == Refusal(reason=Reason.AUTH, code=code, rejected=True)


@pytest.mark.parametrize(
    "code", ["Forbidden", "Forbidden.RAM", "NoPermission", "InvalidAccountStatus", "Unauthorized"]
)
@pytest.mark.parametrize("status", [400, 403])
def test_missing_permission_is_auth_and_not_rejected(code: str, status: int) -> None:
    assert _refusal(status, {"Code": code, "Message": HIDDEN}) == Refusal(
        reason=Reason.AUTH, code=code
    )


@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable", "UnknownError"])
@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_passing_fault_is_retryable_whatever_the_status(code: str, status: int) -> None:
    document = {"success": False, "Code": code, "Message": "m"}
    assert _refusal(status, document) == Refusal(
        reason=Reason.SERVER, code=code, detail="m", retryable=True
    )


@pytest.mark.parametrize(
    "code", ["InstanceNotFound", "Project.NotExist", "JOB_NOT_FOUND", "deployment_notexist"]
)
@pytest.mark.parametrize("status", [200, 400, 404])
def test_missing_thing_is_not_found_and_never_gone_by_itself(code: str, status: int) -> None:
    document = {"success": False, "Code": code, "Message": "m"}
    assert _refusal(status, document) == Refusal(reason=Reason.NOT_FOUND, code=code, detail="m")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Refusal(reason=Reason.SERVER, code="InvalidParameter", detail="m")),
        (401, Refusal(reason=Reason.AUTH, code="InvalidParameter", rejected=True)),
        (404, Refusal(reason=Reason.NOT_FOUND, code="InvalidParameter", detail="m")),
        (
            429,
            Refusal(reason=Reason.THROTTLED, code="InvalidParameter", detail="m", retryable=True),
        ),
        (500, Refusal(reason=Reason.SERVER, code="InvalidParameter", detail="m", retryable=True)),
    ],
)
def test_other_codes_are_judged_by_their_status(status: int, expected: Refusal) -> None:
    assert _refusal(status, {"Code": "InvalidParameter", "Message": "m"}) == expected


@pytest.mark.parametrize("document", [b"", b"<html>", [], 5, None, {}, {"Code": ["a"]}])
def test_answer_without_a_code_is_judged_by_its_status(document: object) -> None:
    assert _refusal(502, document) == Refusal(reason=Reason.SERVER, retryable=True)


def test_message_that_is_no_text_is_dropped() -> None:
    assert _refusal(400, {"Code": "X", "Message": ["a"]}).detail == ""
    assert _refusal(400, {"errorMessage": 5}).detail == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["Code", "Message", "errorCode", "errorMessage", "success", "reason"]),
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
