"""Simulate STS, 2018-08-13: the keys of a role for a key, or for the token of a service account.

AssumeRole passes the gateway as any other call, AssumeRoleWithWebIdentity is not signed.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.tencent.access import CamRole, TencentAccess
from exporter.simulator.tencent.gateway import Call, Gateway, Operation
from exporter.simulator.tencent.refusal import JsonObject, Refusal, missing

ASSUME_ROLE = "AssumeRole"
OPERATION = "AssumeRoleWithWebIdentity"
VERSION = "2018-08-13"
_REQUIRED = ("ProviderId", "WebIdentityToken", "RoleArn", "RoleSessionName")
_KNOWN = frozenset(
    {
        *("RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "ExternalId"),
        *("Tags", "SourceIdentity", "SerialNumber", "TokenCode"),
    }
)
_ROLE_ARN = re.compile(r"qcs::cam::uin/\d+:(?:roleName|role)/\S+")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,128}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,128}", re.ASCII)
_DEFAULT_SECONDS = 7200
_MOST_SECONDS = 43200


def build(
    *,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: TencentAccess,
    token: str = "",
    role_arn: str = "",
    roles: Iterable[CamRole] = (),
    seed: int = 0,
) -> Starlette:
    """Build the service.

    It knows the roles that keys may assume, and one for pods, with the token of those who may have
    it.
    """
    service = _Sts(faults, clock, access, {"token": token, "role": role_arn}, roles, seed)
    return Starlette(routes=[Route("/", service.serve, methods=["POST"])])


class _Sts:
    def __init__(
        self,
        faults: FaultInjection,
        clock: Callable[[], float],
        access: TencentAccess,
        known: Mapping[str, str],
        roles: Iterable[CamRole],
        seed: int,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._access = access
        self._known = known
        self._roles = {role.arn: role for role in roles}
        self._seed = seed
        self._gateway = Gateway(
            service="sts",
            version=VERSION,
            operations=[Operation(action=ASSUME_ROLE, parameters=_KNOWN, answer=self._assume)],
            access=access,
            faults=faults,
            clock=clock,
            seed=seed,
        )

    async def serve(self, request: Request) -> Response:
        if request.headers.get("x-tc-action") != OPERATION:
            return await self._gateway.serve(request)
        now = self._clock()
        trouble = await self._faults.arrive(now)
        if trouble is Trouble.OUTAGE:
            self._faults.record(OPERATION, now, "outage")
            return Response("<html>502</html>", 502, media_type="text/html")
        request_id = f"{self._seed:08x}-0000-4000-8000-{self._faults.count():012x}"
        try:
            if trouble is Trouble.THROTTLED:
                raise Refusal("RequestLimitExceeded", "Too many requests.")
            _check_headers(request.headers)
            answer = self._exchange(json.loads(await request.body()), now)
        except Refusal as refusal:
            self._faults.record(OPERATION, now, refusal.code)
            return JSONResponse(refusal.body(request_id))
        self._faults.record(OPERATION, now)
        return JSONResponse({"Response": {**answer, "RequestId": request_id}})

    def _assume(self, call: Call) -> JsonObject:
        arn = _matching(call.text("RoleArn", required=True), _ROLE_ARN)
        _matching(call.text("RoleSessionName", required=True), _SESSION_NAME)
        seconds = call.integer("DurationSeconds", default=_DEFAULT_SECONDS)
        external_id = call.text("ExternalId")
        if "ExternalId" in call.parameters:
            _matching(external_id, _EXTERNAL_ID)
        role = self._roles.get(arn)
        if role is None:
            raise Refusal("ResourceNotFound.RoleNotFound", "The role does not exist.")
        if not role.may_be_assumed(call.key, external_id):
            raise Refusal("UnauthorizedOperation", f"{call.key.secret_id} may not assume {arn}.")
        return self._keys(arn, seconds, role.longest_seconds, call.now)

    def _exchange(self, given: Mapping[str, Any], now: float) -> JsonObject:
        for name in _REQUIRED:
            if not given.get(name):
                raise missing(name)
        if given["WebIdentityToken"] != self._known["token"]:
            raise Refusal("InvalidParameter.WebIdentityTokenError", "The token is not valid.")
        if given["RoleArn"] != self._known["role"]:
            raise Refusal("ResourceNotFound.RoleNotFound", "The role does not exist.")
        seconds = given.get("DurationSeconds", _DEFAULT_SECONDS)
        return self._keys(given["RoleArn"], seconds, _MOST_SECONDS, now)

    def _keys(self, arn: str, seconds: int, longest: int, now: float) -> JsonObject:
        if not 0 < seconds <= longest:
            raise Refusal("InvalidParameter.OverTimeError", "The duration is not valid.")
        end = int(now + seconds)
        key = self._access.issue(expires_at=end, principal=arn)
        return {
            "Credentials": {
                "Token": key.token,
                "TmpSecretId": key.secret_id,
                "TmpSecretKey": key.secret_key,
            },
            "ExpiredTime": end,
            "Expiration": f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ}",
        }


def _matching(text: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(text):
        raise Refusal("InvalidParameter.ParamError", f"`{text}` is not valid.")
    return text


def _check_headers(headers: Mapping[str, str]) -> None:
    if headers.get("x-tc-version") != VERSION:
        raise Refusal("NoSuchVersion", "The version does not exist.")
    # This one call is not signed: the token is all there is of an identity.
    if headers.get("authorization") != "SKIP" or not headers.get("x-tc-region"):
        raise Refusal("AuthFailure.InvalidAuthorization", "The call is to be unsigned.")
