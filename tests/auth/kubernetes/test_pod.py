"""A pod asks its own API server, with whatever token the kubelet has put there last."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.auth.kubernetes import (
    READ_EVERY,
    Access,
    Connection,
    KubernetesAuth,
    RereadAccess,
)
from exporter.auth.kubernetes_configured import kubernetes_access
from exporter.auth.kubernetes_pod import PodAccess, is_pods_own, pod_server
from exporter.auth.settings import KubernetesAuthSettings
from exporter.errors import ConfigError, CredentialError
from exporter.files import at_once
from exporter.runtime import Runtime
from exporter.source import TlsSettings
from tests.virtual_time import run

SERVER = "https://10.0.0.1:443"
ENVIRON = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def mount(folder: Path, token: str, authority: str = "authority") -> None:
    """Write token and authority as the kubelet does: a folder, and a link that is exchanged."""
    version = len(list(folder.glob("..2*")))
    data = folder / f"..2{version}"
    data.mkdir(parents=True)
    (data / "token").write_text(token)
    (data / "ca.crt").write_text(authority)
    link = folder / "..next"
    link.symlink_to(data.name)
    link.replace(folder / "..data")
    for name in ("token", "ca.crt"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")


def access(folder: Path, every: float = READ_EVERY) -> RereadAccess:
    provider = PodAccess(SERVER, folder, aside=at_once)
    return RereadAccess(provider, now=lambda: asyncio.get_running_loop().time(), every=every)


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("10.0.0.1", "https://10.0.0.1:443"),
        ("fd00::1", "https://[fd00::1]:443"),
        ("kubernetes.default.svc", "https://kubernetes.default.svc:443"),
        ("", ""),
    ],
)
def test_address_is_that_of_the_environment(host: str, server: str) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
    assert pod_server(environ) == server


@pytest.mark.parametrize(
    ("endpoint", "own"),
    [
        ("https://10.0.0.1", True),
        ("https://10.0.0.1:443/", True),
        ("https://kubernetes.default.svc", True),
        ("https://kubernetes.default.svc:6443", False),
        ("http://10.0.0.1:443", False),
        ("https://10.0.0.2", False),
        ("https://10.0.0.1/k8s/other", False),
        ("https://kubernetes.default.svc.example.org", False),
    ],
)
def test_token_of_the_pod_is_for_its_own_api_server(endpoint: str, own: bool) -> None:
    assert is_pods_own(endpoint, ENVIRON) is own
    assert not is_pods_own(endpoint, {})


def test_rotated_token_and_authority_are_used(tmp_path: Path) -> None:
    mount(tmp_path, "first")

    async def rotate() -> list[Access]:
        kept = access(tmp_path)
        found = [await kept.get()]
        mount(tmp_path, "second", "another authority")
        found.append(await kept.get())
        await asyncio.sleep(READ_EVERY)
        return [*found, await kept.get()]

    first, same, second = run(rotate())
    assert same is first
    assert (first.authorization, second.authorization) == ("Bearer first", "Bearer second")
    assert second.connection.authority == b"another authority"


def test_token_that_is_refused_is_read_anew_at_once(tmp_path: Path) -> None:
    mount(tmp_path, "first")
    seen = []

    async def ask() -> httpx.Response:
        auth = KubernetesAuth(access(tmp_path))
        request = httpx.Request("GET", SERVER)
        flow = auth.async_auth_flow(request)
        sent = await anext(flow)
        seen.append(sent.headers["authorization"])
        mount(tmp_path, "second")
        sent = await flow.asend(httpx.Response(401))
        seen.append(sent.headers["authorization"])
        with pytest.raises(StopAsyncIteration):
            await flow.asend(httpx.Response(401))
        return httpx.Response(200)

    run(ask())
    assert seen == ["Bearer first", "Bearer second"]


def test_token_that_is_refused_and_still_the_same_is_not_sent_again(tmp_path: Path) -> None:
    mount(tmp_path, "first")

    async def ask() -> None:
        flow = KubernetesAuth(access(tmp_path)).async_auth_flow(httpx.Request("GET", SERVER))
        await anext(flow)
        with pytest.raises(StopAsyncIteration):
            await flow.asend(httpx.Response(401))

    run(ask())


def test_last_token_stays_while_the_file_cannot_be_used(tmp_path: Path) -> None:
    mount(tmp_path, "first")

    async def lose() -> tuple[str, str]:
        kept = access(tmp_path)
        await kept.get()
        (tmp_path / "token").unlink()
        await asyncio.sleep(READ_EVERY)
        return (await kept.get()).authorization, kept.problem

    authorization, problem = run(lose())
    assert authorization == "Bearer first"
    assert "token: no such file" in problem


def test_token_that_was_never_mounted_is_told_with_what_mounts_it(tmp_path: Path) -> None:
    with pytest.raises(CredentialError) as caught:
        run(access(tmp_path).get())
    assert str(caught.value) == (
        f"{tmp_path}/token: no such file or directory; a pod has none unless it says "
        "automountServiceAccountToken: true"
    )


@pytest.mark.parametrize("token", ["", "two words", "schlüssel", "a\nb"])
def test_token_that_no_header_can_carry_is_an_error_that_does_not_quote_it(
    tmp_path: Path, token: str
) -> None:
    mount(tmp_path, token)
    with pytest.raises(CredentialError) as caught:
        run(access(tmp_path).get())
    assert not token or token not in str(caught.value)


def test_hundred_requests_are_one_reading(tmp_path: Path) -> None:
    mount(tmp_path, "first")
    readings = []

    class Counting:
        async def access(self) -> Access:
            readings.append(1)
            await asyncio.sleep(1)
            return Access(connection=Connection(server=SERVER), authorization="Bearer x")

    async def ask() -> None:
        kept = RereadAccess(Counting(), now=lambda: asyncio.get_running_loop().time())
        await asyncio.gather(*(kept.get() for _ in range(100)))

    run(ask())
    assert len(readings) == 1


def _access(
    tmp_path: Path,
    *,
    endpoint: str | None = None,
    auth: dict[str, object] | None = None,
    tls: dict[str, object] | None = None,
    environ: dict[str, str] | None = None,
) -> Access:
    runtime = Runtime(
        environ=ENVIRON if environ is None else environ,
        home=tmp_path,
        aside=at_once,
        service_account=tmp_path,
    )
    provider = kubernetes_access(
        endpoint,
        None if auth is None else KubernetesAuthSettings.model_validate(auth),
        TlsSettings.model_validate(tls or {}),
        runtime=runtime,
    )
    return run(provider.access())


def test_without_anything_the_pod_asks_its_own_server(tmp_path: Path) -> None:
    mount(tmp_path, "pods")
    found = _access(tmp_path)
    assert (found.connection.server, found.authorization) == (SERVER, "Bearer pods")


def test_pods_token_does_not_go_to_another_endpoint(tmp_path: Path) -> None:
    mount(tmp_path, "pods")
    found = _access(tmp_path, endpoint="https://elsewhere.example.org")
    assert (found.connection.server, found.authorization) == ("https://elsewhere.example.org", "")


def test_token_of_the_configuration_goes_to_its_endpoint(tmp_path: Path) -> None:
    mount(tmp_path, "pods")
    found = _access(tmp_path, endpoint="https://a.example.org", auth={"bearer": {"token": "mine"}})
    assert found.authorization == "Bearer mine"
    assert found.connection.authority is None
    found = _access(tmp_path, auth={"basic": {"username": "u", "password": "p"}})
    assert (found.connection.server, found.authorization) == (SERVER, "Basic dTpw")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "this is no pod of Kubernetes"),
        ({"auth": {"bearer": {"token": "t"}}}, "expected the address of the API server"),
        (
            {"auth": {"kubeconfig": {}}, "tls": {"insecure_skip_verify": True}},
            "the kubeconfig says how certificates are checked",
        ),
    ],
)
def test_what_is_missing_or_contradicts_itself_is_told(
    tmp_path: Path, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        _access(tmp_path, environ={}, **options)


def test_nothing_shows_a_secret(tmp_path: Path) -> None:
    mount(tmp_path, "pods-secret")
    found = _access(tmp_path)
    assert "pods-secret" not in repr(found)
    assert "authority" not in repr(found.connection)
