"""Profiles are read as Amazon's own tools read them, and refused by name where they are not."""

import asyncio

import pytest

from exporter.auth.credentials import Credentials
from exporter.errors import CredentialError, UnusableError
from tests.auth.aws.world import ENVIRONMENT, OTHER_ROLE, ROLE, SECRET, Machine
from tests.auth.tools import MARK

KEYS = f"aws_access_key_id = AKFILE\naws_secret_access_key = {SECRET}\n"


def test_file_of_credentials_wins_over_that_of_configuration(machine: Machine) -> None:
    machine.write(
        ".aws/config",
        '[default]\nregion = x\naws_access_key_id = other\n[profile "late shift"]\n'
        f"{KEYS}aws_session_token = tok\n[sso-session x]\na = b\n[profile un'balanced]\n",
    )
    machine.write(".aws/credentials", f"[default]\n{KEYS}")
    assert machine.found() == Credentials("AKFILE", SECRET)
    assert machine.found(profile="late shift") == Credentials("AKFILE", SECRET, "tok")


def test_profile_is_chosen_by_the_environment(machine: Machine) -> None:
    machine.write("own", f"[night]\n{KEYS}")
    machine.environ |= {
        "AWS_SHARED_CREDENTIALS_FILE": str(machine.home / "own"),
        "AWS_DEFAULT_PROFILE": "night",
    }
    assert machine.found().access_key == "AKFILE"


def test_changed_file_is_another_identity_and_an_unchanged_one_no_other_login(
    machine: Machine,
) -> None:
    machine.write(
        ".aws/credentials", f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n[base]\n{KEYS}"
    )
    provider = machine.provider()

    async def play() -> list[Credentials]:
        found = [await provider.credentials(), await provider.credentials()]
        machine.write(".aws/credentials", f"[default]\n{KEYS}")
        return [*found, await provider.credentials()]

    first, second, third = asyncio.run(play())
    assert first == second
    assert machine.calls == ["AssumeRole"]
    assert third == Credentials("AKFILE", SECRET)


def test_profile_assumes_a_role_with_the_keys_of_another(machine: Machine) -> None:
    machine.write(
        ".aws/credentials",
        f"[default]\nrole_arn = {OTHER_ROLE}\nsource_profile = middle\nexternal_id = x1\n"
        f"role_session_name = night\nduration_seconds = 900\n"
        f"[middle]\nrole_arn = {ROLE}\nsource_profile = base\n[base]\n{KEYS}",
    )
    assert machine.found().expires_at == machine.clock.now + 900
    assert machine.calls == ["AssumeRole"] * 2


def test_profile_may_hold_both_a_role_and_the_keys_for_it(machine: Machine) -> None:
    machine.write(
        ".aws/credentials", f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n{KEYS}"
    )
    machine.found()
    assert machine.calls == ["AssumeRole"]


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ("Environment", []),
        ("Ec2InstanceMetadata", ["GetInstanceCredentials"] * 3),
        ("EcsContainer", ["GetContainerCredentials"]),
    ],
)
def test_role_is_assumed_with_the_keys_of_a_place(
    machine: Machine, source: str, calls: list[str]
) -> None:
    machine.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1"
    if source == "Environment":
        machine.environ |= ENVIRONMENT
    machine.write(".aws/config", f"[profile x]\nrole_arn = {ROLE}\ncredential_source = {source}\n")
    machine.found(profile="x")
    assert machine.calls == ["AssumeRole", *calls]


def test_profile_may_name_a_token_for_its_role(machine: Machine) -> None:
    token = machine.write("token", f"{MARK}-web")
    machine.write(
        ".aws/config", f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {token}\n"
    )
    machine.found()
    assert machine.calls == ["AssumeRoleWithWebIdentity"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"role_arn = {ROLE}\n", "give one of source_profile and credential_source"),
        (
            f"role_arn = {ROLE}\nsource_profile = a\ncredential_source = Environment\n",
            "give one of source_profile and credential_source",
        ),
        (f"role_arn = {ROLE}\ncredential_source = {MARK}\n", "no such credential_source"),
        (
            f"role_arn = {ROLE}\nweb_identity_token_file = ~nobody-of-this-name/token\n",
            "~nobody-of-this-name/token: no such file",
        ),
        (f"role_arn = {ROLE}\nsource_profile = none\n", "profile none: there is no such profile"),
        (f"role_arn = {ROLE}\nsource_profile = default\n", "leads back to it"),
        (f"role_arn = {ROLE}\nsource_profile = loop\n", "leads back to it"),
        (f"role_arn = {ROLE}\nsource_profile = bare\n", "profile bare: has no keys"),
        (f"role_arn = {ROLE}\nsource_profile = base\nmfa_serial = m\n", "mfa_serial is not"),
        (
            f"role_arn = {ROLE}\nsource_profile = base\nrole_session_name = {MARK} x\n",
            "role_session_name is no name",
        ),
        (
            f"role_arn = {ROLE}\nsource_profile = base\nduration_seconds = {MARK}\n",
            "duration_seconds is no number",
        ),
        ("sso_session = s\n", "sso_session is not supported"),
        ("sso_start_url = s\n", "sso_start_url is not supported"),
        ("login_session = s\n", "login_session is not supported"),
        (f"credential_process = {MARK}\n", "credential_process is not supported"),
        (f"aws_access_key_id = {MARK}\n", "the access key or its secret is empty"),
        (f"{MARK}\n", "cannot be understood"),
    ],
)
def test_profile_that_cannot_be_used_is_named_untold(
    machine: Machine, text: str, told: str
) -> None:
    """And no other identity takes its place, such as the role of the machine."""
    others = (
        f"[base]\n{KEYS}[bare]\nregion = x\n"
        f"[loop]\nrole_arn = {ROLE}\nsource_profile = back\n"
        f"[back]\nrole_arn = {ROLE}\nsource_profile = loop\n"
    )
    machine.write(".aws/credentials", f"[default]\n{text}{others}")
    assert told in machine.problem()
    assert machine.calls == []


def test_profile_without_keys_is_none_unless_somebody_names_it(machine: Machine) -> None:
    machine.write(".aws/config", "[default]\nregion = eu-west-1\n")
    machine.found()
    assert machine.calls == ["GetInstanceCredentials"] * 3
    machine.environ["AWS_PROFILE"] = "default"
    assert "profile default: has no keys" in machine.problem()


@pytest.mark.parametrize("name", ["config", "credentials"])
@pytest.mark.parametrize("text", ["", " \n"])
def test_file_that_is_empty_is_one_that_is_being_written(
    machine: Machine, name: str, text: str
) -> None:
    machine.write(f".aws/{name}", text)
    assert machine.problem().endswith(f"{machine.home}/.aws/{name}: empty")
    assert machine.calls == []


def test_profile_that_is_missing_for_a_moment_is_not_replaced_by_the_machine(
    machine: Machine,
) -> None:
    provider = machine.provider()

    def told() -> str:
        with pytest.raises(CredentialError) as caught:
            asyncio.run(provider.credentials())
        return str(caught.value)

    path = machine.write(".aws/credentials", f"[default]\n{KEYS}")
    assert asyncio.run(provider.credentials()).access_key == "AKFILE"
    path.unlink()
    assert f"{path}: no such file or directory, where they were before" in told()
    path.write_text("")
    assert f"{path}: empty" in told()
    path.write_text("[other]\n")
    assert "profile default: there is no such profile, where they were before" in told()
    path.write_text(f"[default]\n{KEYS}")
    assert asyncio.run(provider.credentials()).access_key == "AKFILE"
    assert machine.calls == []


def test_role_of_one_file_is_not_replaced_by_the_keys_of_the_other(machine: Machine) -> None:
    config = machine.write(
        ".aws/config", f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n"
    )
    machine.write(".aws/credentials", f"[default]\n{KEYS}")
    for auth in ({}, {"profile": "default"}):
        provider = machine.provider(**auth)
        assert asyncio.run(provider.credentials()).security_token
        text = config.read_text()
        config.unlink()
        with pytest.raises(UnusableError, match="no such file or directory, where they were"):
            asyncio.run(provider.credentials())
        config.write_text(text)
        assert asyncio.run(provider.credentials()).security_token
