"""An identity that somebody set up is used or refused by name; the machine's never replaces it."""

from pathlib import Path

import pytest

from exporter.auth.credentials import Credentials
from tests.auth.sources.key_places import Place, found, problem
from tests.auth.sources.metadata_services import AlibabaServer, HuaweiServer
from tests.auth.tools import MARK

HUAWEI_KEY = {"HUAWEICLOUD_SDK_AK": "env", "HUAWEICLOUD_SDK_SK": "s"}
HUAWEI_OIDC = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": MARK,
    "HUAWEICLOUD_OIDC_AGENCY_URN": MARK,
    "HUAWEICLOUD_OIDC_TOKEN_FILE": "/nonexistent",
}
HUAWEI_FEDERATION = {
    "HUAWEICLOUD_SDK_IDP_ID": MARK,
    "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "/nonexistent",
}
ALIBABA_KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "env", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}
ALIBABA_OIDC = {
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/watcher",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": MARK,
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/nonexistent/token",
}
INI = "[default]\ntype = access_key\naccess_key_id = ini\naccess_key_secret = s\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _alone(variables: dict[str, str]) -> list[dict[str, str]]:
    return [{name: value} for name, value in variables.items()]


def _subsets(variables: dict[str, str]) -> list[dict[str, str]]:
    return [*_alone(variables), variables]


@pytest.mark.parametrize(
    "environ",
    [
        *_subsets(HUAWEI_OIDC),
        *_subsets(HUAWEI_FEDERATION),
        {"HUAWEICLOUD_OIDC_ID_TOKEN": MARK},
        {"HC_CONTAINER_CREDENTIALS_FULL_URI": MARK},
        {"HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": MARK},
        {"HUAWEICLOUD_SDK_AK": MARK},
        {"HUAWEICLOUD_SDK_SK": MARK},
        {"HUAWEICLOUD_SDK_SECURITY_TOKEN": MARK},
        {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": f"/nonexistent/{MARK.lower()}"},
    ],
    ids=lambda environ: "-".join(environ),
)
def test_huawei_pod_on_a_node_with_an_agency_does_not_sign_as_the_node(
    place: Place, environ: dict[str, str]
) -> None:
    place.handler = server = HuaweiServer()
    place.environ |= environ
    told = problem(place.huawei())
    named = [name for name in environ if name in told]
    assert named or "/nonexistent" in told or "not set" in told or "set HUAWEICLOUD_SDK_" in told
    assert server.asked == []


@pytest.mark.parametrize("environ", [HUAWEI_OIDC, HUAWEI_FEDERATION], ids=["oidc", "federation"])
def test_huawei_identity_that_the_sdk_prefers_to_a_key_is_not_replaced_by_the_key(
    place: Place, environ: dict[str, str]
) -> None:
    place.environ |= HUAWEI_KEY | environ
    assert "set HUAWEICLOUD_SDK_" in problem(place.huawei())
    place.environ |= {f"HUAWEICLOUD_SDK_{name}_ENDPOINT": "https://x" for name in ("IAM", "STS")}
    assert "/nonexistent: no such file" in problem(place.huawei())
    place.environ.pop(list(environ)[-1])
    assert found(place.huawei()) == Credentials("env", "s")


@pytest.mark.parametrize(
    "content",
    [
        "[global]\nak = 1\nsk = 2\n",
        f"[basic]\nak = {MARK}\n",
        f"[basic]\nak = 1\nsk = 2\nidp_id = {MARK}\n",
        f"{MARK}\n",
    ],
)
def test_huawei_profile_that_cannot_be_used_is_not_replaced_by_the_agency(
    place: Place, content: str
) -> None:
    path = place.write(".huaweicloud/credentials", content)
    place.handler = server = HuaweiServer()
    assert str(path) in problem(place.huawei())
    assert server.asked == []


def test_huawei_profile_is_used_before_half_of_a_pod_identity_is_refused(place: Place) -> None:
    """As the SDK has it, which asks for pod identity last."""
    place.environ["HC_CONTAINER_CREDENTIALS_FULL_URI"] = MARK
    place.write(".huaweicloud/credentials", "[basic]\nak = file\nsk = s\n")
    assert found(place.huawei()) == Credentials("file", "s")


@pytest.mark.parametrize(
    "environ",
    [
        *_alone(ALIBABA_OIDC),
        {"ALIBABA_CLOUD_CREDENTIALS_URI": MARK},
        {"ALIBABA_CLOUD_ACCESS_KEY_ID": MARK},
        {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": MARK},
        {"ALIBABA_CLOUD_SECURITY_TOKEN": MARK},
        {"ALIBABA_CLOUD_PROFILE": "production"},
        {"ALIBABA_CLOUD_CREDENTIALS_FILE": "/nonexistent/keys.ini"},
    ],
    ids=lambda environ: "-".join(environ),
)
def test_alibaba_pod_on_a_node_with_a_role_does_not_sign_as_the_node(
    place: Place, environ: dict[str, str]
) -> None:
    place.handler = server = AlibabaServer()
    place.environ |= environ
    told = problem(place.alibaba())
    assert all(name in told for name in environ) or "not set" in told
    assert server.asked == []


def test_alibaba_role_to_assume_is_not_replaced_by_the_key_that_may_assume_it(
    place: Place,
) -> None:
    place.environ |= ALIBABA_KEY | {"ALIBABA_CLOUD_ROLE_ARN": MARK}
    assert "ALIBABA_CLOUD_ROLE_ARN is no acs:ram::" in problem(place.alibaba())


def test_alibaba_key_is_used_before_an_oidc_role(place: Place) -> None:
    """As the SDKs have it."""
    place.environ |= ALIBABA_KEY | ALIBABA_OIDC
    assert found(place.alibaba()) == Credentials("env", "s")


def test_alibaba_oidc_role_is_meant_before_the_files(place: Place) -> None:
    place.environ |= ALIBABA_OIDC
    place.write(".alibabacloud/credentials.ini", INI)
    assert "OIDC token file /nonexistent/token: no such file" in problem(place.alibaba())


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("RamRoleArn", "no ram_role_arn"),
        ("OIDC", "no ram_role_arn and oidc_provider_arn and oidc_token_file"),
        ("ChainableRamRoleArn", "no source_profile"),
        ("CloudSSO", "the sign-in has ended, sign in again with aliyun"),
        ("OAuth", "the sign-in has ended, sign in again with aliyun"),
        ("External", "mode External is not supported"),
    ],
)
def test_alibaba_profile_that_cannot_be_used_is_not_replaced_by_what_comes_next(
    place: Place, mode: str, text: str
) -> None:
    profile = {"name": "x", "mode": mode, "access_key_id": MARK, "access_key_secret": MARK}
    place.write(".aliyun/config.json", {"current": "x", "profiles": [profile]})
    place.write(".alibabacloud/credentials.ini", INI)
    place.handler = server = AlibabaServer()
    assert problem(place.alibaba()).endswith(f"/.aliyun/config.json: {text}")
    assert server.asked == []


def test_alibaba_file_that_the_command_left_empty_is_nobodys_identity(place: Place) -> None:
    profile = {"name": "default", "mode": "AK", "access_key_id": "", "access_key_secret": ""}
    place.write(".aliyun/config.json", {"current": "default", "profiles": [profile]})
    place.handler = AlibabaServer()
    assert found(place.alibaba()).access_key == "ak"


def test_alibaba_profile_may_be_in_either_file(place: Place) -> None:
    place.environ["ALIBABA_CLOUD_PROFILE"] = "mine"
    profile = {"name": "other", "mode": "AK", "access_key_id": "1", "access_key_secret": "2"}
    place.write(".aliyun/config.json", {"current": "other", "profiles": [profile]})
    place.handler = server = AlibabaServer()
    assert "ALIBABA_CLOUD_PROFILE" in problem(place.alibaba())
    place.write(".alibabacloud/credentials.ini", INI)
    assert "no section [mine]" in problem(place.alibaba())
    assert server.asked == []
    place.write(".alibabacloud/credentials.ini", INI.replace("default", "mine"))
    assert found(place.alibaba()) == Credentials("ini", "s")


def test_file_that_becomes_unreadable_does_not_change_who_signs(place: Place) -> None:
    """While a file is being written anew the next place must not be asked."""
    path = place.write(".huaweicloud/credentials", "[basic]\nak = file\nsk = s\n")
    place.handler = server = HuaweiServer()
    chain = place.huawei()
    assert found(chain) == Credentials("file", "s")
    path.write_text("[bas")
    assert f"{path}: cannot be understood" in problem(chain)
    assert server.asked == []


_AGAIN = "where they were before: load the configuration again if that is meant"


@pytest.mark.parametrize("vendor", ["huawei", "alibaba"])
def test_profile_that_is_missing_for_a_moment_is_not_replaced_by_the_machine(
    place: Place, vendor: str
) -> None:
    huawei = vendor == "huawei"
    place.handler = server = HuaweiServer() if huawei else AlibabaServer()
    text = "[basic]\nak = ini\nsk = s\n" if huawei else INI
    name = ".huaweicloud/credentials" if huawei else ".alibabacloud/credentials.ini"
    chain = place.huawei() if huawei else place.alibaba()
    # Before it is there for the first time nobody can know of it.
    assert found(chain).access_key == "ak"
    path = place.write(name, text)
    assert found(chain) == Credentials("ini", "s")
    server.asked.clear()
    path.unlink()
    assert problem(chain).endswith(f"{path}: no such file or directory, {_AGAIN}")
    path.write_text("")
    assert str(path) in problem(chain)
    path.write_text(text)
    assert found(chain) == Credentials("ini", "s")
    assert server.asked == []


def test_profile_of_the_cli_that_was_emptied_is_not_replaced_by_the_next_place(
    place: Place,
) -> None:
    place.handler = server = AlibabaServer()
    path = place.write(".aliyun/config.json", CLI_WITH_A_KEY)
    place.write(".alibabacloud/credentials.ini", INI)
    chain = place.alibaba()
    assert found(chain) == Credentials("cli", "s")
    place.write(".aliyun/config.json", CLI_WITHOUT)
    assert problem(chain).endswith(f"{path}: no access_key_id and access_key_secret, {_AGAIN}")
    assert server.asked == []
    # As for whoever begins now.
    assert found(place.alibaba()) == Credentials("ini", "s")


CLI_WITHOUT = {"current": "default", "profiles": [{"name": "default", "mode": "AK"}]}
CLI_WITH_A_KEY = {
    "current": "default",
    "profiles": [
        {"name": "default", "mode": "AK", "access_key_id": "cli", "access_key_secret": "s"}
    ],
}
