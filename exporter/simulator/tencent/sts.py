"""Simulate STS, 2018-08-13: the token of a pod's service account in exchange for a role's keys."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.tencent.access import TencentAccess
from exporter.simulator.tencent.refusal import JsonObject, Refusal, missing

OPERATION = "AssumeRoleWithWebIdentity"
_REQUIRED = ("ProviderId", "WebIdentityToken", "RoleArn", "RoleSessionName")
_MOST_SECONDS = 43200


def build(
    *,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: TencentAccess,
    token: str,
    role_arn: str,
    seed: int = 0,
) -> Starlette:
    """Build the service; it knows one role, and the token of those who may have it."""

    service = _Sts(faults, clock, access, {"token": token, "role": role_arn}, seed)
    return Starlette(routes=[Route("/", service.serve, methods=["POST"])])


class _Sts:
    def __init__(
        self,
        faults: FaultInjection,
        clock: Callable[[], float],
        access: TencentAccess,
        known: Mapping[str, str],
        seed: int,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._access = access
        self._known = known
        self._seed = seed

    async def serve(self, request: Request) -> Response:
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

    def _exchange(self, given: Mapping[str, Any], now: float) -> JsonObject:
        for name in _REQUIRED:
            if not given.get(name):
                raise missing(name)
        if given["WebIdentityToken"] != self._known["token"]:
            raise Refusal("InvalidParameter.WebIdentityTokenError", "The token is not valid.")
        if given["RoleArn"] != self._known["role"]:
            raise Refusal("ResourceNotFound.RoleNotFound", "The role does not exist.")
        seconds = given.get("DurationSeconds", 7200)
        if not 0 < seconds <= _MOST_SECONDS:
            raise Refusal("InvalidParameter.OverTimeError", "The duration is not valid.")
        end = int(now + seconds)
        key = self._access.issue(expires_at=end)
        return {
            "Credentials": {
                "Token": key.token,
                "TmpSecretId": key.secret_id,
                "TmpSecretKey": key.secret_key,
            },
            "ExpiredTime": end,
            "Expiration": f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ}",
        }


def _check_headers(headers: Mapping[str, str]) -> None:
    if headers.get("x-tc-action") != OPERATION or headers.get("x-tc-version") != "2018-08-13":
        raise Refusal("InvalidAction", "The action does not exist.")
    # This one call is not signed: the token is all there is of an identity.
    if headers.get("authorization") != "SKIP" or not headers.get("x-tc-region"):
        raise Refusal("AuthFailure.InvalidAuthorization", "The call is to be unsigned.")
