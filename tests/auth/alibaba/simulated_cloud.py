"""One Alibaba Cloud with everything that hands out keys, reached by the names it has for real."""

from collections.abc import Callable

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.simulator.alibaba import metadata, sidecar, signing_in
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.oidc import OidcIssuer
from exporter.simulator.alibaba.signing_in import SignedInUser
from exporter.simulator.alibaba.sts import Role, Sts
from exporter.simulator.fault_injection import FaultInjection

OURS, THEIRS = "1000000000000001", "2000000000000002"
USER = f"acs:ram::{OURS}:user/exporter"
PERSON = f"acs:ram::{OURS}:assumed-role/AliyunReservedSSO/somebody"
MACHINE = "instance role streaming-job-exporter"
SIDECAR = "the sidecar"
KEY, SECRET = "LTAIuser", "MARKED-secret-of-the-user"
EXTERNAL_ID = "MARKED-ticket-4711"
POD = "system:serviceaccount:monitoring:exporter"
SSO_TOKEN, OAUTH_TOKEN = "MARKED-sso-token", "MARKED-oauth-token"
ACCOUNT, ACCESS_CONFIGURATION = "1000000000000009", "ac-00reader"


def role(name: str, account: str = OURS) -> str:
    """Return the ARN of a role."""
    return f"acs:ram::{account}:role/{name}"


ROLES = (
    Role(
        arn=role("watcher"),
        trusts=frozenset({USER, MACHINE, PERSON}),
        trusts_pods=frozenset({POD}),
    ),
    Role(arn=role("guarded"), trusts=frozenset({USER}), external_id=EXTERNAL_ID),
    Role(arn=role("reader", THEIRS), trusts=frozenset({role("watcher")}), longest=7200),
)


class SimulatedCloud:
    """The cloud: an ASGI application that tells its services by the host they are asked at."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.issuer = OidcIssuer()
        self.access = Access(
            AccessKey(key_id=KEY, secret=SECRET, principal=USER), seed=int(clock())
        )
        self.faults = FaultInjection(started_at=clock())
        self.sts = Sts(
            *ROLES,
            faults=self.faults,
            clock=clock,
            access=self.access,
            issuer=self.issuer,
        )
        self.asked: list[str] = []
        """Who was asked for keys, by the names of hosts."""
        users = {
            SSO_TOKEN: SignedInUser(
                principal=PERSON,
                expires_at=clock() + 7200,
                account=ACCOUNT,
                access_configuration=ACCESS_CONFIGURATION,
            ),
            OAUTH_TOKEN: SignedInUser(principal=PERSON, expires_at=clock() + 7200),
        }
        self._sts = self.sts.app()
        self._others: dict[str, ASGIApp] = {
            "100.100.100.200": metadata.build(
                faults=FaultInjection(started_at=clock()), clock=clock, access=self.access
            ),
            "signin.sso.example.com": signing_in.build(
                clock=clock, access=self.access, tokens=users
            ),
            "oauth.aliyun.com": signing_in.build(clock=clock, access=self.access, tokens=users),
            "sidecar.example.com": sidecar.build(
                clock=clock, access=self.access, principal=SIDECAR
            ),
        }

    def principal(self, key_id: str) -> str:
        """Return whose key this is."""
        key = self.access.find(key_id)
        assert key is not None
        return key.principal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of whatever host."""
        headers = dict(scope["headers"])
        host = headers[b"host"].decode().partition(":")[0]
        self.asked.append(host)
        app = self._sts if host.startswith("sts") else self._others[host]
        await app(scope, receive, send)

    async def send(
        self, request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        """Be what sends the exporter's logins."""
        assert request.url.scheme == "https" or direct or request.url.host == "100.100.100.200"
        transport = httpx.ASGITransport(self)
        response = await transport.handle_async_request(request)
        await response.aread()
        return response
