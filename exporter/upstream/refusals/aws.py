"""Understand refusals of Amazon Web Services: their JSON protocols, 1.0 and 1.1.

A refusal is HTTP 400, at times 403, and 5xx for faults, with its code in `__type` or in a header.
Throttling is HTTP 400 as well, and no answer says how long to stay away. Service models and
protocol parsers of botocore; "Common errors" of the Managed Service for Apache Flink API Reference.
"""

import re
from collections.abc import Mapping
from typing import Any

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code, safe_detail
from exporter.upstream.refusals.strangers import judge_stranger, kind, unlike

API = "API of AWS"

THROTTLED = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
        *("RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded"),
        *("ProvisionedThroughputExceededException", "BandwidthLimitExceeded"),
        *("LimitExceededException", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException"),
    }
)
_CREDENTIALS = frozenset(
    {
        *("UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch"),
        *("IncompleteSignatureException", "IncompleteSignature", "MissingAuthenticationToken"),
        *("MissingAuthenticationTokenException", "InvalidClientTokenId", "OptInRequired"),
        *("ExpiredTokenException", "ExpiredToken", "RequestExpired", "NotAuthorized"),
    }
)
_FORBIDDEN = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
_PASSING = frozenset(
    {
        *("InternalFailure", "InternalServiceError", "InternalServerError", "ServiceUnavailable"),
        *("InternalServiceFault", "ServiceUnavailableException", "InternalFailureException"),
    }
)
_SKEWED = re.compile(r"Signature (?:expired|not yet current)")
_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]{1,40}:[A-Za-z0-9]{1,80})")
_LOOKED_AT = 4096
_RIGHTS = "the identity may not do this: allow it in one of its policies"
_KEYS = "AWS does not take these credentials: check auth, the region, and whether they have expired"
_CLOCK = "the clock of this machine is wrong: AWS takes signatures of the last five minutes"


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    code, message = _words(answer)
    if 200 <= answer.status < 300:
        if code:
            return _judge(answer.status, code, message) or Refusal(
                reason=Reason.SERVER, code=safe_code(code), detail=safe_detail(message)
            )
        # Pages of proxies, and the XML that a service of another protocol speaks.
        return unlike(API, kind(answer)) if answer.body.lstrip()[:1] == b"<" else None
    if not code:
        return judge_stranger(answer, API)
    return _judge(answer.status, code, message) or by_status(answer.status, code, message)


def _judge(status: int, code: str, message: str) -> Refusal | None:
    safe = safe_code(code)
    if code in THROTTLED or status == 429:
        return Refusal(reason=Reason.THROTTLED, code=safe, retryable=True)
    if code in _CREDENTIALS:
        # Not `rejected`: no key is locked by wrong signatures. The message can quote what was
        # signed, and is dropped.
        advice = _CLOCK if _SKEWED.search(message[:_LOOKED_AT]) else _KEYS
        return Refusal(reason=Reason.AUTH, code=safe, advice=advice)
    if code in _FORBIDDEN:
        match = _ACTION.search(message[:_LOOKED_AT])
        advice = f"the identity may not {match[1]}: allow it in a policy" if match else _RIGHTS
        return Refusal(reason=Reason.AUTH, code=safe, advice=advice)
    if code == "ResourceNotFoundException":
        return Refusal(reason=Reason.NOT_FOUND, code=safe, detail=safe_detail(message), gone=True)
    if code in _PASSING:
        detail = safe_detail(message)
        return Refusal(reason=Reason.SERVER, code=safe, detail=detail, retryable=True)
    return None


def _words(answer: Answer) -> tuple[str, str]:
    """Return code and message; both are empty when this is nothing that AWS says."""
    document = answer.decoded()
    fields: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
    code = _bare(fields.get("__type")) or (
        _bare(fields.get("code")) if answer.status >= 400 else ""
    )
    code = code or _bare(answer.headers.get("x-amzn-errortype"))
    if code or answer.status >= 400:
        # What the query protocol would have said wins: clients go by it.
        code = _bare(answer.headers.get("x-amzn-query-error", "").partition(";")[0]) or code
    message = fields.get("message") or fields.get("Message")
    return code, message if isinstance(message, str) else ""


def _bare(code: object) -> str:
    """Return a code without the namespace before it and the address behind it."""
    if not isinstance(code, str):
        return ""
    return code.partition(":")[0].rpartition("#")[2].strip()
