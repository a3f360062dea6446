"""Simulate the metadata service of a cloud server (CVM): the role bound to it, and its keys."""

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.tencent.access import TencentAccess, TencentKey

_ACCOUNT = "qcs::cam::uin/100000000001"
_CREDENTIALS = "/latest/meta-data/cam/security-credentials/"


def build(
    *,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: TencentAccess,
    role: str | None = "streaming-job-exporter",
    lifetime: float = 6 * 3600.0,
) -> Starlette:
    """Build the service of one server; without `role` none is bound to it.

    The keys are replaced halfway through their `lifetime`.
    """
    service = _Metadata(faults, clock, access, role, lifetime)
    return Starlette(
        routes=[
            Route(_CREDENTIALS, service.roles),
            Route(_CREDENTIALS + "{role}", service.credentials),
        ]
    )


class _Metadata:
    def __init__(
        self,
        faults: FaultInjection,
        clock: Callable[[], float],
        access: TencentAccess,
        role: str | None,
        lifetime: float,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._access = access
        self._role = role
        self._lifetime = lifetime
        self._key: TencentKey | None = None

    async def roles(self, request: Request) -> Response:
        now = self._clock()
        if refused := await self._trouble("roles", now):
            return refused
        if self._role is None:
            return self._refuse("roles", now, 404)
        self._faults.record("roles", now)
        return PlainTextResponse(self._role)

    async def credentials(self, request: Request) -> Response:
        now = self._clock()
        if refused := await self._trouble("credentials", now):
            return refused
        if request.path_params["role"] != self._role:
            return self._refuse("credentials", now, 404)
        self._faults.record("credentials", now)
        key = self._key
        if key is None or (key.expires_at or now) - now <= self._lifetime / 2:
            key = self._key = self._access.issue(
                expires_at=int(now + self._lifetime), principal=f"{_ACCOUNT}:roleName/{self._role}"
            )
        end = int(key.expires_at or now)
        return JSONResponse(
            {
                "TmpSecretId": key.secret_id,
                "TmpSecretKey": key.secret_key,
                "Token": key.token,
                "ExpiredTime": end,
                "Expiration": f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ}",
                "Code": "Success",
            }
        )

    async def _trouble(self, operation: str, now: float) -> Response | None:
        trouble = await self._faults.arrive(now)
        if trouble is None:
            return None
        return self._refuse(operation, now, 503 if trouble is Trouble.OUTAGE else 429)

    def _refuse(self, operation: str, now: float, status: int) -> Response:
        self._faults.record(operation, now, str(status))
        page = f"<html><body><h1>{status}</h1></body></html>"
        return Response(page, status, media_type="text/html")
