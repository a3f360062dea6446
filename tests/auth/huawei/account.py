"""A simulated account of Huawei Cloud: its IAM, STS, machine and pods, behind one address."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.auth.credentials import Credentials
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.huawei import dli, iam, metadata, pod_identity, sts
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.agencies import Agency, HuaweiAgencies
from exporter.simulator.huawei.id_tokens import IdentityProvider
from exporter.simulator.huawei.tokens import HuaweiTokens
from tests.auth.tools import MARK

PROJECT = "330e068af1334c9782f4226acc00a2e2"
DOMAIN, USER, PASSWORD = "company", "exporter", f"{MARK}-password"
KEY, SECRET = "KEYOFSOMEBODY", f"{MARK}-secret"
POD = "system:serviceaccount:monitoring:exporter"
PROVIDER = IdentityProvider(
    issuer="https://issuer.example.com",
    audience="huawei-cloud",
    key=b"of the provider",
    idp_id="corporate",
    urn="iam::d-1:oidc-provider:corporate",
)
KUBELET = IdentityProvider(issuer="https://kubelet", audience="pods", key=b"of the kubelet")
WATCHED = Agency(
    name="watcher", domain="customer", domain_id="d-2", project_id=PROJECT, external_id="e-7"
)
PLAIN = Agency(name="plain", domain="customer", domain_id="d-2", project_id=PROJECT)
OWN = Agency(name="own", domain=DOMAIN, domain_id="d-1", trusts=(PROVIDER.urn,))
OF_POD = Agency(name="pod", domain=DOMAIN, domain_id="d-1")


@dataclass(slots=True)
class Account:
    """All of it, told apart by path; `machine` says whether an agency is attached to the server."""

    clock: Callable[[], float]
    machine: bool = True
    access: HuaweiAccess = field(init=False)
    tokens: HuaweiTokens = field(init=False)
    faults: FaultInjection = field(init=False)
    app: ASGIApp = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = HuaweiTokens()
        self.access = HuaweiAccess(keys={KEY: SECRET}, tokens=self.tokens)
        self.faults = FaultInjection()
        agencies = HuaweiAgencies([WATCHED, PLAIN, OWN, OF_POD])
        self.app = _ByPath(
            {
                "/v3": iam.build(
                    faults=self.faults,
                    clock=self.clock,
                    tokens=self.tokens,
                    domain=DOMAIN,
                    users={USER: PASSWORD},
                    projects={PROJECT: "cn-north-4"},
                    access=self.access,
                    agencies=agencies,
                    providers=[PROVIDER],
                ),
                "/v5": sts.build(
                    faults=self.faults,
                    clock=self.clock,
                    access=self.access,
                    agencies=agencies,
                    providers=[PROVIDER],
                ),
                "/v1.0": dli.build(
                    fleet=Fleet(seed=1, started_at=self.clock(), jobs=3),
                    faults=self.faults,
                    clock=self.clock,
                    access=self.access,
                    project_id=PROJECT,
                ),
                "/v1/": pod_identity.build(
                    faults=self.faults,
                    clock=self.clock,
                    access=self.access,
                    kubelet=KUBELET,
                    associations={POD: OF_POD},
                ),
                "/": metadata.build(
                    faults=self.faults, clock=self.clock, access=self.access, agency=self.machine
                ),
            }
        )

    def holder(self, found: Credentials) -> str:
        """Return whom a key stands for; nothing unless it is whole."""
        temporary = self.access.temporary.get(found.access_key)
        if temporary is None:
            return found.access_key
        whole = (temporary.secret, temporary.security_token)
        return temporary.holder if (found.secret_key, found.security_token) == whole else ""

    def transport(self) -> httpx.ASGITransport:
        """Return the way to it in memory."""
        return httpx.ASGITransport(app=self.app)


class _ByPath:
    def __init__(self, apps: dict[str, Starlette]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "/")
        app = next(app for prefix, app in self._apps.items() if path.startswith(prefix))
        await app(scope, receive, send)
