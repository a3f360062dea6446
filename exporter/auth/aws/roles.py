"""Take a role for a while: AssumeRole and AssumeRoleWithWebIdentity of STS, version 2011-06-15.

Vendor pages: both operations in the API Reference of the AWS Security Token Service. It speaks the
query protocol: a form is posted, XML comes back. What somebody may assume, and until when, is a
secret like a key: nothing of a request or an answer but a code gets into an error.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import httpx

from exporter.auth import canonical
from exporter.auth.aws.sending import SendAs
from exporter.auth.aws.settings import SESSION_NAME
from exporter.auth.aws.signature import AwsSignatureAuth
from exporter.auth.credentials import CredentialProvider, Credentials, found_at
from exporter.auth.renewal import parse_expiry
from exporter.errors import CredentialError, FetchError, Reason, UnusableError
from exporter.files import read_text
from exporter.pacing import Clock, parse_retry_after
from exporter.runtime import Wait

ASSUME_ROLE = "AssumeRole"
ASSUME_ROLE_WITH_WEB_IDENTITY = "AssumeRoleWithWebIdentity"

_VERSION = "2011-06-15"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_MOST_TOKEN = 64 * 1024
_STORAGE = re.compile(r"<Code>|<List(?:AllMyBuckets|Bucket)Result")
"""What an object storage says that is asked as if it were STS."""
_CODE = re.compile(r"<Code>([A-Za-z0-9._-]{1,64})</Code>")
_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
)
_PASSING = frozenset({"IDPCommunicationError", "InternalFailure", "ServiceUnavailable"})
_ADVICE = {
    "AccessDenied": (
        "may the identity assume this role, and does the trust policy of the role name it, "
        "with this external_id?"
    ),
    "RegionDisabledException": "STS is not active in this region for the account",
    "SignatureDoesNotMatch": "the secret access key is wrong, or the clock of this machine",
    "ExpiredTokenException": "the token has expired",
}
_BY_STATUS = {
    400: Reason.AUTH,
    401: Reason.AUTH,
    403: Reason.AUTH,
    404: Reason.NOT_FOUND,
}
_NOT_STS = "this is no STS: check sts_endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Which role to take, and under what name."""

    arn: str
    session_name: str = SESSION_NAME
    external_id: str = ""
    duration_seconds: int | None = None

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Return what both operations are told of it."""
        fields = [("RoleArn", self.arn), ("RoleSessionName", self.session_name)]
        if self.duration_seconds is not None:
            fields.append(("DurationSeconds", str(self.duration_seconds)))
        return fields


class SecurityTokenService:
    """STS of one region; without an `endpoint` whoever needs it is told to name one."""

    def __init__(
        self, endpoint: str | None, *, region: str, send: SendAs, aside: Wait, clock: Clock
    ) -> None:
        self._endpoint = endpoint
        self._region = region
        self._send = send
        self._aside = aside
        self._clock = clock

    async def assume(self, role: Role, base: CredentialProvider) -> Credentials:
        """Return keys of a role that the identity of `base` may assume.

        Raises FetchError when STS does not give them, UnusableError when it is not known where it
        is.
        """
        fields = role.fields
        if role.external_id:
            fields.append(("ExternalId", role.external_id))
        auth = AwsSignatureAuth(base, region=self._region, service="sts", clock=self._clock)
        return await self._ask(ASSUME_ROLE, fields, auth)

    async def assume_by_token(self, role: Role, token_file: Path) -> Credentials:
        """Return keys of a role for the token in a file, which is read anew each time.

        Raises FetchError when STS does not give them, UnusableError when the file cannot be used.
        """
        try:
            token = (
                await self._aside(lambda: read_text(token_file, _MOST_TOKEN), token_file)
            ).strip()
        except OSError as exc:
            problem = (exc.strerror or "cannot be read").lower()
            raise UnusableError(f"{token_file}: {problem}") from None
        except UnicodeDecodeError:
            raise UnusableError(f"{token_file}: not a token") from None
        # No signature: the token is all that proves who asks.
        fields = [*role.fields, ("WebIdentityToken", token)]
        return await self._ask(ASSUME_ROLE_WITH_WEB_IDENTITY, fields, None)

    async def _ask(
        self, operation: str, fields: list[tuple[str, str]], auth: httpx.Auth | None
    ) -> Credentials:
        if self._endpoint is None:
            raise UnusableError(
                "sts_endpoint is required: endpoint is not one of AWS in this region, and nobody "
                "is asked for a role by guess"
            )
        form = [("Action", operation), ("Version", _VERSION), *fields]
        body = "&".join(f"{name}={canonical.encode(value)}" for name, value in form)
        request = httpx.Request(
            "POST", f"{self._endpoint}/", headers={"Content-Type": _FORM}, content=body.encode()
        )
        response = await self._send(request, operation, auth=auth)
        await response.aread()
        return read_credentials(operation, response, self._clock())


class AssumedRole:
    """The keys of a role that another identity may assume."""

    def __init__(self, service: SecurityTokenService, role: Role, base: CredentialProvider) -> None:
        self._service = service
        self._role = role
        self._base = base

    async def credentials(self) -> Credentials:
        """Ask for new keys; raises FetchError or CredentialError."""
        return await self._service.assume(self._role, self._base)


class WebIdentityRole:
    """The keys of a role for a token that somebody else keeps fresh in a file."""

    def __init__(self, service: SecurityTokenService, role: Role, token_file: Path) -> None:
        self._service = service
        self._role = role
        self._token_file = token_file

    async def credentials(self) -> Credentials:
        """Ask for new keys; raises FetchError or CredentialError."""
        return await self._service.assume_by_token(self._role, self._token_file)


def read_credentials(operation: str, response: httpx.Response, now: float) -> Credentials:
    """Read the keys of an answer; raises FetchError when it holds none."""
    # Whatever is no UTF-8 text becomes something that matches nothing.
    text = response.content.decode("utf-8", "replace")
    if response.status_code != 200:
        raise _refusal(operation, response, text, now)
    found: Credentials | None = None
    if f"<{operation}Response" in text[:1024]:
        try:
            found = found_at(
                "STS",
                _element(text, "AccessKeyId"),
                _element(text, "SecretAccessKey"),
                _element(text, "SessionToken"),
                parse_expiry(_element(text, "Expiration")),
            )
        except (ValueError, CredentialError):
            found = None
    # Raised out here: the exceptions above may hold what they could not read.
    if found is None:
        detail = f"no usable credentials; {_NOT_STS}"
        raise FetchError(Reason.INVALID_RESPONSE, operation, status=200, detail=detail)
    return found


def _element(text: str, name: str) -> str:
    # Base64, names and times: nothing in them is ever written as an entity.
    match = re.search(rf"<{name}>\s*([^<&\s]{{1,16384}})\s*</{name}>", text)
    return match[1] if match else ""


def _refusal(operation: str, response: httpx.Response, text: str, now: float) -> FetchError:
    status, match = response.status_code, _CODE.search(text[:65536])
    own = "<ErrorResponse" in text[:1024]
    code = match[1] if match and own else ""
    reason = _BY_STATUS.get(status, Reason.INVALID_RESPONSE)
    if not own and (status not in (401, 403) or _STORAGE.search(text[:65536])):
        # Any web server says no to a path that it does not have; a proxy before STS may well be
        # what refuses credentials, an object storage never is.
        reason = Reason.INVALID_RESPONSE
    if code in _THROTTLED or status == 429:
        reason = Reason.THROTTLED
    elif code in _PASSING or status >= 500:
        reason = Reason.SERVER
    detail = _NOT_STS if reason is Reason.INVALID_RESPONSE else _ADVICE.get(code, "")
    return FetchError(
        reason,
        operation,
        status=status,
        code=code,
        detail=detail,
        retry_after=parse_retry_after(response.headers.get("Retry-After"), now),
        retryable=reason in (Reason.THROTTLED, Reason.SERVER),
    )
