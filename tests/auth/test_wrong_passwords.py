"""A wrong password is sent too seldom for IAM to lock the user; another one is tried at once."""

import asyncio
from pathlib import Path

import httpx
import pytest

from exporter.auth.guard import GuardBook
from exporter.auth.huawei.token import HuaweiTokenAuth, PasswordLogin
from exporter.errors import CredentialError, FetchError, Reason
from exporter.secret import FileSecret, TextSecret
from tests.auth.test_token import API, Iam, Runtime, play
from tests.auth.tools import MARK, Clock, drive


def test_wrong_password_is_tried_twice_and_then_not_for_sixteen_minutes() -> None:
    """IAM locks users whose password is wrong too often."""

    async def scene(runtime: Runtime) -> None:
        runtime.iam.answer = httpx.Response(401)
        for _ in range(2):
            assert (await runtime.failure()).reason is Reason.AUTH
        for now in (0.0, 450.0, 959.0):
            runtime.clock.now = now
            with pytest.raises(CredentialError, match="paused"):
                await runtime.status()
        assert len(runtime.iam.logins) == 2
        runtime.clock.now = 960.0
        assert (await runtime.failure()).reason is Reason.AUTH
        runtime.clock.now = 1919.0
        with pytest.raises(CredentialError, match="paused"):
            await runtime.status()
        runtime.clock.now = 1920.0
        runtime.iam.answer = None
        assert await runtime.status() == 200
        assert len(runtime.iam.logins) == 4

    play(scene)


def test_sources_with_the_same_user_share_the_guard() -> None:
    """Two sources with one wrong password are as bad as one that tries twice as often."""

    async def run() -> None:
        clock = Clock(0.0)
        iam = Iam(clock)
        iam.answer = httpx.Response(401)
        guards = GuardBook(clock=clock)
        login = PasswordLogin(
            endpoint="https://iam.example.com",
            username="user",
            password=TextSecret(MARK),
            domain="company",
            project_id="0123",
        )
        auths = [HuaweiTokenAuth(login, iam.send, guards, clock=clock) for _ in range(4)]
        for auth in auths:
            with pytest.raises((FetchError, CredentialError)):
                await drive(auth, httpx.Request("GET", API))
        assert len(iam.logins) == 2
        assert MARK not in repr(login) + repr(auths) + repr(vars(auths[0]))

    asyncio.run(run())


def test_wrong_password_is_counted_for_all_regions_of_a_cloud() -> None:
    """They have one IAM each, and share the users."""

    async def run() -> int:
        clock = Clock(0.0)
        iam = Iam(clock)
        iam.answer = httpx.Response(401)
        guards = GuardBook(clock=clock)
        for region in ("cn-north-4", "cn-east-3", "cn-south-1"):
            login = PasswordLogin(
                endpoint=f"https://iam.{region}.cloud.example",
                username="user",
                password=TextSecret(MARK),
                domain="company",
            )
            auth = HuaweiTokenAuth(login, iam.send, guards, clock=clock)
            with pytest.raises((FetchError, CredentialError)):
                await drive(auth, httpx.Request("GET", API))
        return len(iam.logins)

    assert asyncio.run(run()) == 2


def test_other_password_is_tried_at_once(tmp_path: Path) -> None:
    """It comes by a reload, or by its file."""
    path = tmp_path / "password"
    path.write_text("wrong")
    secret = FileSecret(path)

    async def scene(runtime: Runtime) -> None:
        runtime.iam.answer = httpx.Response(401)
        for _ in range(2):
            await runtime.failure()
        with pytest.raises(CredentialError, match="paused"):
            await runtime.status()
        path.write_text("right")
        secret.look()
        runtime.iam.answer = None
        assert await runtime.status() == 200

    play(scene, password=secret)
