"""Simulate where the keys of a machine come from: EC2 metadata, and the endpoint of containers."""

from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.simulator.aws.access import AwsAccess, AwsKey
from exporter.simulator.aws.gateway import Clock
from exporter.simulator.fault_injection import FaultInjection

TOKEN, ROLES, CREDENTIALS, CONTAINER = "token", "roles", "credentials", "container"
_PATH = "/latest/meta-data/iam/security-credentials/"
_LONGEST_TTL = 21_600


def build(
    *,
    faults: FaultInjection,
    clock: Clock,
    access: AwsAccess,
    role: str | None = "exporter",
    usable: bool = True,
    tokens_required: bool = True,
    authorization: str = "",
    lifetime: float = 6 * 3600.0,
) -> Starlette:
    """Build the services of one machine; their keys open `access`.

    Without a `role` none is attached; one that is not `usable` answers 200 and no keys. Containers
    have to send `authorization`. Keys are replaced halfway through their `lifetime`.
    """
    service = _Machine(faults, clock, access, role, usable, tokens_required, lifetime)

    async def container(request: Request) -> Response:
        if request.headers.get("authorization", "") != authorization:
            return service.answer(CONTAINER, JSONResponse({"code": "Denied"}, 403))
        return service.answer(CONTAINER, JSONResponse(service.keys()))

    return Starlette(
        routes=[
            Route("/latest/api/token", service.token, methods=["PUT"]),
            Route(_PATH, service.roles),
            Route(_PATH + "{role}", service.credentials),
            Route("/v2/credentials/{id}", container),
            Route("/v1/credentials", container),
        ]
    )


class _Machine:
    def __init__(
        self,
        faults: FaultInjection,
        clock: Clock,
        access: AwsAccess,
        role: str | None,
        usable: bool,
        tokens_required: bool,
        lifetime: float,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._access = access
        self._role = role
        self._usable = usable
        self._tokens_required = tokens_required
        self._lifetime = lifetime
        self._tokens: dict[str, float] = {}
        self._key: AwsKey | None = None

    async def token(self, request: Request) -> Response:
        seconds = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if not seconds.isdigit() or not 1 <= int(seconds) <= _LONGEST_TTL:
            return self.answer(TOKEN, PlainTextResponse("Bad Request", 400))
        token = f"AQAE{len(self._tokens):08d}=="
        self._tokens[token] = self._clock() + int(seconds)
        return self.answer(TOKEN, PlainTextResponse(token))

    async def roles(self, request: Request) -> Response:
        if not self._admits(request):
            return self.answer(ROLES, PlainTextResponse("Unauthorized", 401))
        if self._role is None:
            return self.answer(ROLES, PlainTextResponse("Not Found", 404))
        return self.answer(ROLES, PlainTextResponse(self._role))

    async def credentials(self, request: Request) -> Response:
        if not self._admits(request):
            return self.answer(CREDENTIALS, PlainTextResponse("Unauthorized", 401))
        if request.path_params["role"] != self._role:
            return self.answer(CREDENTIALS, PlainTextResponse("Not Found", 404))
        if not self._usable:
            body = {"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}
            return self.answer(CREDENTIALS, JSONResponse(body))
        return self.answer(CREDENTIALS, JSONResponse({"Code": "Success", **self.keys()}))

    def keys(self) -> dict[str, object]:
        now, key = self._clock(), self._key
        if key is None or (key.expires_at or 0) - now <= self._lifetime / 2:
            # Whole seconds, so that the key ends when its answer says so.
            key = self._key = self._access.issue(expires_at=int(now + self._lifetime))
        expiration = datetime.fromtimestamp(key.expires_at or now, UTC)
        return {
            "AccessKeyId": key.key_id,
            "SecretAccessKey": key.secret,
            "Token": key.session_token,
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def answer(self, operation: str, response: Response) -> Response:
        refusal = "" if response.status_code == 200 else str(response.status_code)
        self._faults.record(operation, self._clock(), refusal)
        return response

    def _admits(self, request: Request) -> bool:
        token = request.headers.get("x-aws-ec2-metadata-token")
        if token is None:
            return not self._tokens_required
        return self._tokens.get(token, 0.0) > self._clock()
