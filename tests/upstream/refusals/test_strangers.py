"""An endpoint that is not the API's is told as that, with what to change, and without its text."""

import pytest

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, ReadRefusal, Refusal, alibaba, flink, huawei

HIDDEN = b"hunter2-never-shown"
PAGE = b"<!DOCTYPE html><html><body>" + HIDDEN + b"</body></html>"
NO_SUCH_KEY = (
    b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Key>' + HIDDEN + b"</Key></Error>"
)
DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
LISTING = b'<?xml version="1.0"?><ListBucketResult><Name>' + HIDDEN + b"</Name></ListBucketResult>"

READERS = {
    "Flink REST API": flink.read_refusal,
    "API of Huawei Cloud": huawei.read_refusal,
    "API of Alibaba Cloud": alibaba.read_refusal,
}
every_api = pytest.mark.parametrize(("api", "read"), READERS.items(), ids=READERS)


def _refusal(read: ReadRefusal, status: int, body: bytes = b"", **headers: str) -> Refusal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = read(Answer(status, named, body))
    assert refusal is not None
    assert HIDDEN.decode() not in repr(refusal)
    return refusal


@every_api
@pytest.mark.parametrize("status", [404, 405, 410])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "a web server"),
        (PAGE, "a web page"),
        (b"\xef\xbb\xbf\n<html>", "a web page"),
        (b"404 page not found\n", "another service, which speaks no JSON"),
        (b'{"detail":"Not Found"}', "another service"),
        (b'{"errors":[{"status":"404","title":"Not Found"}]}', "another service"),
        (b"[]", "another service"),
        (NO_SUCH_KEY, "an object storage"),
    ],
)
def test_path_that_somebody_else_does_not_have_is_no_missing_thing(
    api: str, read: ReadRefusal, status: int, body: bytes, kind: str
) -> None:
    refusal = _refusal(read, status, body)
    assert (refusal.reason, refusal.gone, refusal.retryable) == (
        Reason.INVALID_RESPONSE,
        False,
        False,
    )
    assert refusal.told == f"this is no {api} but {kind}: check endpoint"


@every_api
@pytest.mark.parametrize("header", ["x_amz_request_id", "x_oss_request_id", "x_obs_request_id"])
def test_object_storage_that_denies_access_is_no_question_of_keys(
    api: str, read: ReadRefusal, header: str
) -> None:
    refusal = _refusal(read, 403, DENIED, **{header: "1"})
    assert refusal.reason is Reason.INVALID_RESPONSE
    assert refusal.told == f"this is no {api} but an object storage: check endpoint"


def test_flink_speaks_no_xml() -> None:
    assert _refusal(flink.read_refusal, 403, DENIED).reason is Reason.INVALID_RESPONSE
    assert _refusal(flink.read_refusal, 200, LISTING).told == (
        "this is no Flink REST API but an object storage: check endpoint"
    )
    assert _refusal(flink.read_refusal, 200, PAGE).told == (
        "this is no Flink REST API but a web page: check endpoint"
    )


@every_api
@pytest.mark.parametrize("status", [301, 302, 303])
def test_redirect_to_a_login_says_what_to_change(api: str, read: ReadRefusal, status: int) -> None:
    refusal = _refusal(read, status, location="https://login.example/" + HIDDEN.decode())
    assert (refusal.reason, refusal.retryable) == (Reason.SERVER, False)
    assert "redirected, which is not followed" in refusal.told
    assert "login page" in refusal.told


@every_api
@pytest.mark.parametrize("status", [400, 409, 418])
def test_other_refusal_in_foreign_words_says_whose_they_are_not(
    api: str, read: ReadRefusal, status: int
) -> None:
    refusal = _refusal(read, status, PAGE)
    assert refusal.reason is Reason.SERVER
    assert refusal.told == f"no word of the {api}: check endpoint"


@every_api
@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (401, Reason.AUTH, False),
        (403, Reason.AUTH, False),
        (429, Reason.THROTTLED, True),
        (502, Reason.SERVER, True),
        (503, Reason.SERVER, True),
    ],
)
def test_proxy_before_the_api_may_refuse_or_be_out_of_order(
    api: str, read: ReadRefusal, status: int, reason: Reason, retryable: bool
) -> None:
    refusal = _refusal(read, status, PAGE)
    assert (refusal.reason, refusal.retryable) == (reason, retryable)
