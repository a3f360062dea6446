"""Simulate the metadata service of an ECS instance: a token, then a RAM role's credentials.

The real one is at http://100.100.100.200; in its hardened mode nothing is told without a token.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.fault_injection import FaultInjection, Trouble

TOKEN_SECONDS_LIMIT = 21600
_TTL_HEADER = "x-aliyun-ecs-metadata-token-ttl-seconds"
_TOKEN_HEADER = "x-aliyun-ecs-metadata-token"  # noqa: S105  The name of a header.
_CREDENTIALS = "/latest/meta-data/ram/security-credentials/"


def build(
    *,
    faults: FaultInjection,
    clock: Callable[[], float],
    access: Access,
    role: str | None = "streaming-job-exporter",
    without_token: bool = False,
    lifetime: float = 6 * 3600.0,
    seed: int = 0,
) -> Starlette:
    """Build the service of one instance; without `role` the instance has none.

    The credentials become keys of `access` and are replaced halfway through their `lifetime`.
    With `without_token` the instance also answers in the old mode, which asks for no token.
    """
    service = _Metadata(
        faults=faults,
        clock=clock,
        access=access,
        role=role,
        without_token=without_token,
        lifetime=lifetime,
        seed=seed,
    )
    return Starlette(
        routes=[
            Route("/latest/api/token", service.token, methods=["PUT"]),
            Route(_CREDENTIALS, service.roles),
            Route(_CREDENTIALS + "{role}", service.credentials),
        ]
    )


class _Metadata:
    def __init__(
        self,
        *,
        faults: FaultInjection,
        clock: Callable[[], float],
        access: Access,
        role: str | None,
        without_token: bool,
        lifetime: float,
        seed: int,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._access = access
        self._role = role
        self._without_token = without_token
        self._lifetime = lifetime
        self._seed = seed
        self._tokens: dict[str, float] = {}
        self._key: AccessKey | None = None

    async def token(self, request: Request) -> Response:
        now = self._clock()
        if refusal := await self._trouble(now):
            return self._refuse("token", now, refusal)
        seconds = request.headers.get(_TTL_HEADER, "")
        if not seconds.isdigit() or not 1 <= int(seconds) <= TOKEN_SECONDS_LIMIT:
            return self._refuse("token", now, 400)
        self._tokens = {token: end for token, end in self._tokens.items() if end > now}
        material = f"{self._seed}:{now}:{len(self._tokens)}".encode()
        token = sha256(material).hexdigest()
        self._tokens[token] = now + int(seconds)
        self._faults.record("token", now)
        return PlainTextResponse(token)

    async def roles(self, request: Request) -> Response:
        now = self._clock()
        if refusal := await self._trouble(now) or self._denial(request, now):
            return self._refuse("roles", now, refusal)
        self._faults.record("roles", now)
        return PlainTextResponse(self._role or "")

    async def credentials(self, request: Request) -> Response:
        now = self._clock()
        refusal = await self._trouble(now) or self._denial(request, now)
        if not refusal and request.path_params["role"] != self._role:
            refusal = 404
        if refusal:
            return self._refuse("credentials", now, refusal)
        self._faults.record("credentials", now)
        return JSONResponse(self._body(now))

    async def _trouble(self, now: float) -> int:
        trouble = await self._faults.arrive(now)
        if trouble is Trouble.OUTAGE:
            return 503
        return 429 if trouble is Trouble.THROTTLED else 0

    def _denial(self, request: Request, now: float) -> int:
        if self._role is None:
            return 404
        token = request.headers.get(_TOKEN_HEADER)
        if token is None:
            return 0 if self._without_token else 403
        return 0 if self._tokens.get(token, 0.0) > now else 403

    def _refuse(self, operation: str, now: float, status: int) -> Response:
        self._faults.record(operation, now, str(status))
        page = f"<html><body><h1>{status}</h1></body></html>"
        return Response(page, status, media_type="text/html")

    def _body(self, now: float) -> dict[str, object]:
        key = self._key
        if key is None or key.expires_at is None or key.expires_at - now <= self._lifetime / 2:
            # Whole seconds, so that the key ends when its answer says so.
            key = self._access.issue(
                expires_at=int(now + self._lifetime), principal=f"instance role {self._role}"
            )
            self._key = key
        return {
            "AccessKeyId": key.key_id,
            "AccessKeySecret": key.secret,
            "SecurityToken": key.security_token,
            "Expiration": iso(key.expires_at or now),
            "LastUpdated": iso((key.expires_at or now) - self._lifetime),
            "Code": "Success",
        }


def iso(seconds: float) -> str:
    """Write a time as the vendor does: UTC, whole seconds and a Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
