"""A role is assumed by whatever is found, once for all who wait, in time, or refused by name."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from exporter.auth.credentials import CredentialProvider, StaticProvider
from exporter.auth.tencent.roles import Role
from exporter.errors import CredentialError, FetchError, Reason
from exporter.secret import TextSecret
from tests.auth.sources.key_places import found, problem
from tests.auth.tencent.places import STS, Place, Server, Sts
from tests.auth.tools import MARK, everything_told

ARN = "qcs::cam::uin/100000000002:roleName/reader"
VARIABLES = "TENCENTCLOUD_ASSUME_ROLE_"
KEYS = {"TmpSecretId": "a", "TmpSecretKey": MARK, "Token": "t"}
KEY = {"TENCENTCLOUD_SECRET_ID": "env", "TENCENTCLOUD_SECRET_KEY": MARK}


def refusal(code: object) -> dict[str, object]:
    return {"Response": {"Error": {"Code": code, "Message": MARK}, "RequestId": "1"}}


def assumed(place: Place, role: Role, *, sts: str | None = STS) -> CredentialProvider:
    """Return the keys of a role that a fixed key assumes."""
    key = StaticProvider(TextSecret("AKIDfixed"), TextSecret(MARK))
    return place.service(sts).assumed(key, role)


def failure(provider: CredentialProvider) -> FetchError:
    with pytest.raises(FetchError) as caught:
        asyncio.run(provider.credentials())
    assert MARK not in everything_told(caught.value)
    return caught.value


def sent(request: httpx.Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.content)
    return body


def test_sts_is_told_the_role_and_asked_where_the_sdks_ask_it(place: Place) -> None:
    place.sts = sts = Sts()
    role = Role(arn=ARN, session_name="one", external_id=TextSecret(MARK), seconds=3600)
    assert found(assumed(place, role)).access_key == "pod1"
    (request,) = sts.requests
    names = ("x-tc-action", "x-tc-version", "x-tc-region", "x-tc-language", "content-type")
    assert [request.headers[name] for name in names] == [
        *("AssumeRole", "2018-08-13", "ap-guangzhou", "en-US", "application/json"),
    ]
    assert request.headers["authorization"].startswith("TC3-HMAC-SHA256 Credential=AKIDfixed/")
    assert "/sts/tc3_request" in request.headers["authorization"]
    assert (str(request.url), place.operations) == (f"{STS}/", ["AssumeRole"])
    assert sent(request) == {
        "RoleArn": ARN,
        "RoleSessionName": "one",
        "DurationSeconds": 3600,
        "ExternalId": MARK,
    }


def test_one_login_is_sent_however_many_wait_and_the_next_one_a_quarter_of_an_hour_before_the_end(
    place: Place,
) -> None:
    """The vendor's SDK has a new one after a tenth of the life."""
    place.sts = sts = Sts(expires=place.clock.now + 7200)
    keys = assumed(place, Role(arn=ARN))

    async def ask() -> set[str]:
        answers = await asyncio.gather(*(keys.credentials() for _ in range(50)))
        return {each.access_key for each in answers}

    async def scenario() -> None:
        assert await ask() == {"pod1"}
        place.clock.now += 7200 - 901
        assert await ask() == {"pod1"}
        place.clock.now += 2
        sts.expires = place.clock.now + 7200
        assert await ask() == {"pod2"}

    asyncio.run(scenario())
    assert len(sts.requests) == 2


def test_short_session_is_renewed_at_three_quarters_of_its_life(place: Place) -> None:
    place.sts = sts = Sts()
    keys = assumed(place, Role(arn=ARN, seconds=900))

    async def poll_for_half_an_hour() -> None:
        for _ in range(30):
            sts.expires = place.clock.now + 900
            await keys.credentials()
            place.clock.now += 60

    asyncio.run(poll_for_half_an_hour())
    assert len(sts.requests) == 3


@pytest.mark.parametrize(
    "environ",
    [KEY, {**KEY, "TENCENTCLOUD_TOKEN": "tok"}, {}, {"profile": "yes"}, {"pod": "yes"}],
    ids=["key", "temporary key", "role of the server", "profile", "pod"],
)
def test_role_of_the_environment_is_assumed_by_whatever_is_found(
    place: Place, environ: dict[str, str]
) -> None:
    place.server, place.sts = Server(), (sts := Sts())
    environ = dict(environ)
    whose = environ.get("TENCENTCLOUD_SECRET_ID", "cvm")
    if environ.pop("profile", ""):
        place.write(".tencentcloud/credentials", "[default]\nsecret_id = ini\nsecret_key = s\n")
        whose = "ini"
    if environ.pop("pod", ""):
        place.on_tke()
        whose = "pod1"
    place.environ |= environ
    place.environ |= {f"{VARIABLES}ARN": ARN, f"{VARIABLES}SESSION_NAME": "two"}
    place.environ |= {f"{VARIABLES}EXTERNAL_ID": MARK, f"{VARIABLES}SESSION_DURATION": "3600"}
    keys = found(place.chain())
    last = sts.requests[-1]
    assert keys.access_key == f"pod{len(sts.requests)}"
    assert f"Credential={whose}/" in last.headers["authorization"]
    token = {"cvm": "tok", "pod1": "tok"}.get(whose, environ.get("TENCENTCLOUD_TOKEN"))
    assert last.headers.get("x-tc-token") == token
    assert sent(last) == {
        "RoleArn": ARN,
        "RoleSessionName": "two",
        "DurationSeconds": 3600,
        "ExternalId": MARK,
    }


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ARN", MARK, "ARN is no qcs::cam::uin/<account>:roleName/<name>"),
        ("SESSION_NAME", "a b", "SESSION_NAME is no name of a session"),
        ("SESSION_DURATION", "2h", "SESSION_DURATION is no number of seconds from 900 to 43200"),
        ("SESSION_DURATION", "899", "SESSION_DURATION is no number of seconds from 900 to 43200"),
        ("WEB_IDENTITY_TOKEN_FILE", MARK, "WEB_IDENTITY_TOKEN_FILE is set, but not supported"),
        ("TOKEN_CODE", MARK, "TOKEN_CODE is set, but not supported"),
    ],
)
def test_role_of_the_environment_that_cannot_be_assumed_is_named(
    place: Place, name: str, value: str, told: str
) -> None:
    """And nobody signs with the key that was to assume it."""
    place.server = Server()
    place.environ |= {**KEY, f"{VARIABLES}ARN": ARN, VARIABLES + name: value}
    assert problem(place.chain()).endswith(told)


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        "qcs::cam::uin/1:role/4611686018427397919",
        "qcs::cam::uin/1:role/tencentcloudServiceRoleName/x",
    ],
)
def test_role_is_named_in_any_of_the_ways_that_its_page_shows(place: Place, arn: str) -> None:
    place.sts = sts = Sts()
    place.environ |= {**KEY, f"{VARIABLES}ARN": arn}
    found(place.chain())
    assert sent(sts.requests[0])["RoleArn"] == arn


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ResourceNotFound.RoleNotFound", "the role does not exist"),
        ("UnauthorizedOperation", "the external id is not the one it wants"),
        ("AuthFailure.UnauthorizedOperation", "they lack sts:AssumeRole, or the external id"),
        ("AuthFailure.SecretIdNotFound", "the key is not known or disabled"),
        ("AuthFailure.AccessKeyIllegal", "the key is not known or disabled"),
        ("AuthFailure.SignatureFailure", "the secret of the key is wrong"),
        ("AuthFailure.SignatureExpire", "the clock of this machine is wrong"),
        ("AuthFailure.TokenFailure", "the keys to assume the role with have ended"),
        ("InvalidParameter.OverTimeError", "does not allow sessions of this duration"),
        ("InternalError.IllegalRole", "the role cannot be assumed"),
        ("InternalError.GetRoleError", "STS does not find the role"),
        ("InvalidParameter.AccountNotAvaliable", "InvalidParameter.AccountNotAvaliable"),
        (f"{MARK} {MARK}", "refused without a code"),
    ],
)
def test_refusal_says_what_is_wrong_and_is_not_tried_again_at_once(
    place: Place, code: str, told: str
) -> None:
    place.sts = Sts(refusal(code))
    refused = failure(assumed(place, Role(arn=ARN)))
    assert str(refused).startswith("AssumeRole failed: auth, HTTP 200")
    assert told in str(refused)
    assert not refused.retryable


def test_gateway_before_sts_says_how_long_to_wait(place: Place) -> None:
    place.sts = lambda _: httpx.Response(503, headers={"Retry-After": "7"}, content="busy")
    assert failure(assumed(place, Role(arn=ARN))).retry_after == 7.0


@pytest.mark.parametrize(
    ("sts", "reason"),
    [
        (Sts(refusal("RequestLimitExceeded")), Reason.THROTTLED),
        (Sts(refusal("InvalidParameter.OverLimit")), Reason.THROTTLED),
        (Sts(refusal("InternalError.DbError")), Reason.SERVER),
        (Sts(refusal("InvalidAction")), Reason.INVALID_RESPONSE),
        (Sts("<html>", status=502), Reason.SERVER),
        (Sts(MARK, status=403), Reason.INVALID_RESPONSE),
        (Sts(MARK), Reason.INVALID_RESPONSE),
        (Sts("[" * 100_000), Reason.INVALID_RESPONSE),
        (Sts({"Response": {"ExpiredTime": 2}}), Reason.INVALID_RESPONSE),
        (Sts({"Response": {"Credentials": KEYS, "ExpiredTime": 1e400}}), Reason.INVALID_RESPONSE),
    ],
)
def test_sts_that_is_out_of_order_is_told_apart_from_a_refusal(
    place: Place, sts: Sts, reason: Reason
) -> None:
    place.sts = sts
    refused = failure(assumed(place, Role(arn=ARN)))
    assert refused.reason is reason
    assert refused.retryable == (reason in {Reason.THROTTLED, Reason.SERVER})


def test_temporary_keys_without_their_token_are_none(place: Place) -> None:
    keys = {**KEYS, "Token": ""}
    place.sts = Sts({"Response": {"Credentials": keys, "ExpiredTime": 2_000_000_000}})
    assert "the keys in the answer are none" in str(failure(assumed(place, Role(arn=ARN))))


def test_role_that_is_refused_thrice_is_left_alone_for_a_while(place: Place) -> None:
    place.sts = sts = Sts(refusal("UnauthorizedOperation"))
    keys = assumed(place, Role(arn=ARN))
    for _ in range(3):
        failure(keys)
    with pytest.raises(CredentialError, match="paused for another 330 s"):
        found(keys)
    assert len(sts.requests) == 3
    place.clock.now += 331
    sts.answer = None
    assert found(keys).access_key == "pod4"


def test_key_is_shown_to_no_other_cloud_than_the_one_that_is_asked(place: Place) -> None:
    place.sts = sts = Sts()
    with pytest.raises(CredentialError, match="sts_endpoint is required"):
        found(assumed(place, Role(arn=ARN), sts=None))
    assert sts.requests == []


def test_key_that_is_replaced_is_the_one_that_assumes_the_role_next(place: Place) -> None:
    path = place.write("id", "AKIDold")
    place.sts = sts = Sts(expires=place.clock.now + 900)

    class _Rotated:
        async def credentials(self) -> Any:
            return await StaticProvider(
                TextSecret(path.read_text()), TextSecret(MARK)
            ).credentials()

    keys = place.service().assumed(_Rotated(), Role(arn=ARN, seconds=900))
    found(keys)
    path.write_text("AKIDnew")
    place.clock.now += 901
    found(keys)
    whose = [request.headers["authorization"].split("=")[1] for request in sts.requests]
    assert [each.partition("/")[0] for each in whose] == ["AKIDold", "AKIDnew"]
