"""Jobs of another account are seen by a role that whatever identity there is assumes there."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.simulator.tencent.access import CamRole, TencentKey
from tests.platforms.tencent_oceanus.api import Api, inventory, listing
from tests.platforms.tencent_oceanus.watched_account import (
    Watched,
    pod_environment,
    stays_up_while_sts_is_down,
    watch,
)
from tests.virtual_time import EPOCH, run

ID, SECRET, EXTERNAL_ID = "AKIDours", "the-secret-of-ours", "the-external-id"
POD = "qcs::cam::uin/100000000001:roleName/pod"
SERVER = "qcs::cam::uin/100000000001:roleName/streaming-job-exporter"
THEIRS = "qcs::cam::uin/100000000002:roleName/reader"
KEY = f"secret_id: {ID}, secret_key: {SECRET}, "


async def _watch(
    environ: Mapping[str, str], *, key: str = "", external_id: str = EXTERNAL_ID
) -> Watched:
    """Watch the account whose role trusts identities of ours."""
    trusts = frozenset({ID, POD, SERVER})
    return await watch(
        environ,
        f"auth: {{{key}assume_role: {{role_arn: '{THEIRS}', external_id: {external_id}}}}}",
        pod=POD,
        keys=[TencentKey(secret_id=ID, secret_key=SECRET)],
        roles=[CamRole(arn=THEIRS, trusts=trusts, external_id=EXTERNAL_ID)],
    )


@pytest.fixture(name="pod")
def _pod(tmp_path: Path) -> dict[str, str]:
    return pod_environment(tmp_path, POD)


async def _sees_their_jobs(it: Watched, *, others: Mapping[str, int]) -> None:
    """Watch for over two lives of the keys: each is asked for a quarter of an hour before."""
    await asyncio.sleep(600)
    assert (it.up, it.calls("AssumeRole")) == (True, 1)
    await asyncio.sleep(4 * 3600)
    assert (it.up, it.calls("AssumeRole")) == (True, 3)
    assert it.account.callers == {THEIRS}
    assert {name: it.calls(name) for name in others} == others
    assert it.account.faults["sts"].count() == sum(
        it.calls(name) for name in ("AssumeRole", "AssumeRoleWithWebIdentity")
    )
    assert it.account.faults["api"].refused("AuthFailure.TokenFailure") == 0
    assert it.shown(SECRET, EXTERNAL_ID) == []
    await it.app.stop()


def test_key_of_ours_assumes_their_role() -> None:
    async def scenario() -> None:
        it = await _watch({}, key=KEY)
        await _sees_their_jobs(
            it, others={"GetSecurityCredentials": 0, "AssumeRoleWithWebIdentity": 0}
        )

    run(scenario())


def test_key_of_the_environment_assumes_their_role() -> None:
    async def scenario() -> None:
        it = await _watch({"TENCENTCLOUD_SECRET_ID": ID, "TENCENTCLOUD_SECRET_KEY": SECRET})
        await _sees_their_jobs(it, others={"GetSecurityCredentials": 0})

    run(scenario())


def test_pod_assumes_their_role(pod: dict[str, str]) -> None:
    async def scenario() -> None:
        it = await _watch(pod)
        await _sees_their_jobs(
            it, others={"GetSecurityCredentials": 0, "AssumeRoleWithWebIdentity": 3}
        )

    run(scenario())


def test_server_assumes_their_role() -> None:
    """The name of its role and its keys are asked for once; they are good for half of six hours."""

    async def scenario() -> None:
        it = await _watch({})
        await _sees_their_jobs(
            it, others={"GetSecurityCredentials": 2, "AssumeRoleWithWebIdentity": 0}
        )

    run(scenario())


def test_role_that_wants_another_external_id_is_a_failed_poll_that_says_so() -> None:
    async def scenario() -> None:
        it = await _watch({}, key=KEY, external_id="another-id")
        await asyncio.sleep(300)
        assert not it.up
        assert "AssumeRole failed: auth, HTTP 200, UnauthorizedOperation" in it.failure
        assert "the external id is not the one it wants" in it.failure
        assert "another-id" not in it.failure
        assert (it.account.callers, it.shown(SECRET, EXTERNAL_ID)) == (set(), [])
        await it.app.stop()

    run(scenario())


def test_sts_that_is_down_for_a_while_keeps_the_source_up_as_long_as_its_keys_live() -> None:
    async def scenario() -> None:
        await stays_up_while_sts_is_down(await _watch({}, key=KEY))

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
