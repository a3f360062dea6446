"""The identity of a pod or a server is renewed in time, counted as calls, and shown nowhere."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from exporter.app import App
from exporter.configuration.config import parse
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.tencent import metadata, monitor, oceanus, sts
from exporter.simulator.tencent.access import TencentAccess
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

TOKEN, ROLE = "the-token-of-the-pod", "qcs::cam::uin/1:roleName/exporter"
LOGIN, KEYS = "AssumeRoleWithWebIdentity", "GetSecurityCredentials"


class Cloud(httpx.AsyncBaseTransport):
    """Oceanus, Monitor, STS and the metadata of a server, by their public hosts."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.access = TencentAccess()
        self.faults = {name: FaultInjection(started_at=EPOCH) for name in ("api", "sts", "cvm")}
        fleet = Fleet(seed=1, started_at=EPOCH, jobs=2)
        told: set[str] = set()

        def clock() -> float:
            return EPOCH + loop.time()

        api, access = self.faults["api"], self.access
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
                access=self.access,
                token=TOKEN,
                role_arn=ROLE,
            ),
            "metadata.tencentyun.com": metadata.build(
                faults=self.faults["cvm"], clock=clock, access=self.access
            ),
        }
        self.told = told

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._hosts[request.url.host])
        self.told |= {request.headers.get(name, "") for name in ("authorization", "x-tc-token")}
        return await transport.handle_async_request(request)


class Watched:
    """An exporter that finds its keys, and the cloud it asks."""

    def __init__(self, app: App, cloud: Cloud, log: RecordingLog) -> None:
        self.app = app
        self.cloud = cloud
        self.log = log

    @property
    def up(self) -> bool | None:
        return self.app.store.snapshots["oceanus"].up

    def calls(self, operation: str) -> float:
        """Return how often the exporter says that it called an operation."""
        return sum(
            sample.value
            for family in self.app.telemetry.api_requests.collect()
            for sample in family.samples
            if sample.name.endswith("_total") and sample.labels["operation"] == operation
        )

    def everything(self) -> str:
        self.app.exposition.refresh()
        return repr(self.log.lines) + self.app.exposition.scrape()[0].decode() + repr(self.app)


async def watch(environ: Mapping[str, str]) -> Watched:
    cloud, log = Cloud(), RecordingLog()
    runtime = replace(
        virtual_world(cloud, environ=environ), tencent_credentials=Path("/nonexistent")
    )
    text = (
        "sources: [{name: oceanus, platform: tencent_oceanus, region: ap-guangzhou, "
        "workspaces: [space-demo0001], monitor: true, poll_interval: 10m, detail_interval: 30m, "
        "stale_after: 1h}]"
    )
    config = parse(text, environ={}, directory=Path())
    app = App(lambda: config, runtime=runtime, log=log)
    await app.start()
    return Watched(app, cloud, log)


@pytest.fixture(name="pod")
def _pod(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return {
        "TKE_REGION": "ap-guangzhou",
        "TKE_PROVIDER_ID": "cls-1",
        "TKE_ROLE_ARN": ROLE,
        "TKE_WEB_IDENTITY_TOKEN_FILE": str(path),
    }


def test_pod_logs_in_once_for_all_who_wait_and_again_before_the_end(pod: dict[str, str]) -> None:
    async def scenario() -> None:
        it = await watch(pod)
        await asyncio.sleep(600)
        assert (it.up, it.calls(LOGIN)) == (True, 1)
        await asyncio.sleep(7200)
        assert (it.up, it.calls(LOGIN), it.calls(KEYS)) == (True, 2, 0)
        api = it.cloud.faults["api"]
        assert it.calls(LOGIN) == it.cloud.faults["sts"].count()
        assert api.refused("AuthFailure.TokenFailure") == 0
        shown = it.everything()
        assert [secret for secret in it.cloud.told if len(secret) > 4 and secret in shown] == []
        assert TOKEN not in shown
        await it.app.stop()

    run(scenario())


def test_pod_whose_login_is_refused_does_not_pass_for_its_node(pod: dict[str, str]) -> None:
    async def scenario() -> None:
        it = await watch({**pod, "TKE_ROLE_ARN": "qcs::cam::uin/1:roleName/other"})
        await asyncio.sleep(300)
        snapshot = it.app.store.snapshots["oceanus"]
        assert not snapshot.up
        assert "ResourceNotFound.RoleNotFound, the role does not exist" in snapshot.failure
        assert (it.calls(KEYS), it.cloud.faults["cvm"].count()) == (0, 0)
        await it.app.stop()

    run(scenario())


def test_sts_that_is_down_for_a_while_keeps_the_source_up_as_long_as_its_keys_live(
    pod: dict[str, str],
) -> None:
    async def scenario() -> None:
        it = await watch(pod)
        await asyncio.sleep(6000)
        it.cloud.faults["sts"].outage = True
        await asyncio.sleep(1100)
        assert it.up
        it.cloud.faults["sts"].outage = False
        await asyncio.sleep(1200)
        assert it.up
        assert it.cloud.faults["api"].refused("AuthFailure.TokenFailure") == 0
        await it.app.stop()

    run(scenario())


def test_server_gets_the_keys_of_its_role_and_renews_them() -> None:
    """They live for six hours, and are replaced at half of that."""

    async def scenario() -> None:
        it = await watch({})
        await asyncio.sleep(7 * 3600)
        assert it.up
        # The name of the role and its keys, each time.
        assert it.calls(KEYS) == 4
        assert it.cloud.faults["api"].refused("AuthFailure.TokenFailure") == 0
        assert it.calls(LOGIN) == 0
        await it.app.stop()

    run(scenario())
