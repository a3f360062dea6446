"""Alibaba's keys are found where its SDK finds them, in its order, and never shown."""

import pytest

from exporter.auth.credentials import Credentials
from tests.auth.sources.key_places import Place, found, problem
from tests.auth.sources.metadata_services import EXPIRY, AlibabaServer
from tests.auth.tools import MARK


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
    """Up to one that is set up and cannot be used."""
    assert problem(place.alibaba()) == (
        "no credentials found: environment: "
        "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET not set; "
        f"{place.home}/.aliyun/config.json: no such file or directory; "
        f"{place.home}/.alibabacloud/credentials.ini: no such file or directory; "
        "ECS metadata: no answer (ConnectError)"
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
    place.environ |= {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "True", "ALIBABA_CLOUD_PROFILE": ""}
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
            {"current": "x", "profiles": [{"name": "x", "mode": "RsaKeyPair"}]},
            "mode RsaKeyPair is not supported",
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
    """And no other identity takes its place, such as the role of the machine."""
    path = place.write(".aliyun/config.json", content)
    place.handler = AlibabaServer()
    assert problem(place.alibaba()).endswith(f"{path}: {text}")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[other]\n", "no section [default]"),
        ("[default]\ntype = rsa_key_pair\n", "type rsa_key_pair is not supported"),
        ("[default]\naccess_key_id = 1\n", "type of an unknown kind is not supported"),
        ("[default]\ntype = access_key\n", "no access_key_id and access_key_secret"),
        (f"{MARK} = 1\n", "cannot be understood"),
    ],
)
def test_alibaba_ini_file_that_cannot_be_used_is_named_untold(
    place: Place, content: str, text: str
) -> None:
    """And no other identity takes its place, such as the role of the machine."""
    path = place.write(".alibabacloud/credentials.ini", content)
    place.handler = AlibabaServer()
    assert problem(place.alibaba()).endswith(f"{path}: {text}")


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
