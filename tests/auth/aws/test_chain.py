"""Keys are found where Amazon's own tools find them, in their order, and never shown."""

import asyncio

import pytest

from exporter.auth.credentials import Credentials
from tests.auth.aws.world import ENVIRONMENT, OTHER_ROLE, ROLE, SECRET, Machine
from tests.auth.tools import MARK

FILE = f"aws_access_key_id = AKFILE\naws_secret_access_key = {SECRET}\n"


def test_places_are_asked_in_order(machine: Machine) -> None:
    """Environment, role of a profile, web identity, other profiles, container, instance."""
    assert machine.found().access_key.startswith("ASIA")
    assert machine.calls == ["GetInstanceCredentials"] * 3
    machine.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1"
    machine.calls.clear()
    machine.found()
    assert machine.calls == ["GetContainerCredentials"]
    machine.write(".aws/credentials", f"[default]\n{FILE}")
    assert machine.found() == Credentials("AKFILE", SECRET)
    machine.environ |= {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(machine.write("token", f"{MARK}-web\n")),
        "AWS_ROLE_ARN": ROLE,
    }
    machine.calls.clear()
    machine.found()
    assert machine.calls == ["AssumeRoleWithWebIdentity"]
    machine.write(".aws/config", f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n")
    machine.calls.clear()
    machine.found()
    assert machine.calls == ["AssumeRole"]
    machine.environ |= ENVIRONMENT
    machine.calls.clear()
    assert machine.found() == Credentials("AKENV", SECRET)
    assert machine.calls == []


def test_error_names_every_place(machine: Machine) -> None:
    machine.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    assert machine.problem() == (
        "no credentials found: environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY not set; "
        "profile default: there is no such profile; "
        "environment: AWS_WEB_IDENTITY_TOKEN_FILE not set; "
        "profile default: there is no such profile; "
        "environment: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
        "AWS_CONTAINER_CREDENTIALS_FULL_URI is set; "
        "EC2 metadata: disabled by AWS_EC2_METADATA_DISABLED"
    )


def test_older_name_of_the_session_token_is_read_too(machine: Machine) -> None:
    machine.environ |= {**ENVIRONMENT, "AWS_SECURITY_TOKEN": "old"}
    assert machine.found().security_token == "old"
    # As botocore does, against which tests/auth/aws/test_setups.py holds it.
    machine.environ["AWS_SESSION_TOKEN"] = "new"
    assert machine.found().security_token == "old"
    del machine.environ["AWS_SECURITY_TOKEN"]
    assert machine.found().security_token == "new"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"AWS_ACCESS_KEY_ID": MARK}, "AWS_SECRET_ACCESS_KEY not set"),
        ({"AWS_SECRET_ACCESS_KEY": MARK}, "AWS_ACCESS_KEY_ID not set"),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/t"}, "AWS_ROLE_ARN is not"),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/none", "AWS_ROLE_ARN": ROLE}, "/none: no such file"),
        ({"AWS_PROFILE": "night"}, "profile night: there is no such profile"),
        ({"AWS_CONFIG_FILE": "/none"}, "/none: no such file"),
        ({"AWS_SHARED_CREDENTIALS_FILE": "/none"}, "/none: no such file"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/x"}, "plain HTTP to a host"),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v9"}, "container credentials: HTTP 404"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_set_up_and_cannot_be_used_is_named_and_nobody_takes_its_place(
    machine: Machine, environ: dict[str, str], told: str
) -> None:
    machine.environ |= environ
    assert told in machine.problem()
    assert "GetInstanceCredentials" not in machine.calls


def test_role_is_assumed_with_the_configured_key(machine: Machine) -> None:
    given = {"access_key_id": "AKENV", "secret_access_key": SECRET}
    found = machine.found(**given, role_arn=OTHER_ROLE, external_id="x1")
    assert found.secret_key == machine.secret_of(found)
    assert "may the identity assume this role" in machine.problem(**given, role_arn=OTHER_ROLE)


def test_role_is_assumed_with_whatever_is_found(machine: Machine) -> None:
    assert machine.found(role_arn=ROLE).expires_at == machine.clock.now + 3600
    assert machine.calls == ["AssumeRole", *["GetInstanceCredentials"] * 3]


def test_chosen_profile_is_the_only_place(machine: Machine) -> None:
    machine.environ |= ENVIRONMENT
    machine.write(".aws/credentials", f"[night]\n{FILE}")
    assert machine.found(profile="night").access_key == "AKFILE"
    assert "profile day: there is no such profile" in machine.problem(profile="day")
    assert machine.calls == []


def test_nobody_is_asked_for_a_role_by_guess(machine: Machine) -> None:
    machine.sts_endpoint = None
    assert "sts_endpoint is required" in machine.problem(role_arn=ROLE)
    assert "AssumeRole" not in machine.calls


def test_one_login_is_made_however_many_wait_and_again_before_its_end(machine: Machine) -> None:
    machine.environ |= ENVIRONMENT

    async def play() -> None:
        provider = machine.provider(role_arn=ROLE)
        found = await asyncio.gather(*(provider.credentials() for _ in range(50)))
        assert len({each.access_key for each in found}) == 1
        assert machine.calls == ["AssumeRole"]
        machine.clock.now += 3600 - 901
        assert await provider.credentials() == found[0]
        machine.clock.now += 2
        assert (await provider.credentials()).access_key != found[0].access_key
        assert machine.calls == ["AssumeRole"] * 2
        # What still is valid stays in use while no new one can be had.
        machine.clock.now += 3600 - 899
        before = machine.faults.count()
        machine.faults.outage = True
        assert (await provider.credentials()).expires_at is not None
        assert machine.faults.count() == before + 1

    asyncio.run(play())


def test_repr_of_what_is_found_shows_no_secret(machine: Machine) -> None:
    machine.environ |= ENVIRONMENT
    assert MARK not in repr(machine.found(role_arn=ROLE))
