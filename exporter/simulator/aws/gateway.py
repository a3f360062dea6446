"""The gateway before the simulated services: faults, the target, the signature, bookkeeping."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.simulator.aws.access import AwsAccess
from exporter.simulator.aws.refusal import AwsRefusal
from exporter.simulator.aws.signature import WireRequest
from exporter.simulator.fault_injection import FaultInjection, Trouble

Clock = Callable[[], float]
Handler = Callable[[Mapping[str, Any], float], Mapping[str, Any]]
"""What answers an operation, given the fields of its request and the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service of the JSON protocols and what it can be asked."""

    name: str
    """The signing name; also what its actions are called by in policies, unless `policy` says."""
    target: str
    version: str
    handlers: Mapping[str, Handler]
    policy: str = ""

    def action(self, operation: str) -> str:
        """Return what a policy has to allow."""
        return f"{self.policy or self.name}:{operation}"


def build_json(
    service: Service, *, access: AwsAccess, faults: FaultInjection, clock: Clock
) -> Starlette:
    """Build one service: every request is a POST of a JSON object that names its target."""
    gateway = _Gateway(service, access, faults, clock)
    return Starlette(routes=[Route("/", gateway.answer, methods=["POST"])])


class _Gateway:
    def __init__(
        self, service: Service, access: AwsAccess, faults: FaultInjection, clock: Clock
    ) -> None:
        self._service = service
        self._access = access
        self._faults = faults
        self._clock = clock
        self._answers = 0

    async def answer(self, request: Request) -> Response:
        self._answers += 1
        request_id = str(UUID(int=self._answers))
        wire = await read_wire(request)
        operation = wire.headers.get("x-amz-target", "").rpartition(".")[2] or "unknown"
        trouble = await self._faults.arrive(self._clock())
        now = self._clock()
        canned = self._faults.overrides.get(operation)
        try:
            if trouble is not None:
                raise _trouble(trouble)
            if canned is not None:
                self._faults.record(operation, now, "overridden")
                return Response(canned.body, canned.status, canned.headers)
            handler = self._handler(wire, operation)
            self._access.authorize(wire, self._service.name, self._service.action(operation), now)
            body = handler(_read_body(wire.body), now)
        except AwsRefusal as refusal:
            self._faults.record(operation, now, refusal.reason)
            return refusal.as_json(request_id)
        self._faults.record(operation, now)
        media_type = f"application/x-amz-json-{self._service.version}"
        headers = {"x-amzn-RequestId": request_id}
        return Response(json.dumps(body), headers=headers, media_type=media_type)

    def _handler(self, wire: WireRequest, operation: str) -> Handler:
        service = self._service
        target = wire.headers.get("x-amz-target", "")
        handler = service.handlers.get(operation)
        kind = wire.headers.get("content-type", "")
        if handler is None or target != f"{service.target}.{operation}":
            raise AwsRefusal("operation", "UnknownOperationException")
        if kind != f"application/x-amz-json-{service.version}":
            raise AwsRefusal("content_type", "UnknownOperationException")
        return handler


async def read_wire(request: Request) -> WireRequest:
    """Return a request as its signature sees it."""
    return WireRequest(
        method=request.method,
        raw_path=request.scope["raw_path"].split(b"?")[0],
        raw_query=request.scope["query_string"],
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


def invalid(message: str, *, code: str = "InvalidArgumentException") -> AwsRefusal:
    """Refuse a parameter."""
    return AwsRefusal("parameter", code, message)


def read_text(fields: Mapping[str, Any], name: str, pattern: str) -> str:
    """Return a required text; raises AwsRefusal when it is not as it has to be."""
    value = fields.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise invalid(f"1 validation error detected: Value at '{name}' failed to satisfy it")
    return value


def read_limit(fields: Mapping[str, Any], highest: int) -> int:
    """Return how many rows a page may have; raises AwsRefusal when that cannot be."""
    value = fields.get("Limit", highest)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
        raise invalid(f"Value at 'limit' must be at least 1 and at most {highest}")
    return value


def _read_body(body: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise AwsRefusal("body", "SerializationException")
    return fields


def _trouble(trouble: Trouble) -> AwsRefusal:
    if trouble is Trouble.OUTAGE:
        return AwsRefusal(trouble, "ServiceUnavailableException", "Unavailable", status=503)
    # With status 400, and no word about when to come back.
    return AwsRefusal(trouble, "ThrottlingException", "Rate exceeded")
