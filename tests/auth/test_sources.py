"""Keys are found where each vendor's SDK finds them, in its order, and never shown."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.auth import Send
from exporter.auth.alibaba_sources import alibaba_chain
from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.huawei_sources import huawei_chain
from exporter.errors import CredentialError, FetchError, Reason
from tests.auth.tools import MARK, Clock, everything_told

Handler = Callable[[httpx.Request], httpx.Response]
EXPIRY = 1_704_164_645.0 + 6 * 3600
URL = "http://metadata.test"


def refuse(request: httpx.Request) -> httpx.Response:
    """Be a machine that is no cloud server."""
    raise httpx.ConnectError(f"no route {MARK}", request=request)


class HuaweiServer:
    """The metadata service of a Huawei Cloud server."""

    def __init__(self, *, session: int = 200, key: int = 200, body: object = None) -> None:
        self.session = session
        self.key = key
        self.body: object = body or {
            "credential": {
                "access": "ak",
                "secret": MARK,
                "securitytoken": "tok",
                "expires_at": "2024-01-02T09:04:05.000000Z",
            }
        }
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        assert request.extensions["timeout"]["connect"] == 3.0
        if request.method == "PUT":
            assert request.headers["X-Metadata-Token-Ttl-Seconds"] == "21600"
            return httpx.Response(self.session, text="session")
        token = request.headers.get("X-Metadata-Token")
        assert token == ("session" if self.session == 200 else None)
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return httpx.Response(self.key, text=text)


class AlibabaServer:
    """The metadata service of an Alibaba Cloud server."""

    def __init__(
        self, *, session: int = 200, role: str = "my role", keys: int = 200, body: object = None
    ) -> None:
        self.session = session
        self.role = role
        self.keys = keys
        self.body: object = body or {
            "Code": "Success",
            "AccessKeyId": "ak",
            "AccessKeySecret": MARK,
            "SecurityToken": "tok",
            "Expiration": "2024-01-02T09:04:05Z",
        }
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
        if request.method == "PUT":
            assert request.headers["X-aliyun-ecs-metadata-token-ttl-seconds"] == "21600"
            return httpx.Response(self.session, text="session")
        token = request.headers.get("X-aliyun-ecs-metadata-token")
        assert token == ("session" if self.session == 200 else None)
        if request.url.path.endswith("/"):
            return httpx.Response(200 if self.role else 404, text=self.role)
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return httpx.Response(self.keys, text=text)


class Place:
    """A temporary home, an environment and a metadata service."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ: dict[str, str] = {}
        self.clock = Clock()
        self.handler: Handler = refuse

    def write(self, name: str, content: object) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    async def send(self, request: httpx.Request) -> httpx.Response:
        return await httpx.MockTransport(self.handler).handle_async_request(request)

    def huawei(self, send: Send | None = None) -> CredentialProvider:
        return huawei_chain(**self._options(send))

    def alibaba(self, send: Send | None = None) -> CredentialProvider:
        return alibaba_chain(**self._options(send))

    def _options(self, send: Send | None) -> Mapping[str, Any]:
        return {
            "environ": self.environ,
            "home": self.home,
            "send": send or self.send,
            "clock": self.clock,
            "metadata_url": URL,
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def found(provider: CredentialProvider) -> Credentials:
    return asyncio.run(provider.credentials())


def problem(provider: CredentialProvider) -> str:
    with pytest.raises(CredentialError) as caught:
        found(provider)
    assert MARK not in everything_told(caught.value)
    return str(caught.value)


def test_huawei_places_are_asked_in_order(place: Place) -> None:
    """Environment, then profile file, then metadata."""
    place.handler = HuaweiServer()
    assert found(place.huawei()) == Credentials("ak", MARK, "tok", EXPIRY)
    place.write(".huaweicloud/credentials", "[basic]\nak = file-ak\nsk = 100%d\n")
    assert found(place.huawei()) == Credentials("file-ak", "100%d")
    place.environ |= {"HUAWEICLOUD_SDK_AK": "env-ak", "HUAWEICLOUD_SDK_SK": "env-sk"}
    assert found(place.huawei()) == Credentials("env-ak", "env-sk")
    place.environ["HUAWEICLOUD_SDK_SECURITY_TOKEN"] = "tok"
    assert found(place.huawei()) == Credentials("env-ak", "env-sk", "tok")


def test_huawei_error_names_every_place(place: Place) -> None:
    """Methods of the SDK that are not supported are named when they are configured."""
    place.environ["HC_CONTAINER_CREDENTIALS_FULL_URI"] = MARK
    assert problem(place.huawei()) == (
        "no credentials found: "
        "environment: HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK not set; "
        "environment: HC_CONTAINER_CREDENTIALS_FULL_URI is set, "
        "but pod identity is not supported; "
        f"{place.home}/.huaweicloud/credentials: no such file or directory; "
        "ECS metadata: no answer (ConnectError)"
    )


def test_huawei_profile_is_read_again_when_it_changes(place: Place) -> None:
    """HUAWEICLOUD_SDK_CREDENTIALS_FILE names another file; a security token is optional."""
    path = place.write("elsewhere", "[basic]\nak=one\nsk=s\nsecurity_token=t # comment\n")
    place.environ["HUAWEICLOUD_SDK_CREDENTIALS_FILE"] = str(path)
    chain = place.huawei()
    assert found(chain) == found(chain) == Credentials("one", "s", "t")
    path.write_text("[basic]\nak=another\nsk=s\n")
    assert found(chain) == Credentials("another", "s")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[global]\nak = 1\n", "no section [basic]"),
        (f"[basic]\nsk = {MARK}\n", "no ak and sk in [basic];"),
        ("[basic]\nidp_id = 1\n", "no ak and sk in [basic] (idp_id is not supported)"),
        (f"{MARK}\n", "cannot be understood"),
        (f"[basic]\nak = {MARK}\nak = {MARK}\n", "cannot be understood"),
        (f"[basic]\nak = {MARK} x\nsk = 1", "the access_key holds characters that no header"),
    ],
)
def test_huawei_profile_that_cannot_be_used_is_named_untold(
    place: Place, content: str, text: str
) -> None:
    """The parser's own exceptions quote the line they stumble over."""
    path = place.write(".huaweicloud/credentials", content)
    assert f"{path}: {text}" in problem(place.huawei())


def test_profile_that_is_not_text_is_named_untold(place: Place) -> None:
    """The exception for text that is not UTF-8 holds all of it."""
    path = place.write(".huaweicloud/credentials", "")
    path.write_bytes(MARK.encode() + b"\xff")
    assert f"{path}: cannot be understood" in problem(place.huawei())


@pytest.mark.parametrize("session", [404, 405, 503])
def test_huawei_metadata_of_version_1_needs_no_session(place: Place, session: int) -> None:
    """Servers that do not know version 2 answer with one of these."""
    place.handler = server = HuaweiServer(session=session)
    assert found(place.huawei()).access_key == "ak"
    assert server.asked == ["PUT /meta-data/latest/api/token", "GET /openstack/latest/securitykey"]


@pytest.mark.parametrize(
    "body",
    [
        {"credentials": {"accessKeyId": "ak", "secretAccessKey": "s", "securityToken": "t"}},
        {"credential": {"access_key_id": "ak", "secret_access_key": "s", "security_token": "t"}},
        {"access": "ak", "secret": "s", "securitytoken": "t"},
    ],
)
def test_huawei_metadata_is_read_in_every_spelling(place: Place, body: dict[str, Any]) -> None:
    """The SDK's parser accepts these names."""
    inner = next((value for value in body.values() if isinstance(value, dict)), body)
    inner["expiration"] = "2024-01-02T09:04:05.000000Z"
    place.handler = HuaweiServer(body=body)
    assert found(place.huawei()) == Credentials("ak", "s", "t", EXPIRY)


@pytest.mark.parametrize(
    ("server", "text"),
    [
        (HuaweiServer(session=403), "HTTP 403 for a session token"),
        (
            HuaweiServer(key=401, body="Please configure Cloud Service Agency first."),
            "no agency is attached to this server",
        ),
        (HuaweiServer(key=500, body=MARK), "HTTP 500 for the security key"),
        (HuaweiServer(body=MARK), "the answer is not a JSON object"),
        (HuaweiServer(body=[MARK]), "the answer is not a JSON object"),
        (HuaweiServer(body={"credential": MARK}), "the security key has no readable expiry"),
        (
            HuaweiServer(body={"secret": MARK, "expires_at": "2024-01-02T09:04:05Z"}),
            "the access key or its secret is empty",
        ),
    ],
)
def test_huawei_metadata_failure_says_why(place: Place, server: HuaweiServer, text: str) -> None:
    """An agency that is missing is the usual reason, and has its own text."""
    place.handler = server
    assert problem(place.huawei()).endswith(f"ECS metadata: {text}")


def test_huawei_metadata_keys_are_refreshed_before_they_expire(place: Place) -> None:
    """40 minutes before, as the SDK does; one look at the service serves until then."""
    place.handler = server = HuaweiServer()
    chain = place.huawei()

    async def run() -> None:
        for now, asked in [(0.0, 2), (EXPIRY - 2401, 2), (EXPIRY - 2400, 4)]:
            place.clock.now = now
            await chain.credentials()
            assert len(server.asked) == asked

    asyncio.run(run())


def test_alibaba_places_are_asked_in_order(place: Place) -> None:
    """Environment, the CLI's file, the INI file, then metadata."""
    place.handler = AlibabaServer()
    assert found(place.alibaba()) == Credentials("ak", MARK, "tok", EXPIRY)
    ini = "[default]\ntype = access_key\naccess_key_id = ini\naccess_key_secret = s\n"
    place.write(".alibabacloud/credentials.ini", ini)
    assert found(place.alibaba()) == Credentials("ini", "s")
    keys = {"access_key_id": "cli", "access_key_secret": "s", "sts_token": "unused"}
    profile = {"name": "default", "mode": "AK"} | keys
    place.write(".aliyun/config.json", {"current": "default", "profiles": [profile]})
    assert found(place.alibaba()) == Credentials("cli", "s")
    place.environ |= {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "env",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "t",
    }
    assert found(place.alibaba()) == Credentials("env", "s", "t")


def test_alibaba_error_names_every_place(place: Place) -> None:
    """OIDC and the credentials URI are named when they are configured."""
    for name in ("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE", "CREDENTIALS_URI"):
        place.environ[f"ALIBABA_CLOUD_{name}"] = MARK
    assert problem(place.alibaba()) == (
        "no credentials found: environment: "
        "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET not set; "
        "environment: OIDC roles are not supported; "
        f"{place.home}/.aliyun/config.json: no such file or directory; "
        f"{place.home}/.alibabacloud/credentials.ini: no such file or directory; "
        "ECS metadata: no answer (ConnectError); "
        "environment: ALIBABA_CLOUD_CREDENTIALS_URI is not supported"
    )


def test_alibaba_cli_profile_is_chosen_by_name(place: Place) -> None:
    """ALIBABA_CLOUD_PROFILE wins over the current one; StsToken carries a token."""
    keys = {"access_key_id": "a", "access_key_secret": "s", "sts_token": "t"}
    profiles = ["no profile", {"name": "x", "mode": "AK"} | keys]
    profiles.append({"name": "y", "mode": "StsToken"} | keys)
    place.write(".aliyun/config.json", {"current": "x", "profiles": profiles})
    assert found(place.alibaba()) == Credentials("a", "s")
    place.environ["ALIBABA_CLOUD_PROFILE"] = "y"
    assert found(place.alibaba()) == Credentials("a", "s", "t")
    place.environ["ALIBABA_CLOUD_CLI_PROFILE_DISABLED"] = "True"
    assert "config.json: disabled by ALIBABA_CLOUD_CLI_PROFILE_DISABLED" in problem(place.alibaba())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (MARK, "cannot be understood"),
        ("[" * 100_000, "cannot be understood"),
        ([MARK], "the current profile is not there"),
        ({"current": "x", "profiles": MARK}, "the current profile is not there"),
        ({"current": "x", "profiles": [{"name": "y"}]}, "the current profile is not there"),
        (
            {"current": "x", "profiles": [{"name": "x", "mode": "CloudSSO"}]},
            "mode CloudSSO is not supported",
        ),
        (
            {"current": "x", "profiles": [{"name": "x", "mode": f"{MARK} 1"}]},
            "mode of an unknown kind is not supported",
        ),
        (
            {"current": "x", "profiles": [{"name": "x", "mode": "AK", "access_key_id": MARK}]},
            "no access_key_id and access_key_secret",
        ),
    ],
)
def test_alibaba_cli_file_that_cannot_be_used_is_named_untold(
    place: Place, content: object, text: str
) -> None:
    """And the chain goes on to the next place."""
    path = place.write(".aliyun/config.json", content)
    assert f"{path}: {text};" in problem(place.alibaba())
    place.handler = AlibabaServer()
    assert found(place.alibaba()).access_key == "ak"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[other]\n", "no section [default]"),
        ("[default]\ntype = ram_role_arn\n", "type ram_role_arn is not supported"),
        ("[default]\naccess_key_id = 1\n", "type of an unknown kind is not supported"),
        ("[default]\ntype = access_key\n", "no access_key_id and access_key_secret"),
        (f"{MARK} = 1\n", "cannot be understood"),
    ],
)
def test_alibaba_ini_file_that_cannot_be_used_is_named_untold(
    place: Place, content: str, text: str
) -> None:
    """And the chain goes on to the next place."""
    path = place.write(".alibabacloud/credentials.ini", content)
    assert f"{path}: {text};" in problem(place.alibaba())
    place.handler = AlibabaServer()
    assert found(place.alibaba()).access_key == "ak"


def test_alibaba_ini_file_and_section_are_chosen_by_the_environment(place: Place) -> None:
    """ALIBABA_CLOUD_CREDENTIALS_FILE and ALIBABA_CLOUD_PROFILE."""
    ini = "[mine]\ntype = access_key\naccess_key_id = ini\naccess_key_secret = s\n"
    place.environ["ALIBABA_CLOUD_CREDENTIALS_FILE"] = str(place.write("elsewhere.ini", ini))
    place.environ["ALIBABA_CLOUD_PROFILE"] = "mine"
    assert found(place.alibaba()) == Credentials("ini", "s")


def test_alibaba_metadata_is_asked_for_role_and_keys(place: Place) -> None:
    """A role that is named is not asked for; its name is sent as one path segment."""
    place.handler = server = AlibabaServer()
    found(place.alibaba())
    role = "/latest/meta-data/ram/security-credentials/"
    assert server.asked == ["PUT /latest/api/token", f"GET {role}", f"GET {role}my%20role"]
    place.environ["ALIBABA_CLOUD_ECS_METADATA"] = "a/b"
    server.asked.clear()
    found(place.alibaba())
    assert server.asked == ["PUT /latest/api/token", f"GET {role}a%2Fb"]


def test_alibaba_metadata_of_version_1_is_used_unless_disabled(place: Place) -> None:
    """ALIBABA_CLOUD_IMDSV1_DISABLED asks for version 2 or nothing."""
    place.handler = AlibabaServer(session=404)
    assert found(place.alibaba()).access_key == "ak"
    place.environ["ALIBABA_CLOUD_IMDSV1_DISABLED"] = "true"
    assert problem(place.alibaba()).endswith("ECS metadata: HTTP 404 for a session token")


@pytest.mark.parametrize(
    ("server", "text"),
    [
        (AlibabaServer(role=""), "no RAM role is attached to this server"),
        (AlibabaServer(keys=404), "HTTP 404 for the role's keys"),
        (AlibabaServer(body="<html>"), "the answer is not a JSON object"),
        (AlibabaServer(body={"Code": "Failed"}), "the role's keys came without success"),
        (
            AlibabaServer(body={"Code": "Success", "AccessKeySecret": MARK}),
            "the role's keys have no readable expiry",
        ),
        (
            AlibabaServer(
                body={
                    "Code": "Success",
                    "AccessKeyId": f"{MARK} é",
                    "AccessKeySecret": MARK,
                    "Expiration": "2024-01-02T09:04:05Z",
                }
            ),
            "the access_key holds characters that no header can carry",
        ),
    ],
)
def test_alibaba_metadata_failure_says_why(place: Place, server: AlibabaServer, text: str) -> None:
    """Without a word of the answer."""
    place.handler = server
    assert problem(place.alibaba()).endswith(f"ECS metadata: {text}")


def test_alibaba_metadata_is_not_asked_when_disabled(place: Place) -> None:
    """Outside Alibaba Cloud each look would cost a time-out."""
    place.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
    text = problem(place.alibaba())
    assert text.endswith("ECS metadata: disabled by ALIBABA_CLOUD_ECS_METADATA_DISABLED")


def test_session_token_of_a_proxy_is_not_sent_on(place: Place) -> None:
    """A proxy that answers in place of the service sends a page, which no header can carry."""
    place.handler = lambda request: httpx.Response(200, text=f"<html>{MARK} é</html>")
    for chain in (place.huawei(), place.alibaba()):
        assert problem(chain).endswith("ECS metadata: the session token is not one")


def test_metadata_failure_of_the_client_is_told_by_its_reason(place: Place) -> None:
    """The exporter's own client turns every failure into a FetchError."""

    async def send(request: httpx.Request) -> httpx.Response:
        raise FetchError(Reason.TIMEOUT, "GetSecurityKey", detail=MARK)

    for chain in (place.huawei(send), place.alibaba(send)):
        assert problem(chain).endswith("ECS metadata: no answer (timeout)")
