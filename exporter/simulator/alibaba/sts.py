"""Simulate the STS 2015-04-01: AssumeRole for keys, AssumeRoleWithOIDC for the token of a pod.

Signatures are checked in both forms that callers use: version 3, and the older one of RPC products
(HMAC-SHA1 over all parameters), which the vendor's own library for credentials still signs with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.metadata import iso
from exporter.simulator.alibaba.oidc import OidcIssuer
from exporter.simulator.alibaba.refusal import (
    Refusal,
    missing_parameter,
    throttled,
    unavailable,
)
from exporter.simulator.alibaba.rpc_signature import RpcSignatureGate
from exporter.simulator.alibaba.signature import SignatureGate, WireRequest
from exporter.simulator.fault_injection import FaultInjection, Trouble

VERSION = "2015-04-01"
_SHORTEST = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A RAM role: who may assume it, and for how long."""

    arn: str
    trusts: frozenset[str] = frozenset()
    """ARNs of users and roles."""
    external_id: str | None = None
    trusts_pods: frozenset[str] = frozenset()
    """Subjects of tokens: `system:serviceaccount:<namespace>:<name>`."""
    longest: int = 3600


class Sts:
    """The service, and the roles that it gives out keys of."""

    def __init__(
        self,
        *roles: Role,
        faults: FaultInjection,
        clock: Callable[[], float],
        access: Access,
        issuer: OidcIssuer | None = None,
    ) -> None:
        self._roles = {role.arn: role for role in roles}
        self._faults = faults
        self._clock = clock
        self._access = access
        self._issuer = issuer
        self._gate = SignatureGate(access=access, clock=clock)
        self._rpc_gate = RpcSignatureGate(access=access, clock=clock)
        self.sessions: list[tuple[str, str]] = []
        """What was handed out: role and session name."""

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(routes=[Route("/", self._serve, methods=["GET", "POST"])])

    async def _serve(self, request: Request) -> Response:
        now = self._clock()
        wire = WireRequest(
            method=request.method,
            path=request.scope["raw_path"].decode("latin-1"),
            query=request.scope["query_string"].decode("latin-1"),
            headers=dict(request.headers),
            body=await request.body(),
        )
        given = _parameters(wire)
        action = wire.headers.get("x-acs-action") or given.get("Action", "unknown")
        try:
            trouble = await self._faults.arrive(now)
            if trouble is not None:
                raise unavailable() if trouble is Trouble.OUTAGE else throttled()
            role, key = self._admit(action, wire, given, now)
        except Refusal as refusal:
            self._faults.record(action, now, refusal.code)
            host = wire.headers.get("host", "")
            body = refusal.body(product="Sts", host=host, request_id=_request_id(now))
            return JSONResponse(body, refusal.status)
        self._faults.record(action, now)
        session = given["RoleSessionName"]
        self.sessions.append((role.arn, session))
        return JSONResponse(_answer(role, key, session, now))

    def _admit(
        self, action: str, wire: WireRequest, given: Mapping[str, str], now: float
    ) -> tuple[Role, AccessKey]:
        version = wire.headers.get("x-acs-version") or given.get("Version")
        if version != VERSION:
            raise Refusal(404, "InvalidVersion", "Specified parameter Version is not valid.")
        if action == "AssumeRole":
            signed = "authorization" in wire.headers
            caller = self._gate.check(wire) if signed else self._rpc_gate.check(wire, given)
            role = self._find(given)
            self._check_trust(role, caller, given)
        elif action == "AssumeRoleWithOIDC":
            role = self._find(given)
            self._check_pod(role, given, now)
        else:
            raise Refusal(404, "InvalidAction.NotFound", "Specified api is not found.")
        seconds = _seconds(given, role)
        return role, self._access.issue(expires_at=int(now + seconds), principal=role.arn)

    def _find(self, given: Mapping[str, str]) -> Role:
        for name in ("RoleArn", "RoleSessionName"):
            if not given.get(name):
                raise missing_parameter(name)
        role = self._roles.get(given["RoleArn"])
        if role is None:
            message = f"The role not exists: {given['RoleArn']}."
            raise Refusal(404, "EntityNotExist.Role", message)
        return role

    def _check_trust(self, role: Role, caller: AccessKey, given: Mapping[str, str]) -> None:
        if caller.principal not in role.trusts or given.get("ExternalId") != role.external_id:
            message = "You are not authorized to do this action. You should be authorized by RAM."
            raise Refusal(403, "NoPermission", message)

    def _check_pod(self, role: Role, given: Mapping[str, str], now: float) -> None:
        issuer = self._issuer
        for name in ("OIDCProviderArn", "OIDCToken"):
            if not given.get(name):
                raise missing_parameter(name)
        if issuer is None or given["OIDCProviderArn"] != issuer.provider_arn:
            message = "No such OIDC Provider registered."
            raise Refusal(403, "AuthenticationFail.NoPermission", message)
        if issuer.subject(given["OIDCToken"], now=now) not in role.trusts_pods:
            raise Refusal(403, "AuthenticationFail.NoPermission", "There is no permission")


def _parameters(wire: WireRequest) -> dict[str, str]:
    """Return the parameters of the query and of a form; RPC products take either."""
    pairs = parse_qsl(wire.query, keep_blank_values=True)
    if wire.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        pairs += parse_qsl(wire.body.decode("latin-1"), keep_blank_values=True)
    return dict(pairs)


def _seconds(given: Mapping[str, str], role: Role) -> int:
    text = given.get("DurationSeconds", "3600")
    if not text.isascii() or not text.isdigit() or not _SHORTEST <= int(text) <= role.longest:
        message = "The Min/Max value of DurationSeconds is 15min/1hr."
        raise Refusal(400, "InvalidParameter.DurationSeconds", message)
    return int(text)


def _answer(role: Role, key: AccessKey, session: str, now: float) -> dict[str, object]:
    assumed = role.arn.replace(":role/", ":assumed-role/")
    return {
        "RequestId": _request_id(now),
        "AssumedRoleUser": {"Arn": f"{assumed}/{session}", "AssumedRoleId": f"3300:{session}"},
        "Credentials": {
            "AccessKeyId": key.key_id,
            "AccessKeySecret": key.secret,
            "SecurityToken": key.security_token,
            "Expiration": iso(key.expires_at or now),
        },
    }


def _request_id(now: float) -> str:
    return str(UUID(bytes=sha256(f"sts:{now}".encode()).digest()[:16], version=4)).upper()
