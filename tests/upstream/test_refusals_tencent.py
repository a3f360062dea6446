"""Tencent Cloud says no with status 200, in codes whose segments are read as what they are."""

import json

import pytest

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal
from exporter.upstream.refusals.tencent import read_refusal


def refused(code: object, message: object = "m", status: int = 200) -> Refusal:
    body = {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "1"}}
    # A charset in the type must not hide a failure, as it does from the vendor's SDK.
    headers = {"content-type": "application/json; charset=utf-8"}
    refusal = read_refusal(Answer(status, headers, json.dumps(body).encode()))
    assert refusal is not None
    return refusal


@pytest.mark.parametrize(
    ("code", "reason", "rejected", "retryable", "gone"),
    [
        ("AuthFailure.SignatureExpire", Reason.AUTH, True, False, False),
        ("AuthFailure.SignatureFailure", Reason.AUTH, True, False, False),
        ("AuthFailure.SecretIdNotFound", Reason.AUTH, True, False, False),
        ("AuthFailure.InvalidSecretId", Reason.AUTH, True, False, False),
        ("AuthFailure.InvalidAuthorization", Reason.AUTH, True, False, False),
        ("AuthFailure.TokenFailure", Reason.AUTH, True, False, False),
        ("AuthFailure.MFAFailure", Reason.AUTH, False, False, False),
        ("AuthFailure.UnauthorizedOperation", Reason.AUTH, False, False, False),
        ("AuthFailure.CAMNotAuthorized", Reason.AUTH, False, False, False),
        ("AuthFailure", Reason.AUTH, False, False, False),
        ("UnauthorizedOperation", Reason.AUTH, False, False, False),
        ("UnauthorizedOperation.CAM", Reason.AUTH, False, False, False),
        ("UnsupportedOperation.NoPermissionAccess", Reason.AUTH, False, False, False),
        ("RequestLimitExceeded", Reason.THROTTLED, False, True, False),
        ("RequestLimitExceeded.IPLimitExceeded", Reason.THROTTLED, False, True, False),
        ("RequestLimitExceeded.GlobalRegionUinLimitExceeded", Reason.THROTTLED, False, True, False),
        # A quota of the product, and words that only begin as others do.
        ("LimitExceeded.Jobs", Reason.INVALID_RESPONSE, False, False, False),
        ("RequestLimitExceededX", Reason.INVALID_RESPONSE, False, False, False),
        ("AuthFailures.TokenFailure", Reason.INVALID_RESPONSE, False, False, False),
        ("ResourceNotFound.JobId", Reason.NOT_FOUND, False, False, True),
        ("ResourceNotFound.Job", Reason.NOT_FOUND, False, False, True),
        ("ResourceNotFound.Cluster", Reason.NOT_FOUND, False, False, False),
        ("ResourceNotFound", Reason.NOT_FOUND, False, False, False),
        ("InternalError.DB", Reason.SERVER, False, True, False),
        ("InternalError.JobInstanceNotFound", Reason.SERVER, False, False, False),
        ("ResourceUnavailable.NoRunningJobInstance", Reason.SERVER, False, False, False),
        ("InvalidParameter.InvalidRegion", Reason.INVALID_RESPONSE, False, False, False),
        ("UnknownParameter", Reason.INVALID_RESPONSE, False, False, False),
        ("ActionOffline", Reason.INVALID_RESPONSE, False, False, False),
    ],
)
def test_codes_are_judged_by_their_segments(
    code: str, reason: Reason, rejected: bool, retryable: bool, gone: bool
) -> None:
    refusal = refused(code)
    assert (refusal.reason, refusal.code) == (reason, code)
    assert (refusal.rejected, refusal.retryable, refusal.gone) == (rejected, retryable, gone)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AuthFailure.SignatureExpire", "check the time of this machine"),
        ("AuthFailure.SecretIdNotFound", "of this site"),
        ("AuthFailure.UnauthorizedOperation", "CAM policy"),
        ("UnsupportedOperation.NoPermissionAccess", "no member of the work space"),
        ("InvalidParameter.InvalidRegion", "check region"),
        ("UnsupportedRegion", "check region"),
        ("InvalidAction", "check endpoint"),
    ],
)
def test_what_to_change_is_said_in_our_own_words(code: str, advice: str) -> None:
    assert advice in refused(code).told


@pytest.mark.parametrize("code", ["AuthFailure.SignatureFailure", "UnauthorizedOperation"])
def test_message_about_credentials_is_dropped(code: str) -> None:
    assert "AKID" not in refused(code, "the key AKID123 may not").told


def test_error_without_a_code_is_a_failure_of_the_server() -> None:
    codes: tuple[object, ...] = (None, "", "with blanks", {})
    for code in codes:
        assert refused(code).reason is Reason.SERVER
    body = json.dumps({"Response": {"Error": "x"}}).encode()
    assert read_refusal(Answer(200, {}, body)) == Refusal(reason=Reason.SERVER)


def test_other_status_with_the_words_of_the_api_is_judged_by_them() -> None:
    assert refused("RequestLimitExceeded", status=503).reason is Reason.THROTTLED
    assert refused("", status=403).reason is Reason.AUTH
    assert refused("", None, status=500).retryable


def test_success_is_none_even_with_a_warning() -> None:
    body = {"Response": {"JobSet": [], "DeprecatedWarning": "use another"}}
    assert read_refusal(Answer(200, {}, json.dumps(body).encode())) is None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"<html>login</html>", Reason.INVALID_RESPONSE),
        (404, b"not found", Reason.INVALID_RESPONSE),
        (502, b"<html>bad gateway</html>", Reason.SERVER),
        (403, b"forbidden", Reason.AUTH),
    ],
)
def test_answer_of_somebody_else_is_not_taken_for_the_api(
    status: int, body: bytes, reason: Reason
) -> None:
    refusal = read_refusal(Answer(status, {}, body))
    assert refusal is not None
    assert refusal.reason is reason


def test_other_json_with_status_200_is_for_the_reader_to_refuse() -> None:
    assert read_refusal(Answer(200, {}, b'{"status": "ok"}')) is None
