"""Simulate the metadata service of an elastic cloud server: temporary keys of its agency."""

from hashlib import sha256

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response

from exporter.simulator.fault_injection import FaultInjection, Trouble
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway
from exporter.simulator.huawei.refusal import HuaweiRefusal

TOKEN = "CreateMetadataToken"  # noqa: S105 - The name of an operation.
SECURITY_KEY = "ShowSecurityKey"

_LONGEST_TTL = 21_600


class _MetadataService:
    def __init__(self, access: HuaweiAccess, lifetime: float, agency: bool, v1_only: bool) -> None:
        self._access = access
        self._lifetime = lifetime
        self._agency = agency
        self._v1_only = v1_only
        self._tokens: dict[str, float] = {}
        self._key: tuple[float, dict[str, str]] | None = None

    def create_token(self, call: Call) -> Response:
        if self._v1_only:
            raise HuaweiRefusal("v1_only", status=405, body="Method Not Allowed")
        ttl = call.wire.headers.get("x-metadata-token-ttl-seconds", "")
        if not ttl.isdigit() or not 1 <= int(ttl) <= _LONGEST_TTL:
            raise HuaweiRefusal("ttl", status=400, body="Bad Request")
        token = sha256(f"metadata:{len(self._tokens)}:{call.now}".encode()).hexdigest()
        self._tokens[token] = call.now + int(ttl)
        return PlainTextResponse(token)

    def show_security_key(self, call: Call) -> Response:
        given = call.wire.headers.get("x-metadata-token", "")
        if not self._v1_only and call.now >= self._tokens.get(given, 0.0):
            raise HuaweiRefusal("metadata_token", status=401, body="Unauthorized")
        if not self._agency:
            body = "Please configure Cloud Service Agency first"
            raise HuaweiRefusal("no_agency", status=401, body=body)
        return JSONResponse({"credential": self._current_key(call.now)})

    def _current_key(self, now: float) -> dict[str, str]:
        # The same key until half of its life is over; older keys keep working until they expire.
        if self._key is None or self._key[0] - now < self._lifetime / 2:
            key = self._access.issue("metadata", now, self._lifetime)
            self._key = now + self._lifetime, key
        return self._key[1]


def build(
    *,
    faults: FaultInjection,
    clock: Clock,
    access: HuaweiAccess,
    lifetime: float = 86400.0,
    agency: bool = True,
    v1_only: bool = False,
) -> Starlette:
    """Build a metadata service whose keys open `access`.

    With `v1_only` it knows no tokens and asks for none; without an `agency` it has no keys.
    """
    service = _MetadataService(access, lifetime, agency, v1_only)
    gateway = HuaweiGateway(
        faults=faults, clock=clock, admit=lambda _: None, trouble=_metadata_trouble
    )
    return gateway.app(
        [
            gateway.route("/meta-data/latest/api/token", TOKEN, service.create_token, "PUT"),
            gateway.route("/openstack/latest/securitykey", SECURITY_KEY, service.show_security_key),
        ]
    )


def _metadata_trouble(trouble: Trouble, _: FaultInjection) -> HuaweiRefusal:
    status = 503 if trouble is Trouble.OUTAGE else 429
    return HuaweiRefusal(trouble, status=status, body=f"{status}")
