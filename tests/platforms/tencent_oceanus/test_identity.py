"""The identity of a pod or a server is renewed in time, counted as calls, and shown nowhere."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.platforms.tencent_oceanus.watched_account import (
    Watched,
    pod_environment,
    stays_up_while_sts_is_down,
    watch,
)
from tests.virtual_time import run

ROLE = "qcs::cam::uin/1:roleName/exporter"
LOGIN, KEYS = "AssumeRoleWithWebIdentity", "GetSecurityCredentials"


async def _watch(environ: Mapping[str, str]) -> Watched:
    return await watch(environ, "monitor: true", pod=ROLE)


@pytest.fixture(name="pod")
def _pod(tmp_path: Path) -> dict[str, str]:
    return pod_environment(tmp_path, ROLE)


def test_pod_logs_in_once_for_all_who_wait_and_again_before_the_end(pod: dict[str, str]) -> None:
    async def scenario() -> None:
        it = await _watch(pod)
        await asyncio.sleep(600)
        assert (it.up, it.calls(LOGIN)) == (True, 1)
        await asyncio.sleep(7200)
        assert (it.up, it.calls(LOGIN), it.calls(KEYS)) == (True, 2, 0)
        api = it.account.faults["api"]
        assert it.calls(LOGIN) == it.account.faults["sts"].count()
        assert api.refused("AuthFailure.TokenFailure") == 0
        assert it.shown() == []
        await it.app.stop()

    run(scenario())


def test_pod_whose_login_is_refused_does_not_pass_for_its_node(pod: dict[str, str]) -> None:
    async def scenario() -> None:
        it = await _watch({**pod, "TKE_ROLE_ARN": "qcs::cam::uin/1:roleName/other"})
        await asyncio.sleep(300)
        assert not it.up
        assert "ResourceNotFound.RoleNotFound, the role does not exist" in it.failure
        assert (it.calls(KEYS), it.account.faults["cvm"].count()) == (0, 0)
        await it.app.stop()

    run(scenario())


def test_sts_that_is_down_for_a_while_keeps_the_source_up_as_long_as_its_keys_live(
    pod: dict[str, str],
) -> None:
    async def scenario() -> None:
        await stays_up_while_sts_is_down(await _watch(pod))

    run(scenario())


def test_server_gets_the_keys_of_its_role_and_renews_them() -> None:
    """They live for six hours, and are replaced at half of that."""

    async def scenario() -> None:
        it = await _watch({})
        await asyncio.sleep(7 * 3600)
        assert it.up
        # The name of the role and its keys, each time.
        assert it.calls(KEYS) == 4
        assert it.account.faults["api"].refused("AuthFailure.TokenFailure") == 0
        assert it.calls(LOGIN) == 0
        await it.app.stop()

    run(scenario())
