"""Understand how each vendor says no.

A gateway can refuse with any status and several body shapes; each vendor's module turns one
answer into a `Refusal`, or None when the answer is a success. These functions are pure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from exporter.errors import Reason
from exporter.upstream.json_numbers import loads

_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_.~%-]{20,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LONGEST_DETAIL = 160
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTED = (
    "redirected, which is not followed: let endpoint be the address of the API itself, "
    "not of a login page or a server before it"
)
_LONGEST_CODE = 64


@dataclass(frozen=True)
class Answer:
    """One complete HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """Its beginning only, where the body was decoded while it was large."""
    large: Callable[[], Any] | None = None
    """Returns what such a body says, or raises what `document` raises."""

    @cached_property
    def document(self) -> Any:
        """Decode the body once, however many look at it; raises ValueError or RecursionError."""
        return loads(self.body) if self.large is None else self.large()

    def decoded(self) -> Any:
        """Return the body as JSON, or None when it is not."""
        try:
            return self.document
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an answer is not the one asked for.

    `retryable` says that the same request may work in a moment; `rejected` that the signature or
    token itself was not accepted (what locks keys when repeated); `gone` that the thing asked for
    does not exist. `advice` is what to change, in our own words: it may stand beside a refusal of
    credentials, whose `detail` is dropped.
    """

    reason: Reason
    code: str = ""
    detail: str = ""
    retryable: bool = False
    rejected: bool = False
    gone: bool = False
    retry_after: float | None = None
    advice: str = field(default="", compare=False)

    @property
    def told(self) -> str:
        """Return what the platform said and what to change, as one line."""
        return "; ".join(text for text in (self.detail, self.advice) if text)


ReadRefusal = Callable[[Answer], Refusal | None]


def by_status(status: int, code: str = "", message: str = "") -> Refusal:
    """Judge a refusal by its HTTP status alone, for answers whose code says nothing."""
    if status in (401, 403):
        # What a gateway says about credentials can quote them, so its text is dropped.
        return Refusal(reason=Reason.AUTH, code=safe_code(code), rejected=status == 401)
    detail = safe_detail(message)
    if status == 429:
        reason, retryable = Reason.THROTTLED, True
    elif status == 404:
        reason, retryable = Reason.NOT_FOUND, False
    else:
        # 408 and 425 ask for another try; 501 and 505 will never be otherwise.
        reason, retryable = Reason.SERVER, status in (408, 425, 500, 502, 503, 504)
    return Refusal(
        reason=reason,
        code=safe_code(code),
        detail=detail,
        retryable=retryable,
        advice=_REDIRECTED if status in REDIRECTS else "",
    )


def safe_code(code: object) -> str:
    """Return a vendor's error code as something that fits a log line, or an empty text."""
    text = str(code) if isinstance(code, str | int) and not isinstance(code, bool) else ""
    return text if re.fullmatch(rf"[A-Za-z0-9._-]{{1,{_LONGEST_CODE}}}", text) else ""


def safe_detail(message: object) -> str:
    """Return a vendor's error text as one short line without anything that looks like a secret.

    Gateways have been seen to quote tokens and signed texts in their messages.
    """
    if not isinstance(message, str):
        return ""
    line = _CONTROL.sub(" ", message[:2000])
    return _LONG_WORD.sub("…", line).strip()[:_LONGEST_DETAIL]
