"""Read what STS and the like answer: temporary keys, or why there are none. Pure functions.

Vendor pages: "AssumeRole", "AssumeRoleWithOIDC", "Use RRSA to authorize different pods" (its table
of errors), "Common error codes". A message may repeat what was sent, so only codes are told.
"""

import re
from collections.abc import Mapping

import httpx

from exporter.auth.assumed_role import by_segments
from exporter.auth.credentials import Credentials, found_at
from exporter.auth.renewal import parse_expiry
from exporter.errors import CredentialError, FetchError, Reason
from exporter.pacing import parse_retry_after

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_THROTTLED = frozenset({"throttling", "toomanyrequests"})
_NOT_STS = "this is no STS: check auth.sts_endpoint"

# By the segments that a code begins with, the longest match counts.
_SENTENCES: Mapping[str, tuple[Reason, str]] = {
    "EntityNotExist.Role": (Reason.AUTH, "the role does not exist"),
    "EntityNotExist": (Reason.AUTH, "the role or its identity provider does not exist"),
    "NoPermission": (
        Reason.AUTH,
        "the role does not trust these credentials, they lack sts:AssumeRole, "
        "or the external id is not the one it wants",
    ),
    "ImplicitDeny": (Reason.AUTH, "these credentials lack sts:AssumeRole"),
    "AuthenticationFail.NoPermission": (
        Reason.AUTH,
        "the role does not trust this pod, or the OIDC provider is not registered",
    ),
    "AuthenticationFail.OIDCToken.Expired": (Reason.AUTH, "the OIDC token has expired"),
    "AuthenticationFail.OIDCToken.AudienceNotMatch": (
        Reason.AUTH,
        "the OIDC token is for another audience, RRSA wants sts.aliyuncs.com",
    ),
    "AuthenticationFail.OIDCToken.IssuerNotMatch": (
        Reason.AUTH,
        "the OIDC token was issued by another than the OIDC provider",
    ),
    "AuthenticationFail.OIDCToken": (Reason.AUTH, "the OIDC token is refused"),
    "AuthenticationFail": (Reason.AUTH, "the OIDC token or its provider is refused"),
    "InvalidParameter.OIDCToken": (Reason.AUTH, "the OIDC token is none"),
    "InvalidParameter.DurationSeconds": (
        Reason.AUTH,
        "the role does not allow sessions of this duration",
    ),
    "InvalidParameter.RoleSessionName": (Reason.AUTH, "the session name is refused"),
    "InvalidParameter.RoleArn": (Reason.AUTH, "the ARN of the role is refused"),
    "InvalidParameter.PolicyGrammar": (Reason.AUTH, "the policy is none"),
    "InvalidAccessKeyId": (Reason.AUTH, "the access key is not known or disabled"),
    "SignatureDoesNotMatch": (Reason.AUTH, "the secret of the access key is wrong"),
    "InvalidSecurityToken": (Reason.AUTH, "the keys to assume the role with have ended"),
    "InvalidTimeStamp": (Reason.AUTH, "the clock of this machine is wrong"),
    "InternalError": (Reason.SERVER, ""),
    "ServiceUnavailable": (Reason.SERVER, ""),
    "InvalidAction": (Reason.NOT_FOUND, _NOT_STS),
    "InvalidVersion": (Reason.NOT_FOUND, _NOT_STS),
}
_BY_STATUS = {
    400: Reason.AUTH,
    401: Reason.AUTH,
    403: Reason.AUTH,
    404: Reason.NOT_FOUND,
}


def read_sts_refusal(response: httpx.Response, operation: str, now: float) -> FetchError | None:
    """Return why an answer is a refusal, or None when it is none."""
    status = response.status_code
    if status == 200:
        return None
    code = _code(response)
    reason, detail = _judge(response, code)
    return FetchError(
        reason,
        operation,
        status=status,
        code=code,
        detail=detail,
        retry_after=_retry_after(response, now),
        retryable=reason is Reason.THROTTLED or status in {500, 502, 503, 504},
    )


def _judge(response: httpx.Response, code: str) -> tuple[Reason, str]:
    status = response.status_code
    if status >= 500:
        return Reason.SERVER, ""
    segments = code.casefold().split(".")
    if status == 429 or _vendors_pause(response) or not _THROTTLED.isdisjoint(segments):
        return Reason.THROTTLED, ""
    if code:
        return _sentence(code, status)
    # An object storage says so as well, of any address and as XML.
    if status in {401, 403} and response.content.lstrip()[:5] != b"<?xml":
        return Reason.AUTH, ""
    return Reason.INVALID_RESPONSE, _NOT_STS


def _vendors_pause(response: httpx.Response) -> float | None:
    # Milliseconds, as the vendor's own SDK understands it.
    text = response.headers.get("x-acs-retry-after", "").strip()
    usable = text.isascii() and text.isdigit() and len(text) < 10 and text.strip("0")
    return int(text) / 1000 if usable else None


def _retry_after(response: httpx.Response, now: float) -> float | None:
    pause = _vendors_pause(response)
    return pause or parse_retry_after(response.headers.get("Retry-After"), now)


def _sentence(code: str, status: int) -> tuple[Reason, str]:
    found = by_segments(code, _SENTENCES)
    if found is not None:
        return found
    if status in _BY_STATUS:
        return _BY_STATUS[status], ""
    return Reason.INVALID_RESPONSE, _NOT_STS


def _code(response: httpx.Response) -> str:
    document = _object(response)
    code = document.get("Code") if document is not None else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def parse_role_keys(
    response: httpx.Response, operation: str, name: str = "Credentials"
) -> Credentials:
    """Return the temporary keys of an answer, which holds them under a name, or is them for none.

    Raises FetchError with reason invalid_response when it has none that can be used.
    """
    document = _object(response) or {}
    fields = document.get(name) if name else document
    try:
        if isinstance(fields, Mapping):
            return parse_keys(fields, operation)
    except CredentialError:
        # It says which of them is missing; here all come from the same answer.
        pass
    raise FetchError(
        Reason.INVALID_RESPONSE,
        operation,
        status=response.status_code,
        detail="no usable keys, security token and expiry in the answer",
    )


def parse_keys(fields: Mapping[str, object], place: str) -> Credentials:
    """Read temporary keys as all services of the vendor write them.

    Raises CredentialError naming the place when one is missing or cannot be used.
    """
    try:
        expires_at = parse_expiry(fields.get("Expiration"))
    except ValueError:
        raise CredentialError(f"{place}: the keys have no readable expiry") from None
    access_key, secret_key, token = (
        value if isinstance(value := fields.get(name), str) else ""
        for name in ("AccessKeyId", "AccessKeySecret", "SecurityToken")
    )
    found = found_at(place, access_key, secret_key, token, expires_at)
    if not token:
        raise CredentialError(f"{place}: the keys have no security token")
    return found


def _object(response: httpx.Response) -> Mapping[str, object] | None:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, Mapping) else None
