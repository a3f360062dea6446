"""Alibaba Cloud's API gateway in front of a simulated product: faults, signature, routing, format.

ROA style: the method and the raw path choose the operation, `x-acs-action` must name the same one.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.simulator.alibaba import tenancy as apsara
from exporter.simulator.alibaba.access import Access
from exporter.simulator.alibaba.refusal import (
    Refusal,
    forbidden,
    invalid_parameter,
    missing_parameter,
    throttled,
    unavailable,
)
from exporter.simulator.alibaba.signature import SignatureGate, WireRequest
from exporter.simulator.alibaba.tenancy import Tenancy
from exporter.simulator.alibaba.xml import render_xml
from exporter.simulator.fault_injection import Canned, FaultInjection, Trouble

# All methods reach the gateway: it has its own words for a wrong one.
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that was let in, decoded: what an operation needs to answer it."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    now: float
    request_id: str

    def required(self, name: str) -> str:
        """Return a query parameter, or refuse the call that lacks it."""
        value = self.query.get(name, "")
        if not value:
            raise missing_parameter(name)
        return value

    def integer(
        self, name: str, *, default: int, lowest: int = 1, highest: int | None = None
    ) -> int:
        """Return a whole number from the query, or refuse one that is out of bounds."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit():
            raise invalid_parameter(name)
        value = int(text)
        if value < lowest or (highest is not None and value > highest):
            raise invalid_parameter(name)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a product: its name, method, path template and what it answers."""

    action: str
    path: str
    answer: Callable[[Call], dict[str, object]]
    method: str = "GET"

    def match(self, path: str) -> dict[str, str] | None:
        """Return the decoded placeholders of a raw path; None when it is another operation's.

        Segments are decoded one by one, so that an encoded slash stays inside its segment.
        """
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        found: dict[str, str] = {}
        for template, segment in zip(wanted, given, strict=True):
            if template.startswith("{"):
                found[template[1:-1]] = unquote(segment)
            elif template != segment:
                return None
        return None if "" in found.values() else found


class Gateway:
    """The gateway of one product in one region.

    With `xml` the gateway answers XML to callers that do not ask for JSON in their Accept header.
    With a `tenancy` it is that of Apsara Stack: who does not name it is answered by `nothing`, the
    operations of a product that holds nothing.
    """

    def __init__(
        self,
        *,
        product: str,
        version: str,
        operations: Iterable[Operation],
        access: Access,
        faults: FaultInjection,
        clock: Callable[[], float],
        seed: int = 0,
        xml: bool = True,
        tenancy: Tenancy | None = None,
        nothing: Iterable[Operation] = (),
    ) -> None:
        self._product = product
        self._version = version
        self._operations = tuple(operations)
        self._faults = faults
        self._clock = clock
        self._gate = SignatureGate(access=access, clock=clock)
        self._seed = seed
        self._xml = xml
        self._tenancy = tenancy
        self._nothing = {operation.action: operation for operation in nothing}
        self._arrivals = 0

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(routes=[Route("/{path:path}", self._serve, methods=_METHODS)])

    async def _serve(self, request: Request) -> Response:
        now = self._clock()
        wire = WireRequest(
            method=request.method,
            path=request.scope["raw_path"].decode("latin-1"),
            query=request.scope["query_string"].decode("latin-1"),
            headers=dict(request.headers),
            body=await request.body(),
        )
        operation = self._find(wire)
        name = operation.action if operation else "unknown"
        self._arrivals += 1
        request_id = self._request_id()
        try:
            self._raise_trouble(await self._faults.arrive(now))
            admitted = self._admit(wire, operation)
            if canned := self._faults.overrides.get(name):
                self._faults.record(name, now)
                return _canned_response(canned)
            answer = self._answer(admitted, wire, now, request_id)
        except Refusal as refusal:
            self._faults.record(name, now, refusal.code)
            return self._refuse(refusal, wire, request_id)
        self._faults.record(name, now)
        return self._render(f"{name}Response", answer, wire)

    def _answer(
        self, operation: Operation, wire: WireRequest, now: float, request_id: str
    ) -> dict[str, object]:
        if self._tenancy is None:
            return _answer(operation, wire, now, request_id)
        if not self._tenancy.is_told(wire.headers):
            operation = self._nothing[operation.action]
        elif not self._tenancy.is_right(wire.headers):
            return apsara.refused(request_id)
        return apsara.accepted(_answer(operation, wire, now, request_id), request_id)

    def _find(self, wire: WireRequest) -> Operation | None:
        for operation in self._operations:
            if operation.method == wire.method and operation.match(wire.path) is not None:
                return operation
        return None

    def _raise_trouble(self, trouble: Trouble | None) -> None:
        if trouble is Trouble.OUTAGE:
            raise unavailable()
        if trouble is Trouble.THROTTLED:
            raise throttled(retry_after=self._faults.retry_after)

    def _admit(self, wire: WireRequest, operation: Operation | None) -> Operation:
        key = self._gate.check(wire)
        if wire.headers["x-acs-version"] != self._version:
            message = "Specified parameter Version is not valid."
            raise Refusal(400, "InvalidVersion", message)
        if operation is None or operation.action != wire.headers["x-acs-action"]:
            message = "Specified api is not found, please check your url and method."
            raise Refusal(404, "InvalidAction.NotFound", message)
        if operation.action in key.denied_operations:
            raise forbidden(f"{self._product}:{operation.action}", key.key_id)
        return operation

    def _refuse(self, refusal: Refusal, wire: WireRequest, request_id: str) -> Response:
        host = wire.headers.get("host", "")
        body = refusal.body(product=self._product, host=host, request_id=request_id)
        response = self._render("Error", body, wire, status=refusal.status)
        if refusal.retry_after is not None:
            # The vendor's SDK hands this number to a sleep that counts milliseconds.
            response.headers["x-acs-retry-after"] = str(1000 * refusal.retry_after)
        return response

    def _render(
        self, root: str, answer: dict[str, object], wire: WireRequest, status: int = 200
    ) -> Response:
        if self._xml and "application/json" not in wire.headers.get("accept", ""):
            content = render_xml(root, answer).encode()
            return Response(content, status, media_type="text/xml")
        content = json.dumps(answer, ensure_ascii=False).encode()
        return Response(content, status, media_type="application/json;charset=utf-8")

    def _request_id(self) -> str:
        digest = sha256(f"{self._seed}:{self._product}:{self._arrivals}".encode()).digest()
        return str(UUID(bytes=digest[:16], version=4)).upper()


def _answer(
    operation: Operation, wire: WireRequest, now: float, request_id: str
) -> dict[str, object]:
    call = Call(
        path=operation.match(wire.path) or {},
        query=dict(parse_qsl(wire.query, keep_blank_values=True)),
        headers=wire.headers,
        now=now,
        request_id=request_id,
    )
    return operation.answer(call)


def _canned_response(canned: Canned) -> Response:
    return Response(canned.body, canned.status, headers=canned.headers)
