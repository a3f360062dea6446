"""Simulate where sign-ins of the `aliyun` command become keys: CloudSSO and OAuth.

Their addresses and bodies are those that the vendor's library for credentials uses.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.metadata import iso


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInUser:
    """Somebody who has signed in: until when, and as what CloudSSO lets them in."""

    principal: str
    expires_at: float
    account: str = ""
    access_configuration: str = ""


def build(
    *,
    clock: Callable[[], float],
    access: Access,
    tokens: Mapping[str, SignedInUser],
    lifetime: float = 3600.0,
) -> Starlette:
    """Build both services; `tokens` are the bearer tokens of sign-ins."""
    service = _SigningIn(clock=clock, access=access, tokens=tokens, lifetime=lifetime)
    return Starlette(
        routes=[
            Route("/cloud-credentials", service.cloud_credentials, methods=["POST"]),
            Route("/v1/exchange", service.exchange, methods=["POST"]),
        ]
    )


class _SigningIn:
    def __init__(
        self,
        *,
        clock: Callable[[], float],
        access: Access,
        tokens: Mapping[str, SignedInUser],
        lifetime: float,
    ) -> None:
        self._clock = clock
        self._access = access
        self._tokens = tokens
        self._lifetime = lifetime

    async def cloud_credentials(self, request: Request) -> Response:
        user = self._user(request)
        if user is None:
            return JSONResponse({"ErrorCode": "Unauthorized"}, 401)
        asked = json.loads(await request.body())
        if asked != {
            "AccountId": user.account,
            "AccessConfigurationId": user.access_configuration,
        }:
            return JSONResponse({"ErrorCode": "Forbidden"}, 403)
        return JSONResponse({"CloudCredential": self._keys(user)})

    async def exchange(self, request: Request) -> Response:
        user = self._user(request)
        if user is None or user.account:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self._keys(user))

    def _user(self, request: Request) -> SignedInUser | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        user = self._tokens.get(token) if scheme == "Bearer" else None
        return user if user is not None and user.expires_at > self._clock() else None

    def _keys(self, user: SignedInUser) -> dict[str, object]:
        key = self._access.issue(
            expires_at=int(self._clock() + self._lifetime), principal=user.principal
        )
        return written(key)


def written(key: AccessKey) -> dict[str, object]:
    """Return temporary keys as all services of the vendor write them."""
    return {
        "AccessKeyId": key.key_id,
        "AccessKeySecret": key.secret,
        "SecurityToken": key.security_token,
        "Expiration": iso(key.expires_at or 0.0),
    }
