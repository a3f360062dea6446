"""Jobs of another account are seen by a role that whatever identity there is assumes there."""

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
from exporter.simulator.tencent import metadata, oceanus, sts
from exporter.simulator.tencent.access import CamRole, TencentAccess, TencentKey
from tests.platforms.tencent_oceanus.api import Api, inventory, listing
from tests.recording import RecordingLog
from tests.virtual_time import EPOCH, run, virtual_world

ID, SECRET, EXTERNAL_ID = "AKIDours", "the-secret-of-ours", "the-external-id"
TOKEN = "the-token-of-the-pod"
POD = "qcs::cam::uin/100000000001:roleName/pod"
SERVER = "qcs::cam::uin/100000000001:roleName/streaming-job-exporter"
THEIRS = "qcs::cam::uin/100000000002:roleName/reader"
KEY = f"secret_id: {ID}, secret_key: {SECRET}, "


class Accounts(httpx.AsyncBaseTransport):
    """An account whose jobs are watched; a role of it trusts identities of ours."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.access = TencentAccess(TencentKey(secret_id=ID, secret_key=SECRET))
        self.faults = {name: FaultInjection(started_at=EPOCH) for name in ("api", "sts", "cvm")}
        self.callers: set[str] = set()
        self.told: set[str] = set()

        def clock() -> float:
            return EPOCH + loop.time()

        role = CamRole(arn=THEIRS, trusts=frozenset({ID, POD, SERVER}), external_id=EXTERNAL_ID)
        self._hosts = {
            "oceanus.tencentcloudapi.com": oceanus.build(
                fleet=Fleet(seed=1, started_at=EPOCH, jobs=2),
                faults=self.faults["api"],
                clock=clock,
                access=self.access,
            ),
            "sts.tencentcloudapi.com": sts.build(
                faults=self.faults["sts"],
                clock=clock,
                access=self.access,
                token=TOKEN,
                role_arn=POD,
                roles=[role],
            ),
            "metadata.tencentyun.com": metadata.build(
                faults=self.faults["cvm"], clock=clock, access=self.access
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
    """An exporter that sees the jobs of the other account, or does not."""

    def __init__(self, app: App, cloud: Accounts, log: RecordingLog) -> None:
        self.app = app
        self.cloud = cloud
        self._log = log

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

    def shown(self) -> list[str]:
        """Return which secrets are anywhere to be seen."""
        self.app.exposition.refresh()
        said = repr(self._log.lines) + self.app.exposition.scrape()[0].decode() + repr(self.app)
        said += self.app.store.snapshots["oceanus"].failure or ""
        long = {secret for secret in self.cloud.told if len(secret) > 4}
        return [secret for secret in {SECRET, EXTERNAL_ID, TOKEN, *long} if secret in said]


async def watch(
    environ: Mapping[str, str], *, key: str = "", external_id: str = EXTERNAL_ID
) -> Watched:
    cloud, log = Accounts(), RecordingLog()
    runtime = replace(
        virtual_world(cloud, environ=environ), tencent_credentials=Path("/nonexistent")
    )
    text = (
        "sources: [{name: oceanus, platform: tencent_oceanus, region: ap-guangzhou, "
        "workspaces: [space-demo0001], poll_interval: 10m, detail_interval: 30m, stale_after: 1h, "
        f"auth: {{{key}assume_role: {{role_arn: '{THEIRS}', external_id: {external_id}}}}}}}]"
    )
    config = parse(text, environ={}, directory=Path())
    app = App(lambda: config, runtime=runtime, log=log)
    await app.start()
    return Watched(app, cloud, log)


@pytest.fixture(name="pod")
def _pod(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return {
        "TKE_REGION": "ap-guangzhou",
        "TKE_PROVIDER_ID": "cls-1",
        "TKE_ROLE_ARN": POD,
        "TKE_WEB_IDENTITY_TOKEN_FILE": str(path),
    }


async def _sees_their_jobs(it: Watched, *, others: Mapping[str, int]) -> None:
    """Watch for over two lives of the keys: each is asked for a quarter of an hour before."""
    await asyncio.sleep(600)
    assert (it.up, it.calls("AssumeRole")) == (True, 1)
    await asyncio.sleep(4 * 3600)
    assert (it.up, it.calls("AssumeRole")) == (True, 3)
    assert it.cloud.callers == {THEIRS}
    assert {name: it.calls(name) for name in others} == others
    assert it.cloud.faults["sts"].count() == sum(
        it.calls(name) for name in ("AssumeRole", "AssumeRoleWithWebIdentity")
    )
    assert it.cloud.faults["api"].refused("AuthFailure.TokenFailure") == 0
    assert it.shown() == []
    await it.app.stop()


def test_key_of_ours_assumes_their_role() -> None:
    async def scenario() -> None:
        it = await watch({}, key=KEY)
        await _sees_their_jobs(
            it, others={"GetSecurityCredentials": 0, "AssumeRoleWithWebIdentity": 0}
        )

    run(scenario())


def test_key_of_the_environment_assumes_their_role() -> None:
    async def scenario() -> None:
        it = await watch({"TENCENTCLOUD_SECRET_ID": ID, "TENCENTCLOUD_SECRET_KEY": SECRET})
        await _sees_their_jobs(it, others={"GetSecurityCredentials": 0})

    run(scenario())


def test_pod_assumes_their_role(pod: dict[str, str]) -> None:
    async def scenario() -> None:
        it = await watch(pod)
        await _sees_their_jobs(
            it, others={"GetSecurityCredentials": 0, "AssumeRoleWithWebIdentity": 3}
        )

    run(scenario())


def test_server_assumes_their_role() -> None:
    """The name of its role and its keys are asked for once; they are good for half of six hours."""

    async def scenario() -> None:
        it = await watch({})
        await _sees_their_jobs(
            it, others={"GetSecurityCredentials": 2, "AssumeRoleWithWebIdentity": 0}
        )

    run(scenario())


def test_role_that_wants_another_external_id_is_a_failed_poll_that_says_so() -> None:
    async def scenario() -> None:
        it = await watch({}, key=KEY, external_id="another-id")
        await asyncio.sleep(300)
        failure = it.app.store.snapshots["oceanus"].failure or ""
        assert not it.up
        assert "AssumeRole failed: auth, HTTP 200, UnauthorizedOperation" in failure
        assert "the external id is not the one it wants" in failure
        assert "another-id" not in failure
        assert (it.cloud.callers, it.shown()) == (set(), [])
        await it.app.stop()

    run(scenario())


def test_sts_that_is_down_for_a_while_keeps_the_source_up_as_long_as_its_keys_live() -> None:
    async def scenario() -> None:
        it = await watch({}, key=KEY)
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


@pytest.mark.parametrize(
    ("region", "host", "asked_in"),
    [
        ("ap-beijing", "sts.tencentcloudapi.com", "ap-guangzhou"),
        ("ap-shanghai-fsi", "sts.ap-shanghai-fsi.tencentcloudapi.com", "ap-shanghai-fsi"),
    ],
)
def test_sts_is_asked_where_the_sdks_ask_it_and_of_a_finance_region_in_it(
    region: str, host: str, asked_in: str
) -> None:
    keys = {"TmpSecretId": "a", "TmpSecretKey": "b", "Token": "c"}
    api = Api(AssumeRole={"Credentials": keys, "ExpiredTime": EPOCH + 7200}, DescribeJobs=listing())
    auth = {"secret_id": ID, "secret_key": SECRET, "assume_role": {"role_arn": THEIRS}}
    inventory(api, region=region, auth=auth)
    login, jobs = api.requests
    assert (login.url.host, login.headers["x-tc-region"]) == (host, asked_in)
    assert (jobs.headers["x-tc-region"], jobs.headers["x-tc-token"]) == (region, "c")
