"""Understand refusals of Alibaba Cloud: foas, ververica and the gateway before them.

The gateway answers `{"RequestId", "HostId", "Code", "Message", "Recommend"}` as JSON, or the same
as XML under `<Error>`; throttling comes with any status, so header and code are judged before it.
A code has segments, of which any may be the telling one: `Throttling.User`, `Rejected.Throttling`.
ververica answers HTTP 200 with `success: false`, `errorCode` and `errorMessage`, or with an
`httpCode` that is not 200; its own codes are numbers. Apsara Stack refuses within HTTP 200 too,
with `asapiSuccess: false`. The message of SignatureDoesNotMatch quotes what was signed and is
dropped with all messages about credentials. Vendor pages: "Common error codes", "ListDeployments";
the vendor's SDKs (alibabacloud-tea-openapi) for x-acs-retry-after and (for Apsara Stack)
asapiSuccess.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code, safe_detail
from exporter.upstream.refusals.strangers import is_storage, judge_stranger, unlike

_API = "API of Alibaba Cloud"

# Segments of codes, without case and underscores: ververica's documentation writes NO_PERMISSION.
_THROTTLED = frozenset({"throttling", "toomanyrequests"})
_REJECTED = frozenset(
    {
        *("invalidaccesskeyid", "missingaccesskeyid", "invalidaccesskeysecret"),
        *("signaturedoesnotmatch", "incompletesignature", "invalidsignature"),
        *("invalidtimestamp", "illegaltimestamp", "signaturenonceused"),
        *("invalidsecuritytoken", "missingsecuritytoken", "securitytokenexpired"),
    }
)
_FORBIDDEN = frozenset(
    {
        *("forbidden", "accessforbidden", "accessdenied", "permissiondenied", "nopermission"),
        *("unauthorized", "unauthorizedoperation", "notauthorized"),
        *("invalidaccount", "invalidaccountstatus"),
    }
)
_PASSING = frozenset({"internalerror", "serviceunavailable", "unknownerror"})
_NO_SUCH_API = frozenset(
    {
        *("invalidaction", "invalidversion", "invalidapi", "invalidproduct", "apinotfound"),
        *("unsupportedhttpmethod", "unsupportedprotocol", "missingparameter"),
    }
)
_MISSING = re.compile(r"Not_?(Found|Exist)", re.IGNORECASE)
_NUMBERED_MISSING = frozenset({"990301"})
"""Business codes of ververica: "does not exist", of a deployment as of the namespace around it."""
_KEYS = "the access key is not accepted: check auth, and the clock of this machine"
_RIGHTS = (
    "the user may not do this: allow it in a RAM policy, "
    "and make it a member of the namespace or project"
)
_XML_CODE = re.compile(rb"<Code>([A-Za-z0-9._-]{1,64})</Code>")
_CLAIMS = ("success", "Success", "asapiSuccess")
_PAIRS = (
    ("Code", "Message"),
    ("errorCode", "errorMessage"),
    ("code", "message"),
    ("reason", "message"),
    ("asapiErrorCode", "asapiErrorMessage"),
)
_OWN_WORDS = frozenset(
    {
        *("RequestId", "requestId", "requestid", "HostId", "Code", "code", "errorCode"),
        *("success", "asapiSuccess", "errorMessage", "Message", "message"),
    }
)


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    document = answer.decoded()
    status = answer.status
    if 200 <= status < 300:
        told = _told_status(document)
        if told is None and not _claims_failure(document):
            return None
        status = told or status
    code, message = _code_and_message(document)
    if not code and (match := _XML_CODE.search(answer.body[:65536])):
        code = match[1].decode("ascii")
    if answer.status >= 400 and (is_storage(answer) or not (code or _in_own_words(document))):
        # Nothing but the gateway's own header is believed of somebody else.
        return _throttled_by_header(answer, "") or (
            unlike(_API, "an object storage") if is_storage(answer) else _judge_stranger(answer)
        )
    refusal = _throttled_by_header(answer, code) or _judge(answer, code, message)
    if refusal is not None:
        return refusal
    if 400 <= status <= 599:
        # Said within an answer with status 200, the signature itself was accepted.
        refused = by_status(status, code, message)
        return replace(refused, rejected=refused.rejected and status == answer.status)
    if 200 <= answer.status < 300:
        return Refusal(reason=Reason.SERVER, code=safe_code(code), detail=safe_detail(message))
    return by_status(answer.status, code, message)


def names_no_such_api(code: str) -> bool:
    """Say whether a code means that the gateway has no such call, whatever it was asked about."""
    return not _segments(code).isdisjoint(_NO_SUCH_API)


def _judge_stranger(answer: Answer) -> Refusal:
    return judge_stranger(answer, _API)


def _judge(answer: Answer, code: str, message: str) -> Refusal | None:
    safe, segments = safe_code(code), _segments(code)
    if not segments.isdisjoint(_THROTTLED):
        return Refusal(
            reason=Reason.THROTTLED, code=safe, retryable=True, retry_after=_retry_after(answer)
        )
    if not segments.isdisjoint(_REJECTED):
        return Refusal(reason=Reason.AUTH, code=safe, rejected=True, advice=_KEYS)
    if not segments.isdisjoint(_FORBIDDEN):
        return Refusal(reason=Reason.AUTH, code=safe, advice=_RIGHTS)
    if not segments.isdisjoint(_PASSING):
        detail = safe_detail(message)
        return Refusal(reason=Reason.SERVER, code=safe, detail=detail, retryable=True)
    if _MISSING.search(code) or code in _NUMBERED_MISSING:
        # Products say this with 400, 404, or 200 and `success: false`. Of what they say it, a job
        # or the project around it, only the platform can judge: nothing is `gone` by this alone.
        advice = (
            "the gateway has no such call: check endpoint and region"
            if names_no_such_api(code)
            else ""
        )
        return Refusal(
            reason=Reason.NOT_FOUND, code=safe, detail=safe_detail(message), advice=advice
        )
    return None


def _segments(code: str) -> frozenset[str]:
    return frozenset(code.casefold().replace("_", "").replace("-", "").split("."))


def _throttled_by_header(answer: Answer, code: str) -> Refusal | None:
    # The vendor's SDKs throttle themselves by this header before they look at any code.
    text = answer.headers.get("x-acs-retry-after", "").strip()
    if answer.status < 400 or not (text.isascii() and text.isdigit() and text.strip("0")):
        return None
    return Refusal(
        reason=Reason.THROTTLED,
        code=safe_code(code),
        retryable=True,
        retry_after=_retry_after(answer),
    )


def _retry_after(answer: Answer) -> float | None:
    # The vendor's own SDK sleeps this number of milliseconds.
    text = answer.headers.get("x-acs-retry-after", "").strip()
    return int(text) / 1000 if text.isascii() and text.isdigit() and len(text) < 10 else None


def _claims_failure(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return False
    return any(_is_false(document.get(name)) for name in _CLAIMS)


def _is_false(claim: object) -> bool:
    return claim is False or (isinstance(claim, str) and claim.strip().casefold() == "false")


def _told_status(document: Any) -> int | None:
    """Return the `httpCode` of an answer that is not 200, 0 when it is no status at all."""
    told = document.get("httpCode") if isinstance(document, Mapping) else None
    text = told.strip() if isinstance(told, str) else told
    if text is None or text == "200" or (text == 200 and not isinstance(text, bool)):
        return None
    number = str(text)
    return int(number) if re.fullmatch(r"[1-5][0-9]{2}", number) else 0


def _in_own_words(document: Any) -> bool:
    # An empty object is in nobody's words.
    return document == {} or (isinstance(document, Mapping) and not _OWN_WORDS.isdisjoint(document))


def _code_and_message(document: Any) -> tuple[str, str]:
    if not isinstance(document, Mapping):
        return "", ""
    numbered = None
    for code_name, message_name in _PAIRS:
        code, message = document.get(code_name), document.get(message_name)
        text = message if isinstance(message, str) else ""
        # On success ververica has been seen to send two quotation marks as the code.
        if isinstance(code, str) and code.strip('"'):
            return code, text
        if numbered is None and isinstance(code, int) and not isinstance(code, bool):
            numbered = (str(code)[:64], text)
    if numbered is not None:
        return numbered
    named = (document.get(name) for _, name in _PAIRS[1:2] + _PAIRS[-1:])
    return "", next((text for text in named if isinstance(text, str)), "")
