"""Understand refusals of Huawei Cloud: DLI, DataArts Factory, IAM and the gateway before them.

Shapes: `{"error_code", "error_msg"}`; the same inside a list (batch calls of DLI); errorCode,
errorMsg; code, message; any of these further down (Keystone's `{"error": {...}}`, the `details` of
Cloud Eye); OpenStack's `{"badRequest": {...}}`; and HTTP 200 with `is_success` false. A missing job
is 400 DLI.16001 or DLF.0100; server faults can be 400 too (DLI.0999, DLI.0019). What a service of
the family has no code of its own for it says with a number that holds an HTTP status: 401,
SYS.0401, 111401001. Vendor pages: DLI "Error Codes", DataArts "Error Codes", Cloud Eye "Error
Codes", "API signing guide".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code, safe_detail
from exporter.upstream.refusals.strangers import is_storage, judge_stranger, unlike

_API = "API of Huawei Cloud"
_NO_SUCH_JOB = frozenset({"DLI.16001", "DLI.0002", "DLI.0023", "DLF.0100"})
_AUTH = frozenset({"DLI.0003", "DLI.0013", "DLI.0014", "DLI.0015", "DLI.0016", "DLF.6888"})
_PASSING = frozenset({"DLI.0999", "DLI.0019", "DLI.0012"})
_GATEWAY = re.compile(r"APIGW?\.(\d{4})")
_GATEWAY_AUTH = frozenset({"0301", "0302", "0303", "0304", "0305"})
_GATEWAY_THROTTLED = frozenset({"0308"})
_GATEWAY_NO_SUCH_API = frozenset({"0101", "0103", "0106"})
_PAIRS = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))
_FAULTS = {
    "badRequest": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "itemNotFound": 404,
    "overLimit": 429,
    "serviceUnavailable": 503,
}
"""The names under which services that come of OpenStack put what is wrong, and what they mean."""
_DEEPEST = 3
_MOST_LEVELS = 20

_STATUS_IN_NUMBER = re.compile(r"([45]\d\d)|SYS\.0([45]\d\d)|\d{3}([45]\d\d)\d{3}")
_A_PROJECT = r"(?:(?<!enterprise[ _-])(?:project|tenant)|项目|租户)"
_PROJECT_NAMED = re.compile(rf"{_A_PROJECT}|Malformed request url", re.IGNORECASE)
_OTHER_PROJECT = re.compile(
    rf"{_A_PROJECT}.*token|token.*{_A_PROJECT}"
    rf"|{_A_PROJECT}[ _]?id.*(?:incorrect|invalid|match|differ|inconsistent|not (?:the )?same)",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_LOOK = 2000
_PROJECT = (
    "the project is not the one these credentials are for: check project_id, "
    "and auth.iam.project_name if it is given"
)
_CREDENTIALS = "check the credentials in auth, and what they may do in this project and region"
_SIGNATURE = "the key or token is not accepted: check auth, and the clock of this machine"
_REQUEST = "the request itself is refused: check project_id, region and endpoint"
_NO_SUCH_API = "the gateway has no such API: check endpoint and region"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a refusal says: its most telling code, its message, the HTTP status in its numbers."""

    code: str = ""
    message: str = ""
    status: int | None = None
    generic: bool = False
    """Whether the code says nothing but a status: then the message may say more."""
    any: bool = False
    """Whether anything in the body is in the words of the family."""


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    document = answer.decoded()
    succeeded = 200 <= answer.status < 300
    if succeeded and not _claims_failure(document):
        return None
    words = _read(document)
    if not succeeded and (is_storage(answer) or not words.any):
        stored = is_storage(answer)
        return unlike(_API, "an object storage") if stored else judge_stranger(answer, _API)
    refusal = _judge(answer.status, words)
    if refusal is not None:
        return refusal
    # What a service has to say within a 400 or a success is more telling than that.
    told = words.status if words.status and (succeeded or answer.status == 400) else None
    if succeeded and told is None:
        return Refusal(
            reason=Reason.SERVER, code=safe_code(words.code), detail=safe_detail(words.message)
        )
    refusal = by_status(told or answer.status, words.code, words.message)
    if refusal.reason is Reason.SERVER and words.generic and not refusal.retryable:
        return replace(refusal, advice=_REQUEST)
    return refusal


def names_gateway(code: str) -> bool:
    """Say whether a code is one of the gateway: the service behind it was not asked."""
    return _GATEWAY.fullmatch(code) is not None


def _judge(status: int, words: _Words) -> Refusal | None:
    code, message = words.code, words.message
    safe = safe_code(code)
    if code in _NO_SUCH_JOB:
        return Refusal(reason=Reason.NOT_FOUND, code=safe, detail=safe_detail(message), gone=True)
    if code in _AUTH:
        return Refusal(reason=Reason.AUTH, code=safe, rejected=status == 401, advice=_CREDENTIALS)
    if code in _PASSING:
        detail = safe_detail(message)
        return Refusal(reason=Reason.SERVER, code=safe, detail=detail, retryable=True)
    gateway = _GATEWAY.fullmatch(code)
    if gateway:
        return _judge_gateway(gateway[1], safe, status, message)
    refused = {status, words.status} & {401, 403}
    if (status == 400 or refused) and _means_other_project(words):
        # Nothing is wrong with the credentials themselves, but none of theirs is answered.
        return Refusal(reason=Reason.AUTH, code=safe, rejected=401 in refused, advice=_PROJECT)
    if refused:
        return Refusal(reason=Reason.AUTH, code=safe, rejected=401 in refused, advice=_CREDENTIALS)
    return None


def _means_other_project(words: _Words) -> bool:
    # A code that says nothing of its own comes with a message about the one thing that is wrong.
    pattern = _PROJECT_NAMED if words.generic else _OTHER_PROJECT
    return pattern.search(words.message[:_LONGEST_LOOK]) is not None


def _judge_gateway(number: str, code: str, status: int, message: str) -> Refusal | None:
    if number in _GATEWAY_AUTH:
        # 0301 is what counts towards the lock of an access key after five in a row.
        rejected = number == "0301"
        advice = _SIGNATURE if rejected else _CREDENTIALS
        return Refusal(reason=Reason.AUTH, code=code, rejected=rejected, advice=advice)
    if number in _GATEWAY_THROTTLED:
        return Refusal(reason=Reason.THROTTLED, code=code, retryable=True)
    if number in _GATEWAY_NO_SUCH_API:
        return replace(by_status(status, code, message), advice=_NO_SUCH_API)
    return None


def _claims_failure(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return False
    claim = document.get("is_success")
    return claim is False or (isinstance(claim, str) and claim.strip().casefold() == "false")


def _read(document: Any) -> _Words:
    """Find the most telling code: a word before a number, a long number before a bare status."""
    if isinstance(document, list):
        document = document[0] if document else None
    found: list[tuple[str, str]] = []
    faults: list[tuple[str, str]] = []
    for name, level in _levels(document):
        pairs = list(_pairs(level))
        found += pairs
        if name in _FAULTS:
            faults.append((name, pairs[0][1] if pairs else _text(level.get("message"))))
    statuses = [_FAULTS[name] for name, _ in faults]
    statuses += [status for code, _ in found if (status := _status_in(code)) is not None]
    status = statuses[0] if statuses else None
    by_telling = sorted(found, key=lambda pair: _telling(pair[0]), reverse=True)
    if faults and (not found or _telling(by_telling[0][0]) == 0):
        code, message = faults[0]
    elif found:
        code, message = by_telling[0]
    else:
        lone = _text(document.get("message")) if isinstance(document, Mapping) else ""
        # An empty object is in nobody's words.
        return _Words(message=lone, any=bool(lone) or document == {})
    message = message or next((text for _, text in (*found, *faults) if text), "")
    generic = code in _FAULTS or _status_in(code) is not None
    return _Words(code=code, message=message, status=status, generic=generic, any=True)


def _levels(document: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the objects of a document, outer ones first, with the names they stand under."""
    level = [("", document)] if isinstance(document, Mapping) else []
    left = _MOST_LEVELS
    for _ in range(_DEEPEST):
        inner: list[tuple[str, Mapping[str, Any]]] = []
        for name, fields in level[:left]:
            yield name, fields
            inner += [(name, each) for name, each in fields.items() if isinstance(each, Mapping)]
        left -= len(level)
        level = inner[: max(left, 0)]


def _pairs(level: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for code_name, message_name in _PAIRS:
        code = level.get(code_name)
        if code is not None and not isinstance(code, Mapping | list):
            yield str(code), _text(level.get(message_name)) or _text(level.get("details"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _telling(code: str) -> int:
    if any(letter.isalpha() for letter in code):
        return 2
    return 1 if len(code) > 3 else 0


def _status_in(code: str) -> int | None:
    """Return the HTTP status that a number holds: 401, SYS.0401 or 111401001."""
    match = _STATUS_IN_NUMBER.fullmatch(code)
    return int(match[match.lastindex or 0]) if match else None
