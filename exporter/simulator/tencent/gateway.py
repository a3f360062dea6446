"""Tencent Cloud's API gateway in front of a simulated service: faults, signature, operation.

The operation is named by a header, its parameters are the body, and whatever is refused comes with
status 200. Names are case-sensitive, and a parameter that nobody knows is refused.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.tencent.access import TencentAccess, TencentKey
from exporter.simulator.tencent.refusal import JsonObject, Refusal, invalid_value, missing
from exporter.simulator.tencent.signature import SignatureGate, WireRequest

REGIONS = frozenset({"ap-guangzhou", "ap-beijing", "ap-shanghai", "ap-chengdu", "ap-chongqing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that was let in: its parameters, whose it is, and when it came."""

    parameters: Mapping[str, object]
    key: TencentKey
    now: float

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a text, or refuse the call."""
        value = self.parameters.get(name)
        if value is None and not required:
            return ""
        if value is None:
            raise missing(name)
        if not isinstance(value, str):
            raise invalid_value(name)
        return value

    def integer(self, name: str, *, default: int | None = None, highest: int | None = None) -> int:
        """Return a whole number, or refuse the call."""
        value = self.parameters.get(name, default)
        if value is None:
            raise missing(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise invalid_value(name)
        if highest is not None and value > highest:
            raise invalid_value(name)
        return value

    def texts(self, name: str, *, most: int) -> list[str]:
        """Return a list of texts, or refuse the call."""
        value = self.parameters.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            raise invalid_value(name)
        if not all(isinstance(each, str) for each in value):
            raise invalid_value(name)
        return list(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: its name, the parameters it knows, and what it answers."""

    action: str
    parameters: frozenset[str]
    answer: Callable[[Call], JsonObject]


class Gateway:
    """The gateway of one service."""

    def __init__(
        self,
        *,
        service: str,
        version: str,
        operations: Iterable[Operation],
        access: TencentAccess,
        faults: FaultInjection,
        clock: Callable[[], float],
        seed: int = 0,
    ) -> None:
        self._service = service
        self._version = version
        self._operations = {operation.action: operation for operation in operations}
        self._faults = faults
        self._clock = clock
        self._gate = SignatureGate(access=access, service=service, clock=clock)
        self._seed = seed
        self._arrivals = 0

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(routes=[Route("/", self.serve, methods=["POST"])])

    async def serve(self, request: Request) -> Response:
        """Answer one request."""
        now = self._clock()
        wire = WireRequest(
            method=request.method,
            path=request.scope["raw_path"].decode("latin-1"),
            query=request.scope["query_string"].decode("latin-1"),
            headers=dict(request.headers),
            body=await request.body(),
        )
        action = wire.headers.get("x-tc-action", "")
        name = action if action in self._operations else "unknown"
        self._arrivals += 1
        request_id = self._request_id()
        trouble = await self._faults.arrive(now)
        if trouble is Trouble.OUTAGE:
            # What stands before the gateway has no words of its own.
            self._faults.record(name, now, "outage")
            return Response("<html><h1>502 Bad Gateway</h1></html>", 502, media_type="text/html")
        try:
            if trouble is Trouble.THROTTLED:
                message = "Your current request times exceeds the limit of the operation."
                raise Refusal("RequestLimitExceeded", message)
            key, operation = self._admit(wire, action)
            if canned := self._faults.overrides.get(name):
                self._faults.record(name, now)
                return Response(canned.body, canned.status, headers=canned.headers)
            call = Call(parameters=_decoded(wire, operation), key=key, now=now)
            answer = operation.answer(call)
        except Refusal as refusal:
            self._faults.record(name, now, refusal.code)
            return _json(refusal.body(request_id))
        self._faults.record(name, now)
        return _json({"Response": {**answer, "RequestId": request_id}})

    def _admit(self, wire: WireRequest, action: str) -> tuple[TencentKey, Operation]:
        key = self._gate.check(wire)
        operation = self._operations.get(action)
        if operation is None:
            raise Refusal("InvalidAction", "The action does not exist or is not public.")
        if wire.headers.get("x-tc-version") != self._version:
            raise Refusal("NoSuchVersion", "The version does not exist.")
        if wire.headers.get("x-tc-region") not in REGIONS:
            raise Refusal("InvalidParameter.InvalidRegion", "The region is not valid.")
        if action in key.denied_operations:
            raise Refusal(
                "AuthFailure.UnauthorizedOperation",
                f"you are not authorized to perform operation ({self._service}:{action})",
            )
        return key, operation

    def _request_id(self) -> str:
        digest = sha256(f"{self._seed}:{self._service}:{self._arrivals}".encode()).digest()
        return str(UUID(bytes=digest[:16], version=4))


def _decoded(wire: WireRequest, operation: Operation) -> Mapping[str, object]:
    try:
        parameters = json.loads(wire.body)
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise Refusal("InvalidParameter", "The body is not a JSON object.")
    unknown = sorted(parameters.keys() - operation.parameters)
    if unknown:
        raise Refusal("UnknownParameter", f"The parameter `{unknown[0]}` is not recognized.")
    return parameters


def _json(document: JsonObject) -> Response:
    content = json.dumps(document, ensure_ascii=False).encode()
    # Exactly so: the vendor's SDK does not look for errors in anything else.
    return Response(content, headers={"Content-Type": "application/json"})
