"""Exchange a key, or the token of a pod, for the temporary keys of a CAM role.

Vendor pages: "AssumeRole" and "AssumeRoleWithWebIdentity" of STS 2018-08-13. The first is signed
as any other call; of the second the token is all that proves who asks.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import httpx

from exporter.auth.assumed_role import AssumedRole
from exporter.auth.credentials import CredentialProvider, Credentials, Refreshing
from exporter.auth.guard import GuardBook
from exporter.auth.headers import read_headers, with_headers
from exporter.auth.tencent.roles import Role
from exporter.auth.tencent.signature import sign
from exporter.auth.tencent.sts_answers import parse_role_keys
from exporter.errors import FetchError, Reason, UnusableError
from exporter.pacing import Clock

ASSUME_ROLE = "AssumeRole"
ASSUME_ROLE_WITH_WEB_IDENTITY = "AssumeRoleWithWebIdentity"
REGION = "ap-guangzhou"
"""Where the SDKs ask for a role; roles are of an account, not of a region."""

_JSON = "application/json"

SendAs = Callable[[httpx.Request, str], Awaitable[httpx.Response]]
"""Send a request as it is, counted under the name of an operation; raises FetchError."""


class Sts:
    """The STS at one address; None where it is not known."""

    def __init__(
        self,
        endpoint: str | None,
        *,
        send: SendAs,
        guards: GuardBook,
        clock: Clock,
        region: str = REGION,
    ) -> None:
        self._endpoint = endpoint
        self._send = send
        self._guards = guards
        self._clock = clock
        self._region = region

    @property
    def is_known(self) -> bool:
        """Say whether there is an address to ask."""
        return self._endpoint is not None

    def assumed(self, others: CredentialProvider, role: Role) -> CredentialProvider:
        """Return the keys of a role that others may assume, renewed before they end."""
        return Refreshing(
            AssumedRole(others, partial(self.assume, role)), clock=self._clock, margin=role.margin
        )

    async def assume(self, role: Role, credentials: Credentials) -> Credentials:
        """Return keys of a role that the owner of these credentials may assume.

        Raises FetchError when STS does not give them, CredentialError when it is not asked.
        """
        request = self._request(ASSUME_ROLE, self._region, role.parameters(), {})
        headers = sign(
            read_headers(request.headers)["host"],
            _JSON,
            request.content,
            credentials,
            service="sts",
            timestamp=self._clock(),
        )
        request.headers = with_headers(request.headers, headers)
        name = "\n".join(("tencent sts", str(self._endpoint), role.arn))
        guard = self._guards.of(name, credentials.secret_key)
        async with guard.attempt() as attempt:
            try:
                keys = await self._keys(ASSUME_ROLE, request)
            except FetchError as exc:
                if exc.reason is Reason.AUTH:
                    attempt.rejected()
                raise
            attempt.accepted()
        return keys

    async def exchange(
        self, token: str, role: Role, *, provider_id: str, region: str
    ) -> Credentials:
        """Return keys of a role that trusts the token of a pod.

        Raises FetchError when STS does not give them.
        """
        parameters = {"ProviderId": provider_id, "WebIdentityToken": token, **role.parameters()}
        headers = {"Authorization": "SKIP", "X-TC-Timestamp": str(int(self._clock()))}
        request = self._request(ASSUME_ROLE_WITH_WEB_IDENTITY, region, parameters, headers)
        return await self._keys(ASSUME_ROLE_WITH_WEB_IDENTITY, request)

    def _request(
        self,
        operation: str,
        region: str,
        parameters: Mapping[str, object],
        headers: Mapping[str, str],
    ) -> httpx.Request:
        if self._endpoint is None:
            # Neither a key nor a token may be shown to another cloud than the one that is asked.
            raise UnusableError(
                "a role cannot be assumed: sts_endpoint is required, since endpoint is not a "
                "public one"
            )
        sent = {
            "Accept": _JSON,
            "Content-Type": _JSON,
            "X-TC-Action": operation,
            "X-TC-Version": "2018-08-13",
            "X-TC-Region": region,
            # Without it the texts of errors are Chinese.
            "X-TC-Language": "en-US",
            **headers,
        }
        content = json.dumps(parameters).encode()
        return httpx.Request("POST", f"{self._endpoint}/", headers=sent, content=content)

    async def _keys(self, operation: str, request: httpx.Request) -> Credentials:
        response = await self._send(request, operation)
        await response.aread()
        return parse_role_keys(response, operation, self._clock())
