"""Log in to Huawei Cloud IAM with user name and password, and send the token with each request.

Vendor page: IAM API reference, "Obtaining a user token through password authentication"
(KeystoneCreateUserTokenByPassword, POST /v3/auth/tokens). Tokens live for 24 hours, belong to one
region, and end early when the password or the user's permissions change.
"""

import json
import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx

from exporter.auth.guard import GuardBook
from exporter.auth.huawei import agency_token
from exporter.auth.huawei.agency import ADVICE as AGENCY_ADVICE
from exporter.auth.huawei.agency_token import AgencyToken
from exporter.auth.huawei.refusal import Advice, refusal
from exporter.auth.huawei.trading import SendAs
from exporter.auth.renewal import Renewed, parse_expiry
from exporter.errors import FetchError, Reason
from exporter.pacing import Clock
from exporter.secret import MASK, Secret

OPERATION = "KeystoneCreateUserTokenByPassword"

_MARGIN_SECONDS = 3600.0
# A token that is refused as soon as it was issued will not get better by logging in again.
_HOLD_SECONDS = 60.0
_REASONS: Advice = {
    400: (Reason.AUTH, "user, domain or project not known"),
    401: (Reason.AUTH, "user name, password or domain refused"),
    403: (Reason.AUTH, "user locked, disabled or without programmatic access"),
    404: (Reason.NOT_FOUND, "check auth.iam.endpoint"),
    429: (Reason.THROTTLED, ""),
}
_NOT_IAM = "this is no IAM: check auth.iam.endpoint"
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLogin:
    """Who logs in, where, and for which project: by its id, or by its name when that is given.

    Without either the token is for the user's own account, as is asked for to assume an agency.
    """

    endpoint: str
    username: str
    password: Secret
    domain: str
    project_id: str = ""
    project_name: str = ""

    def request(self) -> httpx.Request:
        """Build the request that asks for a project-scoped token, without the service catalog."""
        user = {
            "name": self.username,
            "password": self.password.reveal(),
            "domain": {"name": self.domain},
        }
        project = project_scope(self.project_id, self.project_name)
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": project} if project else {"domain": {"name": self.domain}},
            }
        }
        return httpx.Request(
            "POST",
            f"{self.endpoint.rstrip('/')}/v3/auth/tokens?nocatalog=true",
            headers={"Accept": "application/json", "Content-Type": "application/json"},
            content=json.dumps(body).encode(),
        )


def project_scope(project_id: str, project_name: str) -> dict[str, str]:
    """Return how IAM is told of a project: by its name when that is given; empty for none."""
    if project_name:
        return {"name": project_name}
    return {"id": project_id} if project_id else {}


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    text: str
    expires_at: float

    def __repr__(self) -> str:
        return MASK


class HuaweiTokenAuth(httpx.Auth):
    """Send X-Auth-Token; log in once however many requests wait, and once more on a 401.

    `send` sends the login, so that logins are counted like every call; what it raises passes on.
    Logins go through the guard of their user: IAM locks users after repeated wrong passwords. With
    an `agency` the user's token is traded for the agency's at once, and only that one is kept.
    """

    def __init__(
        self,
        login: PasswordLogin,
        send: SendAs,
        guards: GuardBook,
        *,
        agency: AgencyToken | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._login = login
        self._agency = agency
        self._send = send
        self._guards = guards
        self._clock = clock
        self._hold_until = 0.0
        self._tokens: Renewed[_Token] = Renewed(
            self._fetch_token, lambda token: token.expires_at, margin=_MARGIN_SECONDS, clock=clock
        )

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the token; when the platform refuses it, log in anew and repeat the request once.

        Raises FetchError when logging in fails, CredentialError while logging in is paused.
        """
        # The request may be sent twice, so its body must not be a stream that can be read once.
        await request.aread()
        token = await self._tokens.get()
        request.headers["X-Auth-Token"] = token.text
        response = yield request
        if response.status_code != 401 or self._holds():
            return
        token = await self._tokens.get(refused=token)
        request.headers["X-Auth-Token"] = token.text
        response = yield request
        if response.status_code == 401:
            self._hold_until = self._clock() + _HOLD_SECONDS

    def _holds(self) -> bool:
        # A clock that was put back must not make a minute of years.
        return 0 < self._hold_until - self._clock() <= _HOLD_SECONDS

    async def _fetch_token(self) -> _Token:
        token = await self._log_in()
        if self._agency is None:
            return token
        response = await self._send(self._agency.request(token.text), agency_token.OPERATION)
        return _read_token(response, self._clock(), agency_token.OPERATION, AGENCY_ADVICE)

    async def _log_in(self) -> _Token:
        login = self._login
        user = "\n".join(["iam", _cloud_of(login.endpoint), login.domain, login.username])
        guard = self._guards.of_password(user, login.password.reveal())
        async with guard.attempt() as attempt:
            response = await self._send(login.request(), OPERATION)
            if response.status_code in {401, 403}:
                attempt.rejected()
            elif response.status_code == 201:
                attempt.accepted()
        return _read_token(response, self._clock(), OPERATION, _REASONS)


def _cloud_of(endpoint: str) -> str:
    """Return what the IAM of all regions of a cloud have in common: a user is locked in all."""
    return ".".join(httpx.URL(endpoint).host.split(".")[-2:])


def _read_token(response: httpx.Response, now: float, operation: str, advice: Advice) -> _Token:
    if response.status_code != 201:
        raise refusal(operation, response, now=now, advice=advice, stranger=_NOT_IAM)
    text = response.headers.get("X-Subject-Token", "")
    try:
        expires_at = parse_expiry(response.json()["token"]["expires_at"])
    except (ValueError, KeyError, TypeError, RecursionError):
        expires_at = None
    # Raised out here: the exceptions above hold the body they could not read.
    if expires_at is None or not _TOKEN.fullmatch(text):
        detail = "no usable X-Subject-Token or token.expires_at"
        raise FetchError(Reason.INVALID_RESPONSE, operation, status=201, detail=detail)
    return _Token(text, expires_at)
