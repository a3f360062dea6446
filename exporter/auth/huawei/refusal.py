"""Understand how IAM and STS of Huawei Cloud say no to somebody who wants to log in.

Shapes: Keystone's `{"error": {...}}` and `{"error_code", "error_msg"}`; STS adds an
`encoded_authorization_message`, which is of no use here. Texts can repeat what was sent, so nothing
of them is told but what looks like a code.
"""

import re
from collections.abc import Mapping

import httpx

from exporter.errors import FetchError, Reason
from exporter.pacing import parse_retry_after

_CODE = re.compile(r"[A-Z][A-Za-z0-9]{1,15}\.\d{1,6}")
_IN_OWN_WORDS = frozenset({"error", "error_code", "error_msg"})

Advice = Mapping[int, tuple[Reason, str]]
"""What a status means, and what to change: for the statuses that somebody could change."""


def refusal(
    operation: str, response: httpx.Response, *, now: float, advice: Advice, stranger: str
) -> FetchError:
    """Return why a login was refused; `stranger` is what to change where IAM did not say so."""
    status = response.status_code
    reason, detail = advice.get(status, (Reason.INVALID_RESPONSE, stranger))
    unknown = not speaks_as_iam(response)
    if (status in {400, 404} and unknown) or (status == 403 and _is_xml(response)):
        # Any web server or object storage says so of any path, which is no question of the user.
        reason, detail = Reason.INVALID_RESPONSE, stranger
    if status >= 500:
        reason, detail = Reason.SERVER, ""
    return FetchError(
        reason,
        operation,
        status=status,
        code=_error_code(response),
        detail=detail,
        retry_after=parse_retry_after(response.headers.get("Retry-After"), now),
        retryable=status in {429, 500, 502, 503, 504},
    )


def speaks_as_iam(response: httpx.Response) -> bool:
    """Say whether an answer is in the words of IAM or STS."""
    body = document_of(response)
    return isinstance(body, dict) and not _IN_OWN_WORDS.isdisjoint(body)


def document_of(response: httpx.Response) -> object:
    """Return the JSON of an answer; None when it is none."""
    try:
        found: object = response.json()
    except (ValueError, RecursionError):
        return None
    return found


def _is_xml(response: httpx.Response) -> bool:
    return response.content.lstrip()[:5] == b"<?xml"


def _error_code(response: httpx.Response) -> str:
    # A body may repeat what was sent to it, so only what looks like a code is taken from it.
    body = document_of(response)
    code = body.get("error_code") if isinstance(body, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
