"""Log in to Tencent Cloud as the pod: STS exchanges the token of its service account for keys.

Vendor pages: "AssumeRoleWithWebIdentity" (sts 2018-08-13) and TKE's access management for pods,
which puts four variables and the token's file into the pod. The call is not signed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from exporter.auth import Send
from exporter.auth.cached_file import CachedFile
from exporter.auth.credentials import CredentialProvider, Credentials, UnsupportedSource, found_at
from exporter.errors import CredentialError, FetchError, Reason, UnusableError
from exporter.pacing import Clock
from exporter.runtime import Wait

OPERATION = "AssumeRoleWithWebIdentity"
PLACE = "TKE identity"
_VARIABLES = (
    "TKE_REGION",
    "TKE_PROVIDER_ID",
    "TKE_WEB_IDENTITY_TOKEN_FILE",
    "TKE_ROLE_ARN",
)
_LIFE_SECONDS = 7200
_SESSION = "streaming-job-exporter"
_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Login:
    """Whom to log in as, and where."""

    sts: str
    region: str
    provider_id: str
    role_arn: str


def web_identity(
    environ: Mapping[str, str], *, sts: str | None, send: Send, clock: Clock, aside: Wait
) -> CredentialProvider | None:
    """Return the identity of the pod as TKE sets it up; None where nothing of it is."""
    region, provider_id, file, role_arn = (environ.get(name, "") for name in _VARIABLES)
    missing = [name for name in _VARIABLES if not environ.get(name)]
    if len(missing) == len(_VARIABLES):
        return None
    if missing:
        return UnsupportedSource(f"{PLACE}: {' and '.join(missing)} not set")
    if sts is None:
        # The token must not be sent to another cloud than the one that is asked.
        return UnsupportedSource(
            f"{PLACE}: sts_endpoint is required, since endpoint is not a public one"
        )
    login = _Login(sts=sts, region=region, provider_id=provider_id, role_arn=role_arn)
    return WebIdentity(login, Path(file), send=send, clock=clock, aside=aside)


class WebIdentity:
    """Temporary keys for the token in a file, which is read anew at each login."""

    MARGIN_SECONDS = 0.1 * _LIFE_SECONDS
    """Renewed when nine tenths of its life are over, as the SDK does."""

    def __init__(self, login: _Login, path: Path, *, send: Send, clock: Clock, aside: Wait) -> None:
        self._login = login
        self._file = CachedFile(path, str.strip, aside=aside, named=True)
        self._send = send
        self._clock = clock

    async def credentials(self) -> Credentials:
        """Log in.

        Raises UnusableError when the file or STS will not have it, FetchError when STS cannot be
        reached or is out of order: another identity is used in neither case.
        """
        token = await self._file.read()
        if not token:
            raise UnusableError(f"{self._file.path}: empty")
        response = await self._send(self._request(token))
        await response.aread()
        return _read_keys(response)

    def _request(self, token: str) -> httpx.Request:
        login = self._login
        body = {
            "ProviderId": login.provider_id,
            "WebIdentityToken": token,
            "RoleArn": login.role_arn,
            "RoleSessionName": _SESSION,
            "DurationSeconds": _LIFE_SECONDS,
        }
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": "SKIP",
            "X-TC-Action": OPERATION,
            "X-TC-Version": "2018-08-13",
            "X-TC-Region": login.region,
            "X-TC-Timestamp": str(int(self._clock())),
            "X-TC-Language": "en-US",
        }
        content = json.dumps(body).encode()
        return httpx.Request("POST", f"{login.sts}/", headers=headers, content=content)


def _read_keys(response: httpx.Response) -> Credentials:
    answer = _answer(response)
    error = answer.get("Error")
    if isinstance(error, Mapping):
        raise _refusal(response.status_code, error.get("Code"))
    keys, expires_at = answer.get("Credentials"), answer.get("ExpiredTime")
    readable = isinstance(expires_at, int | float) and not isinstance(expires_at, bool)
    if not isinstance(keys, Mapping) or not readable:
        detail = "no keys with an ExpiredTime in the answer"
        raise FetchError(Reason.INVALID_RESPONSE, OPERATION, status=200, detail=detail)
    found = (keys.get(name) for name in ("TmpSecretId", "TmpSecretKey", "Token"))
    secret_id, secret_key, token = (each if isinstance(each, str) else "" for each in found)
    try:
        return found_at(PLACE, secret_id, secret_key, token, float(str(expires_at)))
    except CredentialError:
        detail = "the keys in the answer are none"
    raise FetchError(Reason.INVALID_RESPONSE, OPERATION, status=200, detail=detail)


def _answer(response: httpx.Response) -> Mapping[str, object]:
    status = response.status_code
    if status != 200:
        # Its own refusals come with status 200: this is somebody on the way.
        reason = Reason.SERVER if status >= 500 else Reason.INVALID_RESPONSE
        reason = Reason.THROTTLED if status == 429 else reason
        retryable = reason is not Reason.INVALID_RESPONSE
        detail = "not in the words of STS"
        raise FetchError(reason, OPERATION, status=status, detail=detail, retryable=retryable)
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    answer = document.get("Response") if isinstance(document, dict) else None
    # Raised out here: the parser's exception holds the text, and so perhaps a key.
    if not isinstance(answer, Mapping):
        detail = "the answer is none of STS: check sts_endpoint"
        raise FetchError(Reason.INVALID_RESPONSE, OPERATION, status=status, detail=detail)
    return answer


def _refusal(status: int, told: object) -> FetchError | UnusableError:
    code = told if isinstance(told, str) and _CODE.fullmatch(told) else ""
    family = code.partition(".")[0]
    if family == "RequestLimitExceeded":
        return FetchError(Reason.THROTTLED, OPERATION, status=status, code=code, retryable=True)
    if family == "InternalError":
        return FetchError(Reason.SERVER, OPERATION, status=status, code=code, retryable=True)
    return UnusableError(f"{PLACE}: STS refuses it: {code or 'without a code'}")
