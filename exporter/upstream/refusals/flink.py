"""Understand refusals of Flink's own REST API, and of the proxies before it.

Flink answers errors with `{"errors": ["<sentence or exception with its stack trace>", ...]}`. None
of it is repeated anywhere, since a stack trace can quote job arguments; the few sentences that
matter get a code here. A history server keeps such bodies and answers them with status 200. A 404
without such a body is not Flink's: what has that address does not know Flink's paths. Sources:
Flink's AbstractExecutionGraphHandler, CheckpointingStatisticsHandler, Dispatcher and
LeaderRetrievalHandler, 1.13 to 2.3.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from exporter.errors import Reason
from exporter.upstream.refusals import REDIRECTS, Answer, Refusal, by_status
from exporter.upstream.refusals.strangers import is_storage, judge_stranger, kind, unlike

API = "Flink REST API"
JOB_NOT_FOUND = "job-not-found"
NO_CHECKPOINTING = "checkpointing-not-enabled"
JOB_INITIALIZING = "job-initializing"

_JOB_NOT_FOUND = re.compile(
    r"\bJob [0-9a-f]{32} not found\b|\bCould not find Flink job \([0-9a-f]{32}\)"
)
_LONGEST_LOOK = 65536


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    if 200 <= answer.status < 300 and not answer.body.lstrip()[:12].startswith(b'{"errors"'):
        # Flink speaks JSON only; what is neither markup nor JSON is told where it is decoded.
        return unlike(API, kind(answer)) if answer.body.lstrip()[:1] == b"<" else None
    errors = _errors(answer)
    if answer.status in (307, 308):
        # How versions before 1.5 point to the leading JobManager. Following could hand the
        # credentials to another host, so it counts as not ready and another address is tried.
        return replace(by_status(answer.status), retryable=True)
    if errors is None and answer.status not in REDIRECTS:
        return _judge_without_errors(answer)
    text = errors or ""
    if answer.status in (200, 404):
        if _JOB_NOT_FOUND.search(text):
            return Refusal(reason=Reason.NOT_FOUND, code=JOB_NOT_FOUND, gone=True)
        if "Checkpointing has not been enabled" in text:
            return Refusal(reason=Reason.NOT_FOUND, code=NO_CHECKPOINTING)
        return by_status(404)
    if answer.status >= 500 and "UnavailableDispatcherOperationException" in text:
        # Trying again within the same poll is no use: initializing takes its time.
        return replace(by_status(answer.status), code=JOB_INITIALIZING, retryable=False)
    return by_status(answer.status)


def _judge_without_errors(answer: Answer) -> Refusal:
    if is_storage(answer) or (answer.status == 403 and answer.body.lstrip()[:5] == b"<?xml"):
        return unlike(API, "an object storage")
    return judge_stranger(answer, API)


def _errors(answer: Answer) -> str | None:
    """Return Flink's sentences about what is wrong, None when there is no list of them."""
    document = answer.decoded()
    errors = document.get("errors") if isinstance(document, Mapping) else None
    # Other services put objects there.
    if not isinstance(errors, list) or any(isinstance(error, Mapping) for error in errors):
        return None
    return "\n".join(error for error in errors if isinstance(error, str))[:_LONGEST_LOOK]
