"""Codes of AWS come as types, with namespaces and addresses, in bodies and headers."""

import json

import pytest

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal
from exporter.upstream.refusals.aws import THROTTLED, read_refusal


def _read(status: int, document: object, **headers: str) -> Refusal | None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_refusal(Answer(status, named, body))


def _refusal(status: int, document: object, **headers: str) -> Refusal:
    refusal = _read(status, document, **headers)
    assert refusal is not None
    return refusal


@pytest.mark.parametrize(
    "document",
    [
        {"__type": "ResourceNotFoundException", "message": "no such application"},
        {"__type": "com.amazonaws.kinesisanalytics#ResourceNotFoundException", "message": "no"},
        {"__type": "ResourceNotFoundException:http://internal.example/", "Message": "no"},
        {"code": "ResourceNotFoundException"},
    ],
)
def test_code_is_read_without_namespace_and_address(document: object) -> None:
    refusal = _refusal(400, document)
    assert (refusal.reason, refusal.code, refusal.gone) == (
        *(Reason.NOT_FOUND, "ResourceNotFoundException"),
        True,
    )


def test_code_may_be_in_a_header_alone() -> None:
    header = "ThrottlingException:http://internal.example/coral"
    assert _refusal(400, {}, x_amzn_errortype=header).reason is Reason.THROTTLED


def test_code_of_the_query_protocol_wins() -> None:
    refusal = _refusal(400, {"__type": "ResourceNotFound"}, x_amzn_query_error="Throttling;Sender")
    assert (refusal.reason, refusal.code) == (Reason.THROTTLED, "Throttling")


@pytest.mark.parametrize("code", sorted(THROTTLED))
@pytest.mark.parametrize("status", [400, 503])
def test_throttling_is_told_by_its_code_whatever_the_status(status: int, code: str) -> None:
    assert _refusal(status, {"__type": code, "message": "Rate exceeded"}) == Refusal(
        reason=Reason.THROTTLED, code=code, retryable=True
    )


def test_status_of_throttling_is_enough() -> None:
    assert _refusal(429, {"__type": "Anything"}).reason is Reason.THROTTLED


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize(
    "code",
    [
        *("UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"),
        *("MissingAuthenticationTokenException", "IncompleteSignatureException"),
        *("InvalidClientTokenId", "SignatureDoesNotMatch"),
    ],
)
def test_credentials_that_are_refused_lock_nothing_and_are_not_quoted(
    status: int, code: str
) -> None:
    refusal = _refusal(status, {"__type": code, "message": "The Canonical String was 'secret'"})
    assert refusal == Refusal(reason=Reason.AUTH, code=code)
    assert "AWS does not take these credentials" in refusal.told
    assert "secret" not in refusal.told


@pytest.mark.parametrize("words", ["Signature expired: 2", "Signature not yet current: 2"])
def test_clock_is_told_by_the_message(words: str) -> None:
    refusal = _refusal(400, {"__type": "InvalidSignatureException", "message": words})
    assert "the clock of this machine is wrong" in refusal.told


def test_right_that_is_missing_is_named_as_a_policy_names_it() -> None:
    message = "User: arn:x is not authorized to perform: kinesisanalytics:ListApplications on *"
    refusal = _refusal(400, {"__type": "AccessDeniedException", "Message": message})
    assert refusal.told == (
        "the identity may not kinesisanalytics:ListApplications: allow it in a policy"
    )
    assert "allow it in one of" in _refusal(403, {"__type": "AccessDenied"}).told


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "InvalidArgumentException", False),
        (400, "UnsupportedOperationException", False),
        (400, "UnknownOperationException", False),
        (500, "InternalFailure", True),
        (400, "InternalServiceFault", True),
        (503, "ServiceUnavailableException", True),
        (502, "SomethingElse", True),
    ],
)
def test_other_codes_are_faults_of_the_service(status: int, code: str, retryable: bool) -> None:
    refusal = _refusal(status, {"__type": code, "message": "m"})
    assert (refusal.reason, refusal.code, refusal.retryable) == (Reason.SERVER, code, retryable)


@pytest.mark.parametrize("document", [{"ApplicationSummaries": []}, {}, [], {"code": "a value"}])
def test_success_is_none(document: object) -> None:
    assert _read(200, document) is None


def test_type_of_an_error_is_one_with_any_status() -> None:
    assert _refusal(200, {"__type": "ThrottlingException"}).reason is Reason.THROTTLED
    assert _refusal(200, {"__type": "x#OddException", "message": "m"}) == Refusal(
        reason=Reason.SERVER, code="OddException", detail="m"
    )


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"<!doctype html><title>log in</title>", Reason.INVALID_RESPONSE),
        (200, b"<ListAllMyBucketsResult/>", Reason.INVALID_RESPONSE),
        (403, b"<Error><Code>NoSuchBucket</Code></Error>", Reason.INVALID_RESPONSE),
        (404, b"", Reason.INVALID_RESPONSE),
        (500, b"<!doctype html><title>500</title>", Reason.SERVER),
        (502, b"bad gateway", Reason.SERVER),
        (407, b"", Reason.SERVER),
        (403, b"", Reason.AUTH),
    ],
)
def test_strangers_are_told_from_the_service(status: int, body: bytes, reason: Reason) -> None:
    assert _refusal(status, body).reason is reason
