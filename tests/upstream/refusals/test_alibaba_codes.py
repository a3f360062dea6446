"""Codes of Alibaba Cloud have segments and numbers, and headers beside them: all are read."""

import json
from collections.abc import Mapping

import pytest

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal
from exporter.upstream.refusals.alibaba import names_no_such_api, read_refusal


def _read(
    status: int, document: object, headers: Mapping[str, str] | None = None
) -> Refusal | None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_refusal(Answer(status, headers or {}, body))


def _refusal(status: int, document: object, **headers: str) -> Refusal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = _read(status, document, named)
    assert refusal is not None
    return refusal


@pytest.mark.parametrize("status", [400, 403, 404, 429, 503])
@pytest.mark.parametrize(
    "code",
    [
        *("Rejected.Throttling", "TooManyRequests", "Api.TooManyRequests.User", "Throttling.Api"),
        *("ServiceUnavailable.Throttling", "Throttling.Forbidden", "TOO_MANY_REQUESTS"),
    ],
)
def test_throttling_is_a_segment_of_the_code_wherever_it_stands(status: int, code: str) -> None:
    assert _refusal(status, {"Code": code, "Message": "m"}) == Refusal(
        reason=Reason.THROTTLED, code=code, retryable=True
    )


@pytest.mark.parametrize(
    "code", ["Denied.Forbidden", "Operation.NoPermission", "Flink.AccessDenied", "NO_PERMISSION"]
)
@pytest.mark.parametrize("status", [200, 400, 403])
def test_denied_access_is_a_segment_of_the_code_wherever_it_stands(code: str, status: int) -> None:
    document = {"success": False, "Code": code, "Message": "m"}
    assert _refusal(status, document) == Refusal(reason=Reason.AUTH, code=code)


@pytest.mark.parametrize(
    "code", ["ThrottlingPolicyInvalid", "ForbiddenCharacterInName", "InternalErrorCodeInvalid"]
)
def test_word_that_only_begins_like_another_is_judged_by_its_status(code: str) -> None:
    assert _refusal(400, {"Code": code, "Message": "m"}) == Refusal(
        reason=Reason.SERVER, code=code, detail="m"
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 503])
@pytest.mark.parametrize(
    "document",
    [
        {"Code": "InvalidParameter", "RequestId": "1"},
        {"Code": "Forbidden.RAM"},
        {"Code": "SignatureDoesNotMatch"},
        {},
        b"<html>busy</html>",
        b"",
    ],
)
def test_header_that_tells_a_wait_means_throttled_whatever_else_is_said(
    status: int, document: object
) -> None:
    refusal = _refusal(status, document, x_acs_retry_after="1500")
    assert (refusal.reason, refusal.retry_after, refusal.retryable, refusal.rejected) == (
        Reason.THROTTLED,
        1.5,
        True,
        False,
    )


@pytest.mark.parametrize("header", ["0", "00", "", "-5", "1.5", "soon", "²", "٣"])
def test_header_without_a_positive_number_means_nothing(header: str) -> None:
    refusal = _refusal(400, {"Code": "InvalidParameter"}, x_acs_retry_after=header)
    assert (refusal.reason, refusal.retry_after) == (Reason.SERVER, None)


def test_wait_beyond_reason_is_throttling_without_a_wait() -> None:
    refusal = _refusal(403, {"Code": "X"}, x_acs_retry_after="9" * 5000)
    assert (refusal.reason, refusal.retry_after) == (Reason.THROTTLED, None)


def test_header_on_a_success_means_nothing() -> None:
    assert _read(200, {"success": True, "data": []}, {"x-acs-retry-after": "1500"}) is None


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("code", ["990301", 990301])
def test_number_that_says_does_not_exist_is_not_found_and_never_gone_by_itself(
    status: int, code: object
) -> None:
    document = {"success": False, "httpCode": 200, "errorCode": code, "errorMessage": "none"}
    assert _refusal(status, document) == Refusal(
        reason=Reason.NOT_FOUND, code="990301", detail="none"
    )


@pytest.mark.parametrize("code", ["1990301", "9903010", "X.990301"])
def test_other_numbers_are_not_taken_for_it(code: str) -> None:
    document = {"success": False, "errorCode": code, "errorMessage": "m"}
    assert _refusal(200, document).reason is Reason.SERVER


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (404, Refusal(reason=Reason.NOT_FOUND, detail="m")),
        ("404", Refusal(reason=Reason.NOT_FOUND, detail="m")),
        (403, Refusal(reason=Reason.AUTH)),
        (401, Refusal(reason=Reason.AUTH)),
        (429, Refusal(reason=Reason.THROTTLED, detail="m", retryable=True)),
        (500, Refusal(reason=Reason.SERVER, detail="m", retryable=True)),
        (201, Refusal(reason=Reason.SERVER, detail="m")),
        (0, Refusal(reason=Reason.SERVER, detail="m")),
        (True, Refusal(reason=Reason.SERVER, detail="m")),
        ("", Refusal(reason=Reason.SERVER, detail="m")),
        ([], Refusal(reason=Reason.SERVER, detail="m")),
    ],
)
def test_http_code_in_the_answer_that_is_not_200_is_a_failure(
    told: object, expected: Refusal
) -> None:
    """The signature was accepted all the same, so that no key is paused for it."""
    document = {"success": True, "httpCode": told, "data": [], "errorMessage": "m"}
    assert _refusal(200, document) == expected


@pytest.mark.parametrize("told", [200, "200", " 200 ", 200.0, None])
def test_http_code_of_200_or_none_is_no_failure(told: object) -> None:
    assert _read(200, {"success": True, "httpCode": told, "data": []}) is None


@pytest.mark.parametrize("claim", [False, "false", "FALSE"])
def test_apsara_stack_refuses_within_a_success(claim: object) -> None:
    document = {"asapiSuccess": claim, "Code": "NoPermission", "Message": "m", "Instances": {}}
    assert _refusal(200, document) == Refusal(reason=Reason.AUTH, code="NoPermission")
    plain = {"asapiSuccess": claim, "asapiErrorCode": "ASAPI.X", "asapiErrorMessage": "m"}
    assert _refusal(200, plain) == Refusal(reason=Reason.SERVER, code="ASAPI.X", detail="m")
    assert _read(200, {"asapiSuccess": True, "Instances": {}}) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("InvalidAction.NotFound", True),
        ("InvalidVersion", True),
        ("UnsupportedHTTPMethod", True),
        ("InstanceNotExist", False),
        ("InvalidActionState", False),
        ("", False),
    ],
)
def test_gateway_that_has_no_such_call_is_told_from_the_product(code: str, expected: bool) -> None:
    assert names_no_such_api(code) is expected
