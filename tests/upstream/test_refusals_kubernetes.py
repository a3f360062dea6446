"""The Kubernetes API says no in words that tell a missing object from a missing kind."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import Reason
from exporter.upstream.refusals import Answer
from exporter.upstream.refusals.kubernetes import EXPIRED, NO_SUCH_KIND, read_refusal

RECORDED = Path(__file__).parents[1] / "fixtures" / "flink_operator" / "recorded"
INDEX: dict[str, dict[str, Any]] = json.loads((RECORDED / "index.json").read_text())


def recorded(name: str) -> Answer:
    """Return an answer of a real server."""
    [path] = RECORDED.glob(f"{name}.*")
    return Answer(status=INDEX[name]["status"], headers={}, body=path.read_bytes())


def status(code: int, **fields: Any) -> Answer:
    """Return a Status."""
    return Answer(code, {}, json.dumps({"kind": "Status", "code": code, **fields}).encode())


@pytest.mark.parametrize(
    ("name", "reason", "code", "gone"),
    [
        ("unauthorized", Reason.AUTH, "Unauthorized", False),
        ("forbidden", Reason.AUTH, "Forbidden", False),
        ("missing_object", Reason.NOT_FOUND, "NotFound", True),
        ("no_such_namespace", Reason.NOT_FOUND, "NotFound", True),
        ("missing_kind", Reason.NOT_FOUND, NO_SUCH_KIND, False),
        ("missing_version", Reason.NOT_FOUND, NO_SUCH_KIND, False),
        ("expired", Reason.SERVER, EXPIRED, False),
        ("nonsense_token", Reason.SERVER, "BadRequest", False),
    ],
)
def test_refusal_of_a_real_server_is_understood(
    name: str, reason: Reason, code: str, gone: bool
) -> None:
    refusal = read_refusal(recorded(name))
    assert refusal is not None
    assert (refusal.reason, refusal.code, refusal.gone) == (reason, code, gone)
    assert not refusal.retryable


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("forbidden", "list flinkdeployments.flink.apache.org in namespace other:"),
        ("forbidden_everywhere", "list flinkdeployments.flink.apache.org in all namespaces:"),
        ("forbidden_object", "get flinkdeployments.flink.apache.org in namespace other:"),
        ("forbidden_namespace", "get namespaces in namespace nowhere:"),
        ("forbidden_proxy", "get services/proxy in namespace streams:"),
    ],
)
def test_right_that_is_missing_is_told_as_a_role_names_it(name: str, told: str) -> None:
    refusal = read_refusal(recorded(name))
    assert refusal is not None
    assert refusal.told.startswith(f"the account may not {told}")
    assert "serviceaccount" not in refusal.told


def test_other_words_about_rights_are_not_repeated() -> None:
    refusal = read_refusal(status(403, reason="Forbidden", message="the secret is s3cr3t"))
    assert refusal is not None
    assert "s3cr3t" not in refusal.told


@pytest.mark.parametrize("code", [429, 500, 503, 504])
def test_server_that_is_busy_may_say_for_how_long(code: int) -> None:
    refusal = read_refusal(status(code, details={"retryAfterSeconds": 7}))
    assert refusal is not None
    assert (refusal.retryable, refusal.retry_after) == (True, 7.0)
    refusal = read_refusal(status(code, details={"retryAfterSeconds": "soon"}))
    assert refusal is not None
    assert refusal.retry_after is None


@pytest.mark.parametrize(
    ("code", "body", "reason"),
    [
        (404, b"<html>not here</html>", Reason.INVALID_RESPONSE),
        (404, b'{"error": "not found"}', Reason.INVALID_RESPONSE),
        (200, b"<html>log in</html>", Reason.INVALID_RESPONSE),
        (429, b"Too many requests, please try again later.", Reason.THROTTLED),
        (502, b"<html>bad gateway</html>", Reason.SERVER),
    ],
)
def test_answer_of_somebody_else_is_told_as_one(code: int, body: bytes, reason: Reason) -> None:
    refusal = read_refusal(Answer(code, {}, body))
    assert refusal is not None
    assert (refusal.reason, refusal.gone) == (reason, False)
