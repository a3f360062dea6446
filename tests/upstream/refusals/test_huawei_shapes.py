"""The Huawei family words wrong credentials and wrong configuration in more shapes than one."""

import json

import pytest

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal
from exporter.upstream.refusals.huawei import names_gateway, read_refusal

HIDDEN = "hunter2-never-shown"


def _refusal(status: int, document: object) -> Refusal:
    refusal = read_refusal(Answer(status, {}, json.dumps(document).encode()))
    assert refusal is not None
    return refusal


CLOUD_EYE = {
    "code": 401,
    "element": "token",
    "message": HIDDEN,
    "details": {"details": HIDDEN, "code": "ces.0015"},
}


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    ("document", "code"),
    [
        (CLOUD_EYE, "ces.0015"),
        ({"code": "403", "message": HIDDEN, "details": {"code": "ces.0017"}}, "ces.0017"),
        ({"error": {"code": "111401001", "message": HIDDEN}}, "111401001"),
        ({"error": {"code": 111403002, "message": HIDDEN}}, "111403002"),
        ({"error_code": "SYS.0401", "error_msg": HIDDEN}, "SYS.0401"),
        ({"unauthorized": {"code": 401, "message": HIDDEN}}, "unauthorized"),
        ({"forbidden": {"message": HIDDEN}}, "forbidden"),
        ({"error": {"code": 401, "title": "Unauthorized", "message": HIDDEN}}, "401"),
    ],
)
def test_number_that_holds_401_or_403_means_credentials_whatever_the_status(
    status: int, document: object, code: str
) -> None:
    refusal = _refusal(status, document)
    assert (refusal.reason, refusal.code, refusal.detail) == (Reason.AUTH, code, "")
    assert refusal.told.startswith("check the credentials in auth")


def test_only_401_counts_as_a_rejected_key() -> None:
    assert _refusal(400, CLOUD_EYE).rejected
    assert not _refusal(400, {"error": {"code": "111403002"}}).rejected


@pytest.mark.parametrize(
    "document",
    [
        {"error_code": "SYS.0400", "error_msg": "project_id in the url is not that of the token"},
        {"error_code": "SYS.0400", "error_msg": "The project is wrong."},
        {"badRequest": {"code": 400, "message": "Malformed request url"}},
        {"badRequest": {"message": "TenantId in URL is not the same as in token"}},
        {"error_code": "VPC.0007", "error_msg": "urlTenantId is not equal tokenTenantId."},
        {"code": 400, "details": {"code": "ces.0003", "details": "Project ID is incorrect"}},
    ],
)
def test_project_that_is_not_the_tokens_is_told_as_that(document: object) -> None:
    refusal = _refusal(400, document)
    assert (refusal.reason, refusal.rejected) == (Reason.AUTH, False)
    assert "check project_id" in refusal.told


@pytest.mark.parametrize(
    "document",
    [
        {"badRequest": {"code": 400, "message": "limit is too large"}},
        {"badRequest": {}},
        {"error_code": "SYS.0400", "error_msg": "attribute 'limit' is too large"},
        {"error_code": "SYS.0400", "error_msg": "enterprise project name is unknown"},
    ],
)
def test_bad_request_of_another_kind_is_no_question_of_keys(document: object) -> None:
    refusal = _refusal(400, document)
    assert (refusal.reason, refusal.retryable) == (Reason.SERVER, False)
    assert "check project_id, region and endpoint" in refusal.told


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"error_code": "SYS.0429"}, Refusal(reason=Reason.THROTTLED, code="SYS.0429")),
        ({"error": {"code": "111500003"}}, Refusal(reason=Reason.SERVER, code="111500003")),
        ({"itemNotFound": {"code": 404}}, Refusal(reason=Reason.NOT_FOUND, code="itemNotFound")),
    ],
)
def test_number_within_a_400_is_more_telling_than_the_400(
    document: object, expected: Refusal
) -> None:
    refusal = _refusal(400, document)
    assert (refusal.reason, refusal.code, refusal.gone) == (expected.reason, expected.code, False)


@pytest.mark.parametrize("code", ["111999001", "DLI.0401", "SYS.1401", "4011", "11140100"])
def test_number_that_holds_no_status_is_none(code: str) -> None:
    assert _refusal(400, {"error_code": code, "error_msg": "m"}).reason is Reason.SERVER


def test_success_that_claims_failure_is_judged_by_the_same_words() -> None:
    assert _refusal(200, {"is_success": "false", **CLOUD_EYE}).reason is Reason.AUTH


def test_body_nested_without_end_is_looked_at_to_a_depth() -> None:
    deep: dict[str, object] = {"code": "SYS.0401"}
    for _ in range(500):
        deep = {"error": deep}
    assert _refusal(400, deep).reason is Reason.SERVER
    wide = {f"x{number}": {"message": "m"} for number in range(50_000)}
    assert _refusal(400, wide).reason is Reason.SERVER


def test_gateway_that_has_no_such_api_says_what_to_change() -> None:
    refusal = _refusal(404, {"error_code": "APIG.0101", "error_msg": "no such API"})
    assert refusal.reason is Reason.NOT_FOUND
    assert refusal.told == "no such API; the gateway has no such API: check endpoint and region"
    assert names_gateway("APIGW.0101")
    assert not names_gateway("DLI.0101")
    assert not names_gateway("APIGX.0101")
