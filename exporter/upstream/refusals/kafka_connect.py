"""Understand refusals of Kafka Connect's REST API, Confluent Cloud's, and of proxies before them.

A worker answers errors with `{"error_code": 404, "message": "No status found for connector x"}`,
and `/health` with `{"status": "unhealthy", "message": "..."}`. While it starts, every path is a 404
with a page of Jetty's. Confluent Cloud says `{"error": {"code": 401, "message": "..."}}` as well.
Sources: ConnectExceptionMapper and RootResource of connect/runtime, 2.3 to 4.3; the API
`connect/v1`. No message is repeated: one of Connect can quote a connector's configuration.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exporter.errors import Reason
from exporter.fields import as_number
from exporter.upstream.refusals import REDIRECTS, Answer, Refusal, by_status
from exporter.upstream.refusals.strangers import is_page, is_storage, judge_stranger, kind, unlike

API = "Kafka Connect REST API"
STARTING = "worker-starting"
UNHEALTHY = "worker-unhealthy"
NO_CONNECTOR = "no-such-connector"

_NO_CONNECTOR = re.compile(r"No status found for connector |Connector \S.{0,2000} not found", re.S)
_HEALTH = {
    "starting": Refusal(
        reason=Reason.SERVER, code=STARTING, detail="the worker says that it is still starting"
    ),
    "unhealthy": Refusal(
        reason=Reason.SERVER,
        code=UNHEALTHY,
        detail="the worker says that it is unhealthy: what it lists may not be so; "
        "does it reach its brokers?",
    ),
}


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    if 200 <= answer.status < 300:
        return _judge_success(answer)
    if answer.status == 404 and is_page(answer) and not is_storage(answer):
        return Refusal(
            reason=Reason.SERVER,
            code=STARTING,
            detail=f"a web page instead of a word of the {API}: the worker is starting",
            advice="if it stays so, check endpoint",
        )
    document = answer.decoded()
    fields: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
    if answer.status >= 500 and (told := _HEALTH.get(str(fields.get("status")))):
        return told
    message = _message(fields)
    if message is None and answer.status not in REDIRECTS:
        return judge_stranger(answer, API)
    if answer.status == 404 and _NO_CONNECTOR.match(message or ""):
        return Refusal(reason=Reason.NOT_FOUND, code=NO_CONNECTOR, gone=True)
    refusal = by_status(answer.status)
    if refusal.reason is Reason.THROTTLED:
        return replace(refusal, retry_after=_retry_after(answer))
    return refusal


def _judge_success(answer: Answer) -> Refusal | None:
    if answer.body.lstrip()[:1] == b"<":
        return unlike(API, kind(answer))
    document = answer.decoded()
    if not isinstance(document, Mapping) or "error_code" not in document:
        return None
    # A connector of that name would be an object.
    code = as_number(document["error_code"])
    if code is None:
        return None
    return replace(by_status(int(code) if 400 <= code < 600 else 500), retryable=False)


def _message(fields: Mapping[str, Any]) -> str | None:
    """Return the message of an error; None when this is not how Connect or its cloud says no."""
    if as_number(fields.get("error_code")) is not None:
        message = fields.get("message")
        return message if isinstance(message, str) else ""
    error = fields.get("error")
    errors = fields.get("errors")
    if isinstance(error, Mapping) and "code" in error:
        message = error.get("message")
        return message if isinstance(message, str) else ""
    if isinstance(errors, list) and errors and isinstance(errors[0], Mapping):
        return ""
    return None


def _retry_after(answer: Answer) -> float | None:
    """Return for how long Confluent Cloud asks to wait, if not by Retry-After, which wins."""
    if "retry-after" in answer.headers:
        return None
    seconds = as_number(answer.headers.get("ratelimit-reset"))
    return seconds if seconds is not None and seconds >= 0 else None
