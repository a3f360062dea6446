"""The token of a pod stays near, and that of a provider is read anew before keys end."""

import asyncio
from pathlib import Path

import httpx
import pytest

from exporter.auth.credentials import CredentialProvider
from exporter.auth.huawei.chain import huawei_chain
from exporter.errors import CredentialError, FetchError
from exporter.files import at_once
from tests.auth.huawei.account import KUBELET, OWN, POD, PROVIDER, Account
from tests.auth.tools import MARK, Clock, everything_told

ADDRESS = "http://127.0.0.1:1"


class Pod:
    """A pod with a token file, and what was sent for it."""

    def __init__(self, home: Path, **environ: str) -> None:
        self.clock = Clock()
        self.home = home
        self.account = Account(clock=self.clock, machine=False)
        self.sent: list[tuple[str, bool, httpx.Request]] = []
        self.environ = environ
        self.token = home / "token"

    def chain(self) -> CredentialProvider:
        return huawei_chain(
            environ=self.environ,
            home=self.home,
            send=self.send,
            clock=self.clock,
            metadata_url=ADDRESS,
            aside=at_once,
            iam=ADDRESS,
            sts=ADDRESS,
        )

    async def send(
        self, request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        self.sent.append((operation, direct, request))
        response = await self.account.transport().handle_async_request(request)
        await response.aread()
        return response


def in_cce(home: Path, uri: str) -> Pod:
    names = ("HC_CONTAINER_CREDENTIALS_FULL_URI", "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    pod = Pod(home, **dict(zip(names, (uri, str(home / "token")), strict=True)))
    pod.token.write_text(KUBELET.issue(POD, now=pod.clock()))
    return pod


@pytest.mark.parametrize(
    "host",
    [
        *("https://agent.example.com", "http://localhost:80", "http://127.0.0.1", "http://[::1]:9"),
        *(
            "http://169.254.170.23",
            "http://10.1.2.3:8080",
            "http://192.168.0.9",
            "http://[fd00::9]",
        ),
    ],
)
def test_token_of_a_pod_goes_encrypted_or_not_far_and_past_any_proxy(
    tmp_path: Path, host: str
) -> None:
    pod = in_cce(tmp_path, f"{host}/v1/credentials")
    found = asyncio.run(pod.chain().credentials())
    assert pod.account.holder(found) == f"pod:{POD}"
    ((operation, direct, request),) = pod.sent
    assert (operation, direct) == ("AssumeAgencyForPodIdentity", True)
    assert (request.headers["Authorization"], request.content) == (pod.token.read_text(), b"{}")


@pytest.mark.parametrize(
    "uri",
    [
        *("http://agent.example.com/v1/credentials", "http://8.8.8.8/v1", "http://[2001:4860::1]/"),
        *(
            "ftp://127.0.0.1/",
            "127.0.0.1",
            "http://user:secret@127.0.0.1/",
            "http://127.0.0.1/?a=b",
        ),
    ],
)
def test_token_of_a_pod_goes_nowhere_else(tmp_path: Path, uri: str) -> None:
    pod = in_cce(tmp_path, uri)
    with pytest.raises(CredentialError, match="HC_CONTAINER_CREDENTIALS_FULL_URI is neither"):
        asyncio.run(pod.chain().credentials())
    assert pod.sent == []


def test_keys_are_renewed_with_the_token_that_is_there_then(tmp_path: Path) -> None:
    """Forty minutes before they end, as in the SDK: kubelets renew tokens every hour."""
    pod = in_cce(tmp_path, f"{ADDRESS}/v1/credentials")
    chain = pod.chain()

    async def later(seconds: float) -> str:
        pod.clock.now += seconds
        pod.token.write_text(KUBELET.issue(POD, now=pod.clock()))
        found = await asyncio.gather(*(chain.credentials() for _ in range(9)))
        assert len({each.access_key for each in found}) == 1
        return found[0].access_key

    async def run() -> None:
        first = await later(0)
        assert await later(6 * 3600 - 2401) == first
        assert await later(1) != first
        assert len(pod.sent) == 2

    asyncio.run(run())


@pytest.mark.parametrize("content", ["", " \n", "two words", "é"])
def test_token_file_that_holds_none_is_named(tmp_path: Path, content: str) -> None:
    pod = in_cce(tmp_path, f"{ADDRESS}/v1/credentials")
    pod.token.write_text(content)
    with pytest.raises(CredentialError, match=f"{pod.token}: cannot be understood"):
        asyncio.run(pod.chain().credentials())


def test_agent_that_is_somebody_else_is_said_so(tmp_path: Path) -> None:
    pod = in_cce(tmp_path, "http://127.0.0.1:1/openstack/latest/securitykey")
    with pytest.raises(FetchError, match="AssumeAgencyForPodIdentity failed"):
        asyncio.run(pod.chain().credentials())


def test_federation_without_a_token_in_the_answer_says_so(tmp_path: Path) -> None:
    pod = Pod(
        tmp_path,
        HUAWEICLOUD_SDK_IDP_ID=PROVIDER.idp_id,
        HUAWEICLOUD_SDK_ID_TOKEN_FILE=str(tmp_path / "token"),
    )
    pod.token.write_text(PROVIDER.issue(MARK, now=pod.clock()))

    async def send(
        request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        return httpx.Response(201, json={"token": {}})

    pod.send = send  # type: ignore[method-assign]
    with pytest.raises(FetchError) as caught:
        asyncio.run(pod.chain().credentials())
    assert "no usable X-Subject-Token" in str(caught.value)
    assert pod.token.read_text() not in everything_told(caught.value)


def test_session_of_a_provider_is_told_to_sts(tmp_path: Path) -> None:
    names = {
        "PROVIDER_URN": PROVIDER.urn,
        "AGENCY_URN": OWN.urn,
        "SESSION_NAME": "watching",
        "DURATION_SECONDS": "900",
        "POLICY": "{}",
        "POLICY_IDS": "one, two",
        "TOKEN_FILE": str(tmp_path / "token"),
    }
    pod = Pod(tmp_path, **{f"HUAWEICLOUD_OIDC_{name}": value for name, value in names.items()})
    pod.token.write_text(PROVIDER.issue("somebody", now=pod.clock()))
    assert pod.account.holder(asyncio.run(pod.chain().credentials())) == OWN.urn
    ((operation, direct, request),) = pod.sent
    assert (operation, direct) == ("AssumeAgencyWithOIDC", False)
    told = httpx.Response(200, content=request.content).json()
    assert told["policy_ids"] == ["one", "two"]
    assert (told["agency_session_name"], told["duration_seconds"]) == ("watching", 900)
    assert told["policy"] == "{}"
