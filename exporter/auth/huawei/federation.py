"""Log in with the token of an identity provider, the two ways of Huawei Cloud.

STS: "Obtaining a Temporary Security Credential Through the OIDC SSO Trust Agency"
(AssumeAgencyWithOIDC, POST /v5/agencies/assume-with-oidc). IAM, the older way: an unscoped token
for the provider's (POST /v3.0/OS-AUTH/id-token/tokens), then temporary keys for that (POST
/v3.0/OS-CREDENTIAL/securitytokens). No request is signed: the provider's token is who one is.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from exporter.auth.credentials import Credentials
from exporter.auth.huawei.refusal import Advice
from exporter.auth.huawei.trading import (
    SendAs,
    check_granted,
    known,
    post,
    read_answer,
)
from exporter.errors import FetchError, Reason
from exporter.pacing import Clock

OIDC_OPERATION = "AssumeAgencyWithOIDC"
TOKEN_OPERATION = "CreateUnscopedTokenWithIdToken"  # noqa: S105 - The name of an operation.
KEY_OPERATION = "CreateTemporaryAccessKeyByToken"

_FEDERATED_SECONDS = 6 * 3600
"""As long as the vendor's SDK asks for."""
_TOKEN = re.compile(r"[\x21-\x7e]+")
_REFUSED = (Reason.AUTH, "the token of the identity provider, or the provider itself, is refused")
ADVICE: Advice = {
    400: _REFUSED,
    401: _REFUSED,
    403: (Reason.AUTH, "the identity provider's user may not do this"),
    404: (Reason.NOT_FOUND, "the identity provider or the agency is not known"),
    429: (Reason.THROTTLED, ""),
}
_NOT_IAM = "this is no IAM: check HUAWEICLOUD_SDK_IAM_ENDPOINT, or iam_endpoint of the profile"
IdToken = Callable[[], Awaitable[str]]
"""Returns the identity provider's token; raises UnusableError when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who trusts whom: the agency, the provider, and what else STS is told of the session."""

    provider_urn: str
    agency_urn: str
    session_name: str
    duration_seconds: int
    policy: str = ""
    policy_ids: tuple[str, ...] = ()


class OidcProvider:
    """Temporary keys of an agency that trusts an identity provider."""

    def __init__(
        self, trust: Trust, id_token: IdToken, *, sts: str | None, send: SendAs, clock: Clock
    ) -> None:
        self._trust = trust
        self._id_token = id_token
        self._sts = sts
        self._send = send
        self._clock = clock

    async def credentials(self) -> Credentials:
        """Assume the agency; raises UnusableError for what is not there, FetchError otherwise."""
        trust = self._trust
        endpoint = known(self._sts, "OIDC: set HUAWEICLOUD_SDK_STS_ENDPOINT")
        body: dict[str, object] = {
            "provider_urn": trust.provider_urn,
            "agency_urn": trust.agency_urn,
            "agency_session_name": trust.session_name,
            "id_token": await self._id_token(),
            "duration_seconds": trust.duration_seconds,
        }
        if trust.policy:
            body["policy"] = trust.policy
        if trust.policy_ids:
            body["policy_ids"] = list(trust.policy_ids)
        request = post(f"{endpoint}/v5/agencies/assume-with-oidc", body)
        response = await self._send(request, OIDC_OPERATION)
        check_granted(
            response,
            OIDC_OPERATION,
            now=self._clock(),
            advice=ADVICE,
            stranger="this is no STS: check HUAWEICLOUD_SDK_STS_ENDPOINT",
        )
        return read_answer(response, OIDC_OPERATION)


class FederationProvider:
    """Temporary keys of the user that IAM takes an identity provider's token for."""

    def __init__(
        self,
        idp_id: str,
        id_token: IdToken,
        *,
        iam: str | None,
        send: SendAs,
        clock: Clock,
    ) -> None:
        self._idp_id = idp_id
        self._id_token = id_token
        self._iam = iam
        self._send = send
        self._clock = clock

    async def credentials(self) -> Credentials:
        """Log in; raises UnusableError for what is not there, FetchError otherwise."""
        endpoint = known(self._iam, "federation: set HUAWEICLOUD_SDK_IAM_ENDPOINT")
        token = await self._token(endpoint)
        lasting = {"id": token, "duration_seconds": _FEDERATED_SECONDS}
        identity = {"methods": ["token"], "token": lasting}
        url = f"{endpoint}/v3.0/OS-CREDENTIAL/securitytokens"
        response = await self._ask(post(url, {"auth": {"identity": identity}}), KEY_OPERATION)
        return read_answer(response, KEY_OPERATION)

    async def _token(self, endpoint: str) -> str:
        body = {"auth": {"id_token": {"id": await self._id_token()}}}
        url = f"{endpoint}/v3.0/OS-AUTH/id-token/tokens"
        response = await self._ask(post(url, body, {"X-Idp-Id": self._idp_id}), TOKEN_OPERATION)
        token = response.headers.get("X-Subject-Token", "")
        if not _TOKEN.fullmatch(token):
            raise FetchError(
                Reason.INVALID_RESPONSE,
                TOKEN_OPERATION,
                status=response.status_code,
                detail="no usable X-Subject-Token",
            )
        return str(token)

    async def _ask(self, request: httpx.Request, operation: str) -> httpx.Response:
        response = await self._send(request, operation)
        check_granted(response, operation, now=self._clock(), advice=ADVICE, stranger=_NOT_IAM)
        return response
