"""Understand refusals of Huawei Cloud: DLI, DataArts Factory, IAM and the gateway before them.

Shapes: `{"error_code", "error_msg"}`; the same inside a list (batch calls of DLI); errorCode,
errorMsg; code, message; any of these one level down (Keystone's `{"error": {...}}`); and HTTP 200
with `is_success` false. A missing job is 400 DLI.16001 or DLF.0100; server faults can be 400 too
(DLI.0999, DLI.0019). Vendor pages: DLI "Error Codes", DataArts "Error Codes", "API signing guide".
"""

import re
from collections.abc import Mapping
from typing import Any

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code, safe_detail

_NO_SUCH_JOB = frozenset({"DLI.16001", "DLI.0002", "DLI.0023", "DLF.0100"})
_AUTH = frozenset({"DLI.0003", "DLI.0013", "DLI.0014", "DLI.0015", "DLI.0016", "DLF.6888"})
_PASSING = frozenset({"DLI.0999", "DLI.0019", "DLI.0012"})
_GATEWAY = re.compile(r"APIGW?\.(\d{4})")
_GATEWAY_AUTH = frozenset({"0301", "0302", "0303", "0304", "0305"})
_GATEWAY_THROTTLED = frozenset({"0308"})
_PAIRS = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    document = answer.decoded()
    if 200 <= answer.status < 300:
        if _claims_failure(document):
            code, message = _code_and_message(document)
            return _judge(answer.status, code, message) or Refusal(
                reason=Reason.SERVER, code=safe_code(code), detail=safe_detail(message)
            )
        return None
    code, message = _code_and_message(document)
    return _judge(answer.status, code, message) or by_status(answer.status, code, message)


def _judge(status: int, code: str, message: str) -> Refusal | None:
    safe = safe_code(code)
    if code in _NO_SUCH_JOB:
        return Refusal(reason=Reason.NOT_FOUND, code=safe, detail=safe_detail(message), gone=True)
    if code in _AUTH:
        return Refusal(reason=Reason.AUTH, code=safe, rejected=status == 401)
    if code in _PASSING:
        detail = safe_detail(message)
        return Refusal(reason=Reason.SERVER, code=safe, detail=detail, retryable=True)
    gateway = _GATEWAY.fullmatch(code)
    if gateway and gateway[1] in _GATEWAY_AUTH:
        # 0301 is what counts towards the lock of an access key after five in a row.
        return Refusal(reason=Reason.AUTH, code=safe, rejected=gateway[1] == "0301")
    if gateway and gateway[1] in _GATEWAY_THROTTLED:
        return Refusal(reason=Reason.THROTTLED, code=safe, retryable=True)
    return None


def _claims_failure(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return False
    claim = document.get("is_success")
    return claim is False or (isinstance(claim, str) and claim.strip().casefold() == "false")


def _code_and_message(document: Any) -> tuple[str, str]:
    if isinstance(document, list):
        document = document[0] if document else None
    if not isinstance(document, Mapping):
        return "", ""
    nested = [value for value in document.values() if isinstance(value, Mapping)]
    for level in (document, *nested):
        for code_name, message_name in _PAIRS:
            code, message = level.get(code_name), level.get(message_name)
            if code is not None and not isinstance(code, Mapping | list):
                return str(code), message if isinstance(message, str) else ""
    message = document.get("message")
    return "", message if isinstance(message, str) else ""
