"""Containers and instances hand out keys to who asks as their services want it."""

from typing import Any

import httpx
import pytest

from tests.auth.aws.world import Machine
from tests.auth.tools import CHARSETS, MARK, said_to_be

FULL, TOKEN = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"


def test_instance_is_asked_for_session_role_and_keys(machine: Machine) -> None:
    found = machine.found()
    assert found.secret_key == machine.secret_of(found)
    assert found.expires_at is not None
    assert machine.direct == ["169.254.169.254"] * 3


def test_silence_about_the_session_is_not_taken_for_no_role(machine: Machine) -> None:
    """In a container the answer ends after one hop; version 1 has no such limit."""
    machine.silent = {"PUT"}
    told = machine.problem()
    assert "the hop limit of the instance's metadata options has to be 2" in told
    assert "no role is attached" not in told
    machine.serve_metadata(tokens_required=False)
    assert machine.found().access_key.startswith("ASIA")
    machine.silent = {"PUT", "GET"}
    assert "hop limit" in machine.problem()
    machine.environ["AWS_EC2_METADATA_V1_DISABLED"] = "true"
    machine.silent = {"PUT"}
    machine.calls.clear()
    assert "hop limit" in machine.problem()
    assert machine.calls == ["GetInstanceCredentials"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"role": None}, "no role is attached to this instance"),
        ({"role": "<html>"}, "no role is attached to this instance"),
        ({"usable": False}, "the role of this instance cannot be used"),
    ],
)
def test_instance_without_a_usable_role_says_why(
    machine: Machine, settings: dict[str, object], told: str
) -> None:
    machine.serve_metadata(**settings)
    assert told in machine.problem()


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://10.1.1.1/"}, "10.1.1.1"),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}, "fd00:ec2::254"),
    ],
)
def test_instance_metadata_are_where_the_environment_says(
    machine: Machine, environ: dict[str, str], host: str
) -> None:
    machine.environ |= environ
    machine.found()
    assert set(machine.direct) == {host}


def test_address_that_is_none_is_named(machine: Machine) -> None:
    machine.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = f"{MARK}:x"
    assert "AWS_EC2_METADATA_SERVICE_ENDPOINT is no address" in machine.problem()


@pytest.mark.parametrize("address", ["http://169.254.170.23", "http://127.0.0.1:51679"])
def test_container_sends_its_token_to_services_nearby(machine: Machine, address: str) -> None:
    machine.serve_metadata(authorization=f"{MARK}-token")
    token = machine.write("token", f"{MARK}-token")
    machine.environ |= {FULL: f"{address}/v1/credentials", f"{TOKEN}_FILE": str(token)}
    assert machine.found().access_key.startswith("ASIA")
    token.write_text(f"{MARK}-outdated")
    assert "container credentials: HTTP 403" in machine.problem()


def test_container_sends_its_token_anywhere_over_tls(machine: Machine) -> None:
    machine.environ |= {FULL: "https://keys.example/v1/credentials"}
    machine.found()
    assert machine.direct == ["keys.example"]


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({FULL: "http://keys.example/v1/credentials"}, "plain HTTP to a host"),
        ({FULL: f"{MARK}"}, f"{FULL} is no address"),
        ({FULL: "http://localhost/v1/credentials", TOKEN: f"{MARK}\r\nX: y"}, "no header"),
        ({FULL: "http://localhost/v1/credentials", f"{TOKEN}_FILE": "/none"}, "/none: no such"),
        ({FULL: "http://localhost/latest/x"}, "HTTP 404"),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": MARK}, "is no path"),
    ],
)
def test_container_that_cannot_be_asked_is_named(
    machine: Machine, environ: dict[str, str], told: str
) -> None:
    machine.environ |= environ
    assert told in machine.problem()


def test_container_token_that_is_no_text_is_named(machine: Machine) -> None:
    (machine.home / "token").write_bytes(b"\xff")
    machine.environ |= {
        FULL: "http://localhost/v1/credentials",
        f"{TOKEN}_FILE": str(machine.home / "token"),
    }
    assert "not a token" in machine.problem()


@pytest.mark.parametrize("charset", CHARSETS)
def test_charset_that_an_answer_names_changes_nothing(machine: Machine, charset: str) -> None:
    class Named(Machine):
        async def send(self, *args: Any, **options: Any) -> httpx.Response:
            return said_to_be(await super().send(*args, **options), charset)

    assert Named(machine.home).found().access_key
