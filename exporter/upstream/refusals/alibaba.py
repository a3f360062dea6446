"""Understand refusals of Alibaba Cloud: foas, ververica and the gateway before them.

The gateway answers `{"RequestId", "HostId", "Code", "Message", "Recommend"}` as JSON, or the same
as XML under `<Error>`; throttling comes with status 400, 429 or 503, so the code is judged before
the status. ververica answers HTTP 200 with `success: false`, `errorCode` and `errorMessage`. The
message of SignatureDoesNotMatch quotes what was signed and is dropped with all messages about
credentials. Vendor pages: "Common error codes", "ListDeployments".
"""

import re
from collections.abc import Mapping
from typing import Any

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code, safe_detail

_REJECTED = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidTimeStamp",
    "SignatureNonceUsed",
    "InvalidSecurityToken",
    "MissingSecurityToken",
)
_FORBIDDEN = ("Forbidden", "NoPermission", "InvalidAccount", "Unauthorized")
_PASSING = ("InternalError", "ServiceUnavailable", "UnknownError")
_MISSING = re.compile(r"Not_?(Found|Exist)", re.IGNORECASE)
_XML_CODE = re.compile(rb"<Code>([A-Za-z0-9._-]{1,64})</Code>")


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    document = answer.decoded()
    if 200 <= answer.status < 300 and not _claims_failure(document):
        return None
    code, message = _code_and_message(document)
    if not code and (match := _XML_CODE.search(answer.body[:65536])):
        code = match[1].decode("ascii")
    refusal = _judge(answer, code, message)
    if refusal is not None:
        return refusal
    if 200 <= answer.status < 300:
        return Refusal(reason=Reason.SERVER, code=safe_code(code), detail=safe_detail(message))
    return by_status(answer.status, code, message)


def _judge(answer: Answer, code: str, message: str) -> Refusal | None:
    safe = safe_code(code)
    if code.startswith("Throttling"):
        return Refusal(
            reason=Reason.THROTTLED, code=safe, retryable=True, retry_after=_retry_after(answer)
        )
    if code.startswith(_REJECTED):
        return Refusal(reason=Reason.AUTH, code=safe, rejected=True)
    if code.startswith(_FORBIDDEN):
        return Refusal(reason=Reason.AUTH, code=safe)
    if code.startswith(_PASSING):
        detail = safe_detail(message)
        return Refusal(reason=Reason.SERVER, code=safe, detail=detail, retryable=True)
    if _MISSING.search(code):
        # Products say this with 400, 404, or 200 and `success: false`. Of what they say it, a job
        # or the project around it, only the platform can judge: nothing is `gone` by this alone.
        return Refusal(reason=Reason.NOT_FOUND, code=safe, detail=safe_detail(message))
    return None


def _retry_after(answer: Answer) -> float | None:
    # The vendor's own SDK sleeps this number of milliseconds.
    text = answer.headers.get("x-acs-retry-after", "")
    return int(text) / 1000 if text.isascii() and text.isdigit() and len(text) < 10 else None


def _claims_failure(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return False
    claim = document.get("success")
    return claim is False or (isinstance(claim, str) and claim.strip().casefold() == "false")


def _code_and_message(document: Any) -> tuple[str, str]:
    if not isinstance(document, Mapping):
        return "", ""
    for code_name, message_name in (
        ("Code", "Message"),
        ("errorCode", "errorMessage"),
        ("code", "message"),
        ("reason", "message"),
    ):
        code, message = document.get(code_name), document.get(message_name)
        # On success ververica has been seen to send two quotation marks as the code.
        if isinstance(code, str) and code.strip('"'):
            return code, message if isinstance(message, str) else ""
    message = document.get("errorMessage")
    return "", message if isinstance(message, str) else ""
