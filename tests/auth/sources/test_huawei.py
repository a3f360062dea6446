"""Huawei's keys are found where its SDK finds them, in its order, and never shown."""

import asyncio
from typing import Any

import pytest

from exporter.auth.credentials import Credentials
from tests.auth.sources.key_places import Place, found, problem
from tests.auth.sources.metadata_services import EXPIRY, HuaweiServer
from tests.auth.tools import MARK


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
    """Up to one that is set up and cannot be used."""
    assert problem(place.huawei()) == (
        "no credentials found: "
        "environment: HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK not set; "
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
        (f"[basic]\nsk = {MARK}\n", "neither ak and sk nor idp_id and id_token_file in [basic]"),
        (f"[basic]\nidp_id = {MARK}\n", "idp_id without id_token_file in [basic]"),
        (
            f"[basic]\nidp_id = 1\nid_token_file = 2\niam_endpoint = {MARK}\n",
            "iam_endpoint in [basic] is no address",
        ),
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
        for now, asked in [(EXPIRY - 72000, 2), (EXPIRY - 2401, 2), (EXPIRY - 2400, 4)]:
            place.clock.now = now
            await chain.credentials()
            assert len(server.asked) == asked

    asyncio.run(run())
