"""The API gateway in front of the simulated Huawei services: faults, admission, bookkeeping."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.refusal import HuaweiRefusal, gateway_refusal
from exporter.simulator.huawei.signature import WireRequest, decode_query

Clock = Callable[[], float]

_ANY_METHOD = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An admitted request: everything a handler needs, decoded once."""

    wire: WireRequest
    path: Mapping[str, str]
    query: Mapping[str, str]
    now: float


Handler = Callable[[Call], Response]
Admission = Callable[[Call], None]


class HuaweiGateway:
    """Turn handlers into an ASGI application behind the gateway of one service.

    `admit` raises HuaweiRefusal for callers who may not pass. Older services answer with error
    codes APIGW.*, newer ones with APIG.*: `prefix` chooses. `trouble` words the faults.
    """

    def __init__(
        self,
        *,
        faults: FaultInjection,
        clock: Clock,
        admit: Admission,
        prefix: str = "APIG",
        trouble: Callable[[Trouble, FaultInjection], HuaweiRefusal] | None = None,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._admit = admit
        self._prefix = prefix
        self._trouble = trouble if trouble is not None else gateway_trouble
        self._answers = 0

    def route(self, path: str, operation: str, handler: Handler, method: str = "GET") -> Route:
        """Serve one operation, under the vendor's name for it."""

        async def endpoint(request: Request) -> Response:
            return await self._answer(request, operation, handler)

        return Route(path, endpoint, methods=[method])

    def app(self, routes: Sequence[BaseRoute]) -> Starlette:
        """Build the application; everything not routed is an API that does not exist."""

        async def unpublished(request: Request) -> Response:
            return await self._answer(request, "unknown", _no_such_api)

        rest = Route("/{path:path}", unpublished, methods=list(_ANY_METHOD))
        return Starlette(routes=[*routes, rest])

    async def _answer(self, request: Request, operation: str, handler: Handler) -> Response:
        self._answers += 1
        request_id = md5(f"{operation}{self._answers}".encode(), usedforsecurity=False).hexdigest()
        body = await request.body()
        trouble = await self._faults.arrive(self._clock())
        now = self._clock()
        canned = self._faults.overrides.get(operation)
        try:
            if trouble is not None:
                raise self._trouble(trouble, self._faults)
            if canned is not None:
                self._faults.record(operation, now, "overridden")
                return Response(canned.body, canned.status, canned.headers)
            call = _read_call(request, body, now)
            if operation != "unknown":
                self._admit(call)
            response = handler(call)
        except HuaweiRefusal as refusal:
            self._faults.record(operation, now, refusal.reason)
            return refusal.response(request_id, self._prefix)
        self._faults.record(operation, now)
        response.headers["X-Request-Id"] = request_id
        return response


def admit_project(access: HuaweiAccess, project_id: str) -> Admission:
    """Admit authenticated callers to one project, and to no other."""

    def admit(call: Call) -> None:
        access.authorize(call.wire, project_id=call.path["project_id"], now=call.now)
        if call.path["project_id"] != project_id:
            raise gateway_refusal("project", "0310", "The project is unavailable.", status=403)

    return admit


def gateway_trouble(trouble: Trouble, faults: FaultInjection) -> HuaweiRefusal:
    """Word an outage or throttling as the API gateway does."""
    if trouble is Trouble.OUTAGE:
        return gateway_refusal(trouble, "0202", "Backend unavailable.", status=503)
    headers = {} if faults.retry_after is None else {"Retry-After": str(faults.retry_after)}
    return gateway_refusal(
        trouble,
        "0308",
        "The throttling threshold has been reached: "
        "policy user over ratelimit,limit:200,time:1 second",
        status=429,
        headers=headers,
    )


def _no_such_api(call: Call) -> Response:
    raise gateway_refusal(
        "no_such_api",
        "0101",
        "The API does not exist or has not been published in the environment",
        status=404,
    )


def _read_call(request: Request, body: bytes, now: float) -> Call:
    wire = WireRequest(
        method=request.method,
        raw_path=request.scope["raw_path"],
        raw_query=request.scope["query_string"],
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )
    return Call(
        wire=wire,
        path={name: str(value) for name, value in request.path_params.items()},
        query=dict(decode_query(wire.raw_query)),
        now=now,
    )
