"""The pod's identity is exchanged for keys in time, once for all who wait, or refused by name."""

import asyncio
import json

import httpx
import pytest

from exporter.auth.credentials import CredentialProvider
from exporter.errors import CredentialError, FetchError, Reason
from tests.auth.sources.key_places import found, problem
from tests.auth.tencent.places import STS, TKE, Place, Server, Sts
from tests.auth.tools import MARK, everything_told


def refusal(code: object) -> dict[str, object]:
    return {"Response": {"Error": {"Code": code, "Message": MARK}, "RequestId": "1"}}


def failure(provider: CredentialProvider) -> FetchError:
    with pytest.raises(FetchError) as caught:
        asyncio.run(provider.credentials())
    assert MARK not in everything_told(caught.value)
    return caught.value


def test_login_is_sent_unsigned_with_the_token_of_the_pod(place: Place) -> None:
    place.on_tke()
    place.sts = sts = Sts()
    found(place.chain())
    (request,) = sts.requests
    assert (request.method, str(request.url)) == ("POST", f"{STS}/")
    names = ("authorization", "x-tc-action", "x-tc-version", "x-tc-region", "x-tc-timestamp")
    assert [request.headers[name] for name in names] == [
        *("SKIP", "AssumeRoleWithWebIdentity", "2018-08-13", "ap-guangzhou"),
        str(int(place.clock.now)),
    ]
    assert json.loads(request.content) == {
        "ProviderId": TKE["TKE_PROVIDER_ID"],
        "WebIdentityToken": f"{MARK}-token",
        "RoleArn": TKE["TKE_ROLE_ARN"],
        "RoleSessionName": "streaming-job-exporter",
        "DurationSeconds": 7200,
    }


def test_one_login_is_sent_however_many_wait_and_the_next_one_before_the_end(place: Place) -> None:
    """When nine tenths of its life are over; the token is read anew then."""
    path = place.on_tke()
    place.sts = sts = Sts(expires=place.clock.now + 7200)
    chain = place.chain()

    async def ask(times: int) -> set[str]:
        keys = await asyncio.gather(*(chain.credentials() for _ in range(times)))
        return {each.access_key for each in keys}

    async def scenario() -> None:
        assert await ask(50) == {"pod1"}
        place.clock.now += 0.9 * 7200 - 1
        assert await ask(50) == {"pod1"}
        place.clock.now += 2
        path.write_text("renewed")
        sts.expires = place.clock.now + 7200
        assert await ask(50) == {"pod2"}

    asyncio.run(scenario())
    assert len(sts.requests) == 2
    assert json.loads(sts.requests[-1].content)["WebIdentityToken"] == "renewed"


@pytest.mark.parametrize("name", [*TKE, "TKE_WEB_IDENTITY_TOKEN_FILE"])
def test_variable_that_is_missing_is_named_and_the_node_does_not_take_over(
    place: Place, name: str
) -> None:
    place.server = Server()
    place.on_tke()
    del place.environ[name]
    assert problem(place.chain()).endswith(f"TKE identity: {name} not set")


def test_token_is_sent_nowhere_while_nobody_says_where_sts_is(place: Place) -> None:
    place.server, place.sts = Server(), Sts()
    place.on_tke()
    assert "sts_endpoint is required" in problem(place.chain(sts=None))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ResourceNotFound.RoleNotFound", "RoleNotFound, the role does not exist"),
        ("InvalidParameter.WebIdentityTokenError", "the token of the pod is refused"),
        (f"{MARK}!", "refused without a code"),
        (None, "refused without a code"),
    ],
)
def test_refused_login_ends_the_search(place: Place, code: object, told: str) -> None:
    place.server, place.sts = Server(), Sts(refusal(code))
    place.on_tke()
    found = failure(place.chain())
    assert str(found).startswith("AssumeRoleWithWebIdentity failed: auth, HTTP 200")
    assert str(found).endswith(told)


@pytest.mark.parametrize(
    ("sts", "reason"),
    [
        (Sts(refusal("RequestLimitExceeded.UinLimitExceeded")), Reason.THROTTLED),
        (Sts(refusal("InternalError.DbError")), Reason.SERVER),
        (Sts("<html>", status=502), Reason.SERVER),
        (Sts("slow down", status=429), Reason.THROTTLED),
        (Sts(MARK, status=404), Reason.INVALID_RESPONSE),
        (Sts(MARK), Reason.INVALID_RESPONSE),
        (Sts({"ok": True}), Reason.INVALID_RESPONSE),
        (Sts({"Response": {"Credentials": {}}}), Reason.INVALID_RESPONSE),
        (Sts({"Response": {"Credentials": {}, "ExpiredTime": True}}), Reason.INVALID_RESPONSE),
        (Sts({"Response": {"Credentials": {"TmpSecretId": 1}, "ExpiredTime": 2}}), "keys"),
    ],
)
def test_sts_that_is_out_of_order_is_a_failure_of_the_poll_and_no_other_identity(
    place: Place, sts: Sts, reason: Reason | str
) -> None:
    place.server, place.sts = Server(), sts
    place.on_tke()
    expected = Reason.INVALID_RESPONSE if reason == "keys" else reason
    assert failure(place.chain()).reason is expected


def test_failure_to_reach_sts_keeps_its_reason(place: Place) -> None:
    place.server = Server()
    place.on_tke()

    async def send(request: httpx.Request, operation: str) -> httpx.Response:
        raise FetchError(Reason.TIMEOUT, operation)

    assert failure(place.chain(send_login=send)).reason is Reason.TIMEOUT


@pytest.mark.parametrize("token", ["", " \n"])
def test_empty_token_file_is_named(place: Place, token: str) -> None:
    path = place.on_tke(token)
    assert problem(place.chain()).endswith(f"{path}: empty")


def test_token_file_that_is_not_there_is_named(place: Place) -> None:
    place.server = Server()
    place.on_tke().unlink()
    with pytest.raises(CredentialError, match="token: no such file"):
        found(place.chain())
