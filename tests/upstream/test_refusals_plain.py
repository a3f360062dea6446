"""A refusal is judged by its status where nothing else can be told, and repeats nothing harmful."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code, safe_detail
from exporter.upstream.refusals.plain import read_refusal


def _answer(status: int, body: bytes = b"") -> Answer:
    return Answer(status, {}, body)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success_is_no_refusal(status: int) -> None:
    assert read_refusal(_answer(status, b'{"errors": []}')) is None


@pytest.mark.parametrize(
    ("status", "reason", "retryable", "rejected"),
    [
        (199, Reason.SERVER, False, False),
        (301, Reason.SERVER, False, False),
        (304, Reason.SERVER, False, False),
        (400, Reason.SERVER, False, False),
        (401, Reason.AUTH, False, True),
        (403, Reason.AUTH, False, False),
        (404, Reason.NOT_FOUND, False, False),
        (405, Reason.SERVER, False, False),
        (408, Reason.SERVER, True, False),
        (425, Reason.SERVER, True, False),
        (429, Reason.THROTTLED, True, False),
        (500, Reason.SERVER, True, False),
        (501, Reason.SERVER, False, False),
        (502, Reason.SERVER, True, False),
        (503, Reason.SERVER, True, False),
        (504, Reason.SERVER, True, False),
        (505, Reason.SERVER, False, False),
        (599, Reason.SERVER, False, False),
    ],
)
def test_refusal_is_judged_by_its_status(
    status: int, reason: Reason, retryable: bool, rejected: bool
) -> None:
    expected = Refusal(reason=reason, retryable=retryable, rejected=rejected)
    assert by_status(status) == expected
    assert read_refusal(_answer(status, b'{"errors": ["<a stack trace>"]}')) == expected


def test_not_found_does_not_say_that_the_thing_is_gone() -> None:
    assert not by_status(404, "NotFound", "no such page").gone


@pytest.mark.parametrize("status", [401, 403])
def test_message_about_credentials_is_dropped_and_its_code_kept(status: int) -> None:
    refusal = by_status(status, "BadToken", "the token abc is wrong")
    assert (refusal.code, refusal.detail) == ("BadToken", "")


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_message_about_anything_else_is_kept_as_one_short_line(status: int) -> None:
    refusal = by_status(status, "Bad code!", "it\nbroke")
    assert (refusal.code, refusal.detail) == ("", "it broke")


@pytest.mark.parametrize(
    ("code", "safe"),
    [
        ("DLI.0999", "DLI.0999"),
        ("Throttling.User_x-1", "Throttling.User_x-1"),
        (401, "401"),
        (True, ""),
        (None, ""),
        (1.5, ""),
        (["a"], ""),
        ("", ""),
        ("two words", ""),
        ('a"b', ""),
        ("a\nb", ""),
        ("a\n", ""),
        ("коd", ""),
        ("x" * 64, "x" * 64),
        ("x" * 65, ""),
    ],
)
def test_code_is_kept_only_when_it_fits_a_log_line(code: object, safe: str) -> None:
    assert safe_code(code) == safe


@pytest.mark.parametrize("message", [None, 5, ["a"], {"a": 1}, b"bytes", True])
def test_detail_is_empty_when_the_message_is_no_text(message: object) -> None:
    assert safe_detail(message) == ""


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLEAB",
        "MIIYGwYJKoZIhvcNAQcCoIIYDDCCGAgCAQExDTALBglghkgB",
        "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=",
        "x%2Ffoo%3Dbar%26baz%2Fqux%3D1",
        "eyJhbGciOi.JIUzI1NiJ9.x-y_z~Q",
    ],
)
def test_detail_leaves_out_what_looks_like_a_secret(secret: str) -> None:
    assert safe_detail(f"token {secret}, refused") == "token …, refused"


def test_detail_is_cut_at_a_length_that_fits_a_page() -> None:
    assert safe_detail("word " * 100) == "word " * 32
    assert len(safe_detail("too much " * 1000)) <= 160


@given(st.text())
def test_detail_is_one_short_line_that_can_be_encoded(message: str) -> None:
    detail = safe_detail(message)
    assert len(detail) <= 160
    assert len(detail.splitlines()) <= 1
    detail.encode()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"\xff\xfe", b"[" * 100_000, b"{'a': 1}", b"nul"]
)
def test_body_that_is_no_json_is_decoded_as_none(body: bytes) -> None:
    assert _answer(500, body).decoded() is None


@pytest.mark.parametrize("document", [{"a": [1, None]}, [], "text", 5, None, False])
def test_body_that_is_json_is_decoded(document: object) -> None:
    assert _answer(200, json.dumps(document).encode()).decoded() == document
