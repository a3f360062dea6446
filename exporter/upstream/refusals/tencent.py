"""Understand refusals of Tencent Cloud's API 3.0: Oceanus, Cloud Monitor, the gateway before them.

They come with HTTP 200, as `{"Response": {"Error": {"Code", "Message"}, "RequestId"}}`; any other
status is somebody's on the way. A code has segments, of which the first is the family:
`AuthFailure.SignatureExpire`, `ResourceNotFound.JobId`. `LimitExceeded` is a quota of the product
and no throttling. Messages about credentials are dropped: they quote ids and what was signed.
Vendor pages: "Responses" and "Error codes" of API 3.0, "Error codes" of Oceanus.
"""

from collections.abc import Mapping
from typing import Any

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, Refusal, by_status, safe_code, safe_detail
from exporter.upstream.refusals.strangers import is_page, judge_stranger, kind, unlike

API = "API of Tencent Cloud"

_REJECTED = frozenset(
    {
        *("SignatureExpire", "SignatureFailure", "SecretIdNotFound", "InvalidSecretId"),
        *("InvalidAuthorization", "TokenFailure"),
    }
)
"""Of AuthFailure: what is about the key itself and not about what it may do."""
_NO_JOB = frozenset({"ResourceNotFound.JobId", "ResourceNotFound.Job"})
_NO_SUCH_CALL = frozenset({"InvalidAction", "NoSuchVersion", "NoSuchProduct", "ActionOffline"})
_PASSING = frozenset({"InternalError", "ResourceUnavailable", "ServiceUnavailable"})
_CLOCK = "the clocks differ by more than five minutes: check the time of this machine"
_MEMBER = "the account is no member of the work space: add it there, CAM alone is not enough"
_RIGHTS = "the account may not do this: give it a CAM policy that allows it"
_KEYS = "the platform does not take these credentials: check auth, and that they are of this site"
_CALL = "the gateway has no such call: check endpoint"
_REGION = "the platform does not know this region, or does not serve it here: check region"


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    response = _response(answer)
    if response is None:
        if 200 <= answer.status < 300:
            return unlike(API, kind(answer)) if is_page(answer) else None
        return judge_stranger(answer, API)
    error = response.get("Error")
    if error is None and 200 <= answer.status < 300:
        return None
    fields: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    told, message = fields.get("Code"), fields.get("Message")
    code = safe_code(told)
    if not code:
        if 200 <= answer.status < 300:
            return Refusal(reason=Reason.SERVER, detail=safe_detail(message))
        return by_status(answer.status, "", message if isinstance(message, str) else "")
    return _judge(code, message)


def _judge(code: str, message: object) -> Refusal:
    family, _, member = code.partition(".")
    if family == "RequestLimitExceeded":
        return Refusal(reason=Reason.THROTTLED, code=code, retryable=True)
    if family == "AuthFailure":
        return _judge_credentials(code, member)
    if family == "UnauthorizedOperation":
        return Refusal(reason=Reason.AUTH, code=code, advice=_RIGHTS)
    if code == "UnsupportedOperation.NoPermissionAccess":
        return Refusal(reason=Reason.AUTH, code=code, advice=_MEMBER)
    detail = safe_detail(message)
    if family == "ResourceNotFound":
        gone = code in _NO_JOB
        return Refusal(reason=Reason.NOT_FOUND, code=code, detail=detail, gone=gone)
    if family in _PASSING:
        # A job without a running instance is told this way too, and will not have one in a moment.
        retryable = family != "ResourceUnavailable" and member != "JobInstanceNotFound"
        return Refusal(reason=Reason.SERVER, code=code, detail=detail, retryable=retryable)
    advice = _CALL if family in _NO_SUCH_CALL else ""
    advice = _REGION if member in ("InvalidRegion", "UnsupportedRegion") else advice
    advice = _REGION if family == "UnsupportedRegion" else advice
    return Refusal(reason=Reason.INVALID_RESPONSE, code=code, detail=detail, advice=advice)


def _judge_credentials(code: str, member: str) -> Refusal:
    if member not in _REJECTED:
        return Refusal(reason=Reason.AUTH, code=code, advice=_RIGHTS)
    advice = _CLOCK if member == "SignatureExpire" else _KEYS
    return Refusal(reason=Reason.AUTH, code=code, rejected=True, advice=advice)


def _response(answer: Answer) -> Mapping[str, Any] | None:
    """Return what the API says; None when this is nothing of it."""
    document = answer.decoded()
    response = document.get("Response") if isinstance(document, Mapping) else None
    return response if isinstance(response, Mapping) else None
