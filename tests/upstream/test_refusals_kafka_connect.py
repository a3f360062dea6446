"""How Kafka Connect, Confluent Cloud and what is before them say no."""

import json
from typing import Any

import pytest

from exporter.errors import Reason
from exporter.simulator.kafka_connect.bodies import AMBIGUOUS_PAGE, STARTING_PAGE
from exporter.upstream.refusals import Answer, Refusal
from exporter.upstream.refusals.kafka_connect import (
    NO_CONNECTOR,
    STARTING,
    UNHEALTHY,
    read_refusal,
)


def _judge(status: int, body: Any = b"", **headers: str) -> Refusal | None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_refusal(Answer(status, named, raw))


def _refused(status: int, body: Any = b"", **headers: str) -> Refusal:
    refusal = _judge(status, body, **headers)
    assert refusal is not None
    return refusal


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"orders": {"status": {}}},
        {"status": "healthy", "message": "m"},
        # Connectors may have any name.
        {"error_code": {"status": {}, "info": {}}, "message": {"status": {}}},
        [],
    ],
)
def test_success_is_no_refusal(document: Any) -> None:
    assert _judge(200, document) is None


def test_success_that_says_it_failed_is_none() -> None:
    refusal = _refused(200, {"error_code": 503, "message": "s3cret"})
    assert (refusal.reason, refusal.retryable) == (Reason.SERVER, False)
    assert "s3cret" not in repr(refusal)
    assert _refused(200, {"error_code": 7, "message": "m"}).reason is Reason.SERVER


@pytest.mark.parametrize(
    "message",
    [
        "No status found for connector orders",
        "Connector orders not found",
        "Connector a b\nc not found",
    ],
)
def test_connector_that_is_not_there_is_gone(message: str) -> None:
    refusal = _refused(404, {"error_code": 404, "message": message})
    assert (refusal.reason, refusal.code, refusal.gone) == (Reason.NOT_FOUND, NO_CONNECTOR, True)


@pytest.mark.parametrize(
    "body",
    [
        {"error_code": 404, "message": "HTTP 404 Not Found"},
        {"error_code": 404, "message": "No status found for task orders-0"},
        {"error_code": 404},
        {"error": {"code": 404, "message": "account not found"}},
    ],
)
def test_path_or_account_that_is_not_there_is_no_connector_gone(body: Any) -> None:
    refusal = _refused(404, body)
    assert (refusal.reason, refusal.gone) == (Reason.NOT_FOUND, False)


def test_page_of_a_worker_that_starts_is_a_server_that_is_not_ready() -> None:
    refusal = _refused(404, STARTING_PAGE, content_type="text/html")
    assert (refusal.reason, refusal.code, refusal.gone) == (Reason.SERVER, STARTING, False)
    assert "starting" in refusal.told
    assert "endpoint" in refusal.told


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        ({"detail": "Not Found"}, {}),
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", {}),
        (STARTING_PAGE, {"x_amz_request_id": "1"}),
    ],
)
def test_404_of_somebody_else_is_neither(body: Any, headers: dict[str, str]) -> None:
    assert _refused(404, body, **headers).reason is Reason.INVALID_RESPONSE


@pytest.mark.parametrize(
    ("status", "word", "code"), [(500, "unhealthy", UNHEALTHY), (503, "starting", STARTING)]
)
def test_health_is_told_in_our_own_words_and_not_asked_for_again(
    status: int, word: str, code: str
) -> None:
    refusal = _refused(status, {"status": word, "message": "stopping 3 and 3 tasks"})
    assert (refusal.reason, refusal.code, refusal.retryable) == (Reason.SERVER, code, False)
    assert "tasks" not in refusal.told


@pytest.mark.parametrize("body", [b"", b"<html>Unauthorized</html>", {"error_code": 401}])
@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused_are_named_as_such(status: int, body: Any) -> None:
    assert _refused(status, body).reason is Reason.AUTH


def test_rebalance_is_a_server_that_is_busy() -> None:
    body = {"error_code": 409, "message": "Cannot complete request because of a rebalance"}
    refusal = _refused(409, body)
    assert (refusal.reason, refusal.gone) == (Reason.SERVER, False)


def test_name_with_a_slash_is_a_page_of_jetty_and_nothing_gone() -> None:
    refusal = _refused(400, AMBIGUOUS_PAGE, content_type="text/html")
    assert (refusal.reason, refusal.gone) == (Reason.SERVER, False)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"ratelimit_reset": "45"}, 45.0),
        ({"ratelimit_reset": "-1"}, None),
        ({"ratelimit_reset": "soon"}, None),
        # The client reads this one, which may also be a date.
        ({"retry_after": "3", "ratelimit_reset": "45"}, None),
        ({}, None),
    ],
)
def test_cloud_says_for_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    refusal = _refused(429, {"error": {"code": 429, "message": "m"}}, **headers)
    assert (refusal.reason, refusal.retry_after) == (Reason.THROTTLED, seconds)


def test_message_is_repeated_nowhere() -> None:
    """One of Connect can quote the configuration of a connector."""
    for status in (400, 404, 409, 422, 500):
        for body in (
            {"error_code": status, "message": "hunter2"},
            {"error": {"code": status, "message": "hunter2"}},
            {"errors": [{"status": str(status), "detail": "hunter2"}]},
        ):
            assert "hunter2" not in repr(_refused(status, body))


def test_redirect_is_not_followed_and_says_what_to_change() -> None:
    refusal = _refused(302, location="http://elsewhere")
    assert refusal.reason is Reason.SERVER
    assert "endpoint" in refusal.told
