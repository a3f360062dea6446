"""Tencent's keys are found where its SDK finds them, what is set up first, and never shown."""

import httpx
import pytest

from exporter.auth.credentials import Credentials
from exporter.errors import FetchError, Reason
from tests.auth.sources.key_places import found, problem
from tests.auth.tencent.places import EXPIRY, ROLE, Place, Server, Sts
from tests.auth.tools import CHARSETS, MARK, said_to_be

INI = "[default]\nsecret_id = {} \nsecret_key = s\n"


def test_places_are_asked_in_order_and_the_pod_comes_before_its_node(place: Place) -> None:
    """Environment, the user's file, the machine's file, the pod, then the role of the server."""
    place.server, place.sts = Server(), Sts()
    assert found(place.chain()) == Credentials("cvm", MARK, "tok", EXPIRY)
    place.on_tke()
    assert found(place.chain()) == Credentials("pod1", MARK, "tok", EXPIRY)
    place.write("etc/credentials", INI.format("machine"))
    assert found(place.chain()) == Credentials("machine", "s")
    place.write(".tencentcloud/credentials", INI.format("user") + "token = t\n")
    assert found(place.chain()) == Credentials("user", "s", "t")
    place.environ |= {"TENCENTCLOUD_SECRET_ID": "env", "TENCENTCLOUD_SECRET_KEY": "s"}
    assert found(place.chain()) == Credentials("env", "s")


def test_error_names_every_place(place: Place) -> None:
    assert problem(place.chain()) == (
        "no credentials found: environment: "
        "TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY not set; "
        f"{place.home}/.tencentcloud/credentials: no such file or directory; "
        f"{place.home}/etc/credentials: no such file or directory; "
        "CVM metadata: no answer (ConnectError)"
    )


@pytest.mark.parametrize(
    "names",
    [
        ("TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN"),
        ("TENCENTCLOUD_SECURITY_TOKEN", "TENCENTCLOUD_SESSION_TOKEN"),
        ("TENCENTCLOUD_SESSION_TOKEN",),
    ],
)
def test_token_of_temporary_keys_is_read_under_the_names_that_tools_give_it(
    place: Place, names: tuple[str, ...]
) -> None:
    """The SDK reads none, and its requests are refused; the first of several is taken."""
    place.environ |= {"TENCENTCLOUD_SECRET_ID": "env", "TENCENTCLOUD_SECRET_KEY": "s"}
    place.environ |= {name: name.lower() for name in names}
    assert found(place.chain()) == Credentials("env", "s", names[0].lower())


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"TENCENTCLOUD_SECRET_ID": "a"}, "environment: TENCENTCLOUD_SECRET_KEY not set"),
        (
            {"TENCENTCLOUD_TOKEN": MARK},
            "environment: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY not set",
        ),
    ],
)
def test_identity_that_is_set_up_by_halves_is_never_passed_over(
    place: Place, environ: dict[str, str], text: str
) -> None:
    place.server = Server()
    place.environ |= environ
    assert problem(place.chain()).endswith(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[other]\n", "no section [default]"),
        ("[default]\nsecret_id = a\n", "no secret_id and secret_key in [default]"),
        (
            INI.format("a") + "role_arn = qcs::cam::uin/1:roleName/x\n",
            "role_arn is not read here, give auth.assume_role",
        ),
        (f"{MARK} = 1\n", "cannot be understood"),
    ],
)
def test_profile_that_cannot_be_used_is_named_untold(place: Place, text: str, told: str) -> None:
    """And the role of the machine does not take its place."""
    place.server = Server()
    path = place.write(".tencentcloud/credentials", text)
    assert problem(place.chain()).endswith(f"{path}: {told}")


def test_profile_that_the_environment_names_is_the_only_one(place: Place) -> None:
    place.write(".tencentcloud/credentials", INI.format("user"))
    place.environ["TENCENTCLOUD_CREDENTIALS_FILE"] = str(place.home / "mine")
    place.server = Server()
    assert problem(place.chain()).endswith("mine: no such file or directory")
    place.write("mine", INI.format("mine"))
    assert found(place.chain()) == Credentials("mine", "s")


def test_metadata_is_asked_for_the_role_and_its_keys(place: Place) -> None:
    """A role that is named is not asked for."""
    place.server = server = Server()
    found(place.chain())
    assert server.asked == [f"GET {ROLE}", f"GET {ROLE}exporter"]
    place.environ["TENCENTCLOUD_CAM_ROLE_NAME"] = "a/b"
    server.asked.clear()
    found(place.chain())
    assert server.asked == [f"GET {ROLE}a%2Fb"]


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (Server(role=""), "no CAM role is bound to this server"),
        (Server(role=f"<html>{MARK}</html>"), "no CAM role is bound to this server"),
        (Server(keys=500), "HTTP 500 for the role's keys"),
        (Server(body=f"<html>{MARK}"), "the answer is not a JSON object"),
        (Server(body={"Code": "Failed"}), "the role's keys came without success"),
        (Server(body={"Code": "Success"}), "the role's keys have no readable expiry"),
        (
            Server(body={"Code": "Success", "ExpiredTime": 1, "TmpSecretKey": 1}),
            "the access key or its secret is empty",
        ),
    ],
)
def test_metadata_that_cannot_be_used_is_told_without_what_it_said(
    place: Place, server: Server, told: str
) -> None:
    place.server = server
    assert problem(place.chain()).endswith(f"CVM metadata: {told}")


def test_metadata_that_the_client_cannot_reach_is_told_by_its_reason(place: Place) -> None:
    async def send(request: httpx.Request) -> httpx.Response:
        raise FetchError(Reason.TIMEOUT, "GetSecurityCredentials", detail=MARK)

    assert problem(place.chain(send=send)).endswith("CVM metadata: no answer (timeout)")


def test_keys_of_the_role_are_renewed_when_five_minutes_are_left(place: Place) -> None:
    place.server = server = Server()
    chain = place.chain()
    found(chain)
    place.clock.now = EXPIRY - 301
    found(chain)
    assert len(server.asked) == 2
    place.clock.now = EXPIRY - 299
    found(chain)
    assert len(server.asked) == 4


@pytest.mark.parametrize("other", ["the machine's file", "the server's role"])
def test_profile_that_is_missing_for_a_moment_is_replaced_by_nothing(
    place: Place, other: str
) -> None:
    place.server = server = Server()
    if other == "the machine's file":
        place.write("etc/credentials", INI.format("machine"))
    path = place.write(".tencentcloud/credentials", INI.format("user"))
    chain = place.chain()
    assert found(chain) == Credentials("user", "s")
    path.unlink()
    told = problem(chain)
    assert f"{path}: no such file or directory, where they were before" in told
    path.write_text("")
    assert f"{path}: no section [default]" in problem(chain)
    place.write(".tencentcloud/credentials", INI.format("user"))
    assert found(chain) == Credentials("user", "s")
    assert server.asked == []


@pytest.mark.parametrize("charset", CHARSETS)
def test_charset_that_an_answer_names_changes_nothing(place: Place, charset: str) -> None:
    server = Server()
    place.server = lambda request: said_to_be(server(request), charset)
    assert found(place.chain()).access_key == "cvm"
