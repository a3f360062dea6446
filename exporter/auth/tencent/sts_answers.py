"""Read what Tencent Cloud's STS answers: the keys of a role, or why there are none. Pure functions.

Vendor pages: "AssumeRole" and "AssumeRoleWithWebIdentity" of STS 2018-08-13, with their error
codes. Refusals come with status 200; a message may repeat what was sent, so only codes are told.
"""

import re
from collections.abc import Mapping
from math import isfinite

import httpx

from exporter.auth.assumed_role import by_segments
from exporter.auth.credentials import Credentials, found_at
from exporter.errors import CredentialError, FetchError, Reason
from exporter.pacing import parse_retry_after

_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
_NOT_STS = "this is no STS: check sts_endpoint"
_TRUST = (
    "the role does not trust these credentials, they lack sts:AssumeRole, "
    "or the external id is not the one it wants"
)
_KEY = "the key is not known or disabled, or of the other site"

# By the segments that a code begins with, the longest match counts.
_SENTENCES: Mapping[str, tuple[Reason, str]] = {
    "ResourceNotFound.RoleNotFound": (Reason.AUTH, "the role does not exist"),
    "UnauthorizedOperation": (Reason.AUTH, _TRUST),
    "AuthFailure.UnauthorizedOperation": (Reason.AUTH, _TRUST),
    "AuthFailure.SecretIdNotFound": (Reason.AUTH, _KEY),
    "AuthFailure.InvalidSecretId": (Reason.AUTH, _KEY),
    "AuthFailure.AccessKeyIllegal": (Reason.AUTH, _KEY),
    "AuthFailure.SignatureFailure": (Reason.AUTH, "the secret of the key is wrong"),
    "AuthFailure.SignatureExpire": (Reason.AUTH, "the clock of this machine is wrong"),
    "AuthFailure.TokenFailure": (Reason.AUTH, "the keys to assume the role with have ended"),
    "InvalidParameter.WebIdentityTokenError": (Reason.AUTH, "the token of the pod is refused"),
    "InvalidParameter.OverTimeError": (
        Reason.AUTH,
        "the role does not allow sessions of this duration",
    ),
    # The vendor has no word of its own for these three, and puts them where they are not looked
    # for: the first is a limit of rate, the others are about the role and pass by no waiting.
    "InvalidParameter.OverLimit": (Reason.THROTTLED, ""),
    "InternalError.IllegalRole": (Reason.AUTH, "the role cannot be assumed"),
    "InternalError.GetRoleError": (Reason.AUTH, "STS does not find the role"),
    "RequestLimitExceeded": (Reason.THROTTLED, ""),
    "InternalError": (Reason.SERVER, ""),
    "InvalidAction": (Reason.INVALID_RESPONSE, _NOT_STS),
    "NoSuchVersion": (Reason.INVALID_RESPONSE, _NOT_STS),
    "NoSuchProduct": (Reason.INVALID_RESPONSE, _NOT_STS),
}
_PASSING = frozenset({Reason.THROTTLED, Reason.SERVER})


def parse_role_keys(response: httpx.Response, operation: str, now: float) -> Credentials:
    """Return the temporary keys of an answer; raises FetchError when it is a refusal, or no answer.

    Whatever is refused is refused to the identity that was set up: its reason is auth, unless it
    passes by waiting. `now` is what a date to wait for is compared with.
    """
    if response.status_code != 200:
        raise _stranger(response, operation, now)
    answer = _answer(response)
    if answer is None:
        raise _invalid(operation, _NOT_STS)
    error = answer.get("Error")
    if isinstance(error, Mapping):
        raise _refusal(operation, error.get("Code"))
    keys, expires_at = answer.get("Credentials"), answer.get("ExpiredTime")
    if not isinstance(keys, Mapping) or not _is_number(expires_at):
        raise _invalid(operation, "no keys with an ExpiredTime in the answer")
    found = (keys.get(name) for name in ("TmpSecretId", "TmpSecretKey", "Token"))
    secret_id, secret_key, token = (each if isinstance(each, str) else "" for each in found)
    try:
        credentials = found_at(operation, secret_id, secret_key, token, float(str(expires_at)))
    except CredentialError:
        credentials = None
    # Raised out here: the exception above may hold what could not be used.
    if credentials is None or not token:
        raise _invalid(operation, "the keys in the answer are none")
    return credentials


def _is_number(value: object) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and isfinite(float(str(value)))


def _stranger(response: httpx.Response, operation: str, now: float) -> FetchError:
    # Its own refusals come with status 200: this is somebody on the way.
    status = response.status_code
    reason = Reason.SERVER if status >= 500 else Reason.INVALID_RESPONSE
    reason = Reason.THROTTLED if status == 429 else reason
    return FetchError(
        reason,
        operation,
        status=status,
        detail="not in the words of STS",
        retry_after=parse_retry_after(response.headers.get("Retry-After"), now),
        retryable=reason in _PASSING,
    )


def _answer(response: httpx.Response) -> Mapping[str, object] | None:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return None
    answer = document.get("Response") if isinstance(document, dict) else None
    return answer if isinstance(answer, Mapping) else None


def _refusal(operation: str, told: object) -> FetchError:
    code = told if isinstance(told, str) and _CODE.fullmatch(told) else ""
    reason, detail = _sentence(code)
    return FetchError(
        reason, operation, status=200, code=code, detail=detail, retryable=reason in _PASSING
    )


def _sentence(code: str) -> tuple[Reason, str]:
    found = by_segments(code, _SENTENCES)
    if found is not None:
        return found
    return Reason.AUTH, "" if code else "refused without a code"


def _invalid(operation: str, detail: str) -> FetchError:
    return FetchError(Reason.INVALID_RESPONSE, operation, status=200, detail=detail)
