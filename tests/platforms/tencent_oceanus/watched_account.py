"""Watch an account of Tencent Cloud with the whole exporter, under whatever identity there is."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import httpx

from exporter.app import App
from exporter.configuration.config import parse
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.tencent import metadata, monitor, oceanus, sts
from exporter.simulator.tencent.access import CamRole, TencentAccess, TencentKey
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, virtual_world

TOKEN = "the-token-of-the-pod"


class Account(httpx.AsyncBaseTransport):
    """Oceanus, Monitor, STS and the metadata of a server, by their public hosts.

    The token of the pod is good for the role `pod`; `roles` may be assumed by whom they trust.
    """

    def __init__(self, *, pod: str, keys: Sequence[TencentKey], roles: Sequence[CamRole]) -> None:
        loop = asyncio.get_running_loop()
        self.access = access = TencentAccess(*keys)
        self.faults = {name: FaultInjection(started_at=EPOCH) for name in ("api", "sts", "cvm")}
        self.callers: set[str] = set()
        """Who has asked Oceanus."""
        self.told: set[str] = set()
        """What was sent that nobody else may see."""

        def clock() -> float:
            return EPOCH + loop.time()

        api, fleet = self.faults["api"], Fleet(seed=1, started_at=EPOCH, jobs=2)
        self._hosts = {
            "oceanus.tencentcloudapi.com": oceanus.build(
                fleet=fleet, faults=api, clock=clock, access=access
            ),
            "monitor.tencentcloudapi.com": monitor.build(
                fleet=fleet, faults=api, clock=clock, access=access
            ),
            "sts.tencentcloudapi.com": sts.build(
                faults=self.faults["sts"],
                clock=clock,
                access=access,
                token=TOKEN,
                role_arn=pod,
                roles=roles,
            ),
            "metadata.tencentyun.com": metadata.build(
                faults=self.faults["cvm"], clock=clock, access=access
            ),
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, signed = request.url.host, request.headers.get("authorization", "")
        if host.startswith("oceanus"):
            key = self.access.find(signed.partition("Credential=")[2].partition("/")[0])
            self.callers.add(key.principal if key is not None else "nobody")
        self.told |= {signed, request.headers.get("x-tc-token", "")}
        return await httpx.ASGITransport(self._hosts[host]).handle_async_request(request)


class Watched:
    """An exporter that sees the jobs of an account, or does not."""

    def __init__(self, app: App, account: Account, log: RecordingLog) -> None:
        self.app = app
        self.account = account
        self._log = log

    @property
    def up(self) -> bool | None:
        return self.app.store.snapshots["oceanus"].up

    @property
    def failure(self) -> str:
        return self.app.store.snapshots["oceanus"].failure

    def calls(self, operation: str) -> float:
        """Return how often the exporter says that it called an operation."""
        return sum(
            sample.value
            for family in self.app.telemetry.api_requests.collect()
            for sample in family.samples
            if sample.name.endswith("_total") and sample.labels["operation"] == operation
        )

    def shown(self, *secrets: str) -> list[str]:
        """Return which of these secrets, and of those that were sent, are anywhere to be seen."""
        self.app.exposition.refresh()
        said = repr(self._log.lines) + self.app.exposition.scrape()[0].decode() + repr(self.app)
        said += self.failure
        long = {secret for secret in self.account.told if len(secret) > 4}
        return [secret for secret in {TOKEN, *secrets, *long} if secret in said]


async def watch(
    environ: Mapping[str, str],
    settings: str,
    *,
    pod: str,
    keys: Sequence[TencentKey] = (),
    roles: Sequence[CamRole] = (),
) -> Watched:
    """Start an exporter in an environment; `settings` of the source are written as in YAML."""
    account, log = Account(pod=pod, keys=keys, roles=roles), RecordingLog()
    runtime = replace(
        virtual_world(account, environ=environ), tencent_credentials=Path("/nonexistent")
    )
    text = (
        "sources: [{name: oceanus, platform: tencent_oceanus, region: ap-guangzhou, "
        "workspaces: [space-demo0001], poll_interval: 10m, detail_interval: 30m, stale_after: 1h, "
        f"{settings}}}]"
    )
    config = parse(text, environ={}, directory=Path())
    app = App(lambda: config, runtime=runtime, log=log)
    await app.start()
    return Watched(app, account, log)


async def stays_up_while_sts_is_down(it: Watched) -> None:
    """Have STS fail for a while in which the keys live, and see that nobody hears of it."""
    await asyncio.sleep(6000)
    it.account.faults["sts"].outage = True
    await asyncio.sleep(1100)
    assert it.up
    it.account.faults["sts"].outage = False
    await asyncio.sleep(1200)
    assert it.up
    assert it.account.faults["api"].refused("AuthFailure.TokenFailure") == 0
    await it.app.stop()


def pod_environment(folder: Path, role: str) -> dict[str, str]:
    """Return the variables that TKE puts into a pod, whose token is in a file of this folder."""
    path = folder / "token"
    path.write_text(f"{TOKEN}\n")
    return {
        "TKE_REGION": "ap-guangzhou",
        "TKE_PROVIDER_ID": "cls-1",
        "TKE_ROLE_ARN": role,
        "TKE_WEB_IDENTITY_TOKEN_FILE": str(path),
    }
