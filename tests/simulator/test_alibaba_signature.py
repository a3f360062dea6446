"""The gate accepts the vendor's published vectors and refuses everything that is off by a bit."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.refusal import Refusal
from exporter.simulator.alibaba.signature import (
    SignatureGate,
    WireRequest,
    canonical_query,
    string_to_sign,
)
from tests.simulator.alibaba_caller import sign

NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
EMPTY = hashlib.sha256(b"").hexdigest()
NAMES = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
INSTANCE = "22be35752c1d5a70daf347ccc21861729cc349bd50566fd9c7ad3ef9bbc45984"
DEPLOYMENTS = "33f6601b77fa7777ed6c9984cb16a5506c808ab333c313c852ca7680c322eaf3"
WITH_TOKEN = "9625acd8b98b48f380eca05aeb3eca0a497c6d3ef9c72295fcc1937b604656fb"
QUERY = "name=a%20b%2F%E6%B5%8B%E8%AF%95~%2A&pageIndex=1&pageSize=100"
TEST_KEY = AccessKey(key_id="testid", secret="testsecret")
TEMPORARY_KEY = replace(TEST_KEY, security_token="tok", expires_at=NOW + 60)


def headers(host: str, action: str, version: str, **more: str) -> dict[str, str]:
    return {
        "host": host,
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": "2024-01-02T03:04:05Z",
        "x-acs-signature-nonce": "0123456789abcdef0123456789abcdef",
        "x-acs-content-sha256": EMPTY,
        "accept": "application/json",
    } | {name.replace("_", "-"): value for name, value in more.items()}


def authorization(signature: str, names: str = NAMES, key_id: str = "testid") -> str:
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"


def get_instance(**more: str) -> WireRequest:
    sent = headers("foas.cn-shanghai.aliyuncs.com", "GetInstance", "2018-11-11")
    sent["authorization"] = authorization(INSTANCE)
    return WireRequest(
        method="GET",
        path="/api/v2/projects/project1/jobs/job1/instances/-1",
        query="",
        headers=sent | {name.replace("_", "-"): value for name, value in more.items()},
    )


def without(request: WireRequest, name: str) -> WireRequest:
    left = {key: value for key, value in request.headers.items() if key != name}
    return replace(request, headers=left)


def list_deployments(query: str = QUERY) -> WireRequest:
    sent = headers("ververica.cn-hangzhou.aliyuncs.com", "ListDeployments", "2022-07-18")
    sent["authorization"] = authorization(DEPLOYMENTS)
    return WireRequest(
        method="GET",
        path="/api/v2/namespaces/default-namespace/deployments",
        query=query,
        headers=sent,
    )


def with_token(token: str = "tok") -> WireRequest:
    request = list_deployments()
    added = {"x-acs-security-token": token, "x-acs-accesskey-id": "testid"}
    names = "host;x-acs-accesskey-id;" + NAMES.removeprefix("host;")
    names = names.replace("x-acs-signature-nonce;", "x-acs-security-token;x-acs-signature-nonce;")
    sent = {**request.headers, **added, "authorization": authorization(WITH_TOKEN, names)}
    return replace(request, headers=sent)


def gate(key: AccessKey = TEST_KEY, now: float = NOW) -> SignatureGate:
    return SignatureGate(access=Access(key), clock=lambda: now)


def refusal(request: WireRequest, checked_by: SignatureGate | None = None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        (checked_by or gate()).check(request)
    return caught.value


def test_published_example_gives_its_hash_and_signature() -> None:
    """The worked example of the vendor's signature page passes."""
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    sent = headers("ecs.cn-shanghai.aliyuncs.com", "RunInstances", "2014-05-26") | {
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "authorization": authorization(
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
            key_id="YourAccessKeyId",
        ),
    }
    request = WireRequest(method="POST", path="/", query=query, headers=sent)
    key = AccessKey(key_id="YourAccessKeyId", secret="YourAccessKeySecret")
    hashed = "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    assert string_to_sign(request, NAMES) == f"ACS3-HMAC-SHA256\n{hashed}"
    assert (
        gate(key, datetime(2023, 10, 26, 10, 22, 40, tzinfo=UTC).timestamp()).check(request) == key
    )


@pytest.mark.parametrize("request_", [get_instance(), list_deployments()], ids=["foas", "flink"])
def test_vectors_of_the_two_products_pass(request_: WireRequest) -> None:
    """Signatures made by the vendor's SDK pass, with an empty and with an encoded query."""
    assert gate().check(request_) == TEST_KEY


def test_vector_with_security_token_passes_for_a_temporary_key() -> None:
    """A temporary key passes with its token."""
    assert gate(TEMPORARY_KEY).check(with_token()) == TEMPORARY_KEY


@pytest.mark.parametrize(
    "query",
    [
        QUERY.replace("%20", "+"),
        QUERY.replace("%2A", "*").replace("%2F", "/"),
        "pageSize=100&pageIndex=1&name=a%20b%2F%E6%B5%8B%E8%AF%95%7E%2A",
    ],
    ids=["plus_for_blank", "unencoded", "other_order"],
)
def test_query_spelled_otherwise_on_the_wire_passes(query: str) -> None:
    """What counts is the canonical form: the vendor's own SDK sends + for a blank."""
    assert canonical_query(query) == QUERY
    assert gate().check(list_deployments(query)) == TEST_KEY


def test_path_spelled_otherwise_on_the_wire_is_refused() -> None:
    """The path is signed as it was sent, not as it decodes."""
    changed = replace(get_instance(), path="/api/v2/projects/project1/jobs/job1/instances/%2D1")
    assert refusal(changed).code == "SignatureDoesNotMatch"


def test_wrong_secret_is_answered_with_the_servers_string_to_sign() -> None:
    """The message carries the text the server signed, behind a colon."""
    got = refusal(get_instance(), gate(replace(TEST_KEY, secret="other")))
    expected = string_to_sign(get_instance(), NAMES)
    assert (got.status, got.code) == (400, "SignatureDoesNotMatch")
    assert got.message.partition("server string to sign is:")[2] == expected


@pytest.mark.parametrize(
    "name",
    [
        "host",
        "authorization",
        "x-acs-action",
        "x-acs-version",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-content-sha256",
    ],
)
def test_missing_header_is_named(name: str) -> None:
    """Each mandatory header is asked for by name."""
    got = refusal(without(get_instance(), name))
    assert (got.status, got.code) == (400, "MissingParameter")
    assert name in got.message.lower()


@pytest.mark.parametrize(
    ("changed", "code", "status"),
    [
        ({"x_acs_date": "yesterday"}, "InvalidTimeStamp.Format", 400),
        ({"x_acs_date": "2024-01-02T02:49:04Z"}, "InvalidTimeStamp.Expired", 400),
        ({"x_acs_date": "2024-01-02T03:19:06Z"}, "InvalidTimeStamp.Expired", 400),
        ({"authorization": "acs testid:c2hh"}, "IncompleteSignature", 400),
        (
            {"authorization": authorization(INSTANCE, key_id="x")},
            "InvalidAccessKeyId.NotFound",
            404,
        ),
        (
            {"authorization": authorization(INSTANCE, NAMES.removeprefix("host;"))},
            "IncompleteSignature",
            400,
        ),
        (
            {"authorization": authorization(INSTANCE, NAMES + ";x-acs-zone")},
            "IncompleteSignature",
            400,
        ),
        ({"authorization": authorization(INSTANCE, "x;" + NAMES)}, "IncompleteSignature", 400),
        ({"x_acs_region_id": "cn-shanghai"}, "IncompleteSignature", 400),
        ({"content_type": "application/json"}, "IncompleteSignature", 400),
        ({"x_acs_content_sha256": "0" * 64}, "InvalidParameter.ContentSha256", 400),
        ({"x_acs_security_token": "tok"}, "InvalidSecurityToken.Malformed", 400),
        ({"x_acs_action": "StopJob"}, "SignatureDoesNotMatch", 400),
    ],
)
def test_request_that_is_off_is_refused(changed: dict[str, str], code: str, status: int) -> None:
    """Each check answers with its own code."""
    got = refusal(get_instance(**changed))
    assert (got.code, got.status) == (code, status)


def test_unsigned_product_headers_pass() -> None:
    """Headers such as `workspace` need no signature."""
    assert gate().check(get_instance(workspace="w1", user_agent="curl")) == TEST_KEY


def test_body_has_to_match_its_hash() -> None:
    """A body that was swapped on the way is refused."""
    got = refusal(replace(get_instance(), body=b"{}"))
    assert got.code == "InvalidParameter.ContentSha256"


def test_nonce_works_once() -> None:
    """A replayed request is refused, for as long as its date would pass."""
    moment = [NOW]
    replayed = SignatureGate(access=Access(TEST_KEY), clock=lambda: moment[0])
    replayed.check(get_instance())
    moment[0] = NOW + 14 * 60
    assert refusal(get_instance(), replayed).code == "SignatureNonceUsed"


def test_nonce_can_be_used_again_once_its_dates_have_expired() -> None:
    """The memory of used nonces does not grow for ever."""
    moment = [NOW]
    remembering = SignatureGate(access=Access(TEST_KEY), clock=lambda: moment[0])
    remembering.check(get_instance())
    moment[0] = NOW + 3600
    signed = {name: get_instance().headers[name] for name in NAMES.split(";")}
    signed["x-acs-date"] = "2024-01-02T04:04:05Z"
    signature = sign("testsecret", "GET", get_instance().path, {}, signed)
    later = get_instance(x_acs_date=signed["x-acs-date"], authorization=authorization(signature))
    assert remembering.check(later) == TEST_KEY


def test_refused_request_does_not_use_up_its_nonce() -> None:
    """Only a request that was let in counts as a use."""
    checked = gate()
    refusal(get_instance(x_acs_action="StopJob"), checked)
    assert checked.check(get_instance()) == TEST_KEY


@pytest.mark.parametrize(
    ("request_", "key", "code"),
    [
        (list_deployments(), TEMPORARY_KEY, "MissingSecurityToken"),
        (with_token("other"), TEMPORARY_KEY, "InvalidSecurityToken.MismatchWithAccessKey"),
        (
            with_token(),
            replace(TEMPORARY_KEY, expires_at=NOW),
            "InvalidSecurityToken.Expired",
        ),
        (list_deployments(), replace(TEST_KEY, active=False), "InvalidAccessKeyId.Inactive"),
    ],
)
def test_key_that_cannot_be_used_is_refused(
    request_: WireRequest, key: AccessKey, code: str
) -> None:
    """Temporary keys need their own token, and none works for ever."""
    assert refusal(request_, gate(key)).code == code


def test_issued_keys_differ_and_repeat_with_the_seed() -> None:
    """Two issued keys differ; the same seed issues the same two again."""
    first, second = Access(seed=1), Access(seed=1)
    issued = [first.issue(expires_at=1.0), first.issue(expires_at=2.0)]
    assert issued[0].key_id != issued[1].key_id
    assert issued == [second.issue(expires_at=1.0), second.issue(expires_at=2.0)]
    assert first.find(issued[0].key_id) == issued[0]
    first.remove(issued[0].key_id)
    assert first.find(issued[0].key_id) is None
