"""The simulated STS, IAM and agent of pods give keys to whoever may have them, nobody else."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from exporter.auth.credentials import Credentials
from exporter.auth.huawei.signature import sign
from exporter.simulator.huawei.id_tokens import IdentityProvider
from tests.auth.huawei.account import (
    KEY,
    KUBELET,
    OWN,
    PLAIN,
    POD,
    PROJECT,
    PROVIDER,
    SECRET,
    WATCHED,
    Account,
)
from tests.simulator.huawei_caller import HOST, NOW, Clock, send

ASSUME, OIDC = "/v5/agencies/assume", "/v5/agencies/assume-with-oidc"
SECURITY_TOKENS, TOKENS = "/v3.0/OS-CREDENTIAL/securitytokens", "/v3/auth/tokens"
FEDERATED, AGENT = "/v3.0/OS-AUTH/id-token/tokens", "/v1/credentials"
JSON = {"Content-Type": "application/json"}
BY_STS = {
    "agency_urn": WATCHED.urn,
    "agency_session_name": "session",
    "duration_seconds": 3600,
    "external_id": "e-7",
}
BY_ROLE = {"agency_name": PLAIN.name, "domain_name": PLAIN.domain, "duration_seconds": 900}
SOMEBODY = PROVIDER.issue("somebody", now=NOW)
BY_TOKEN = {
    "provider_urn": PROVIDER.urn,
    "agency_urn": OWN.urn,
    "agency_session_name": "session",
    "id_token": SOMEBODY,
}


class Cloud:
    def __init__(self) -> None:
        self.clock = Clock()
        self.account = Account(clock=self.clock)

    def post(self, path: str, body: Any, headers: Mapping[str, str] = JSON) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        app = Starlette(routes=[Mount("/", app=self.account.app)])
        return send(app, path, headers, method="POST", content=content)

    def signed(
        self, path: str, body: Any, key: Credentials | None = None, *, late: str = ""
    ) -> httpx.Response:
        """Send a body that is signed; its date becomes another one after that if it is `late`."""
        content = json.dumps(body).encode()
        headers = {"Host": HOST, **JSON}
        key = key or Credentials(KEY, SECRET)
        added = sign("POST", path, headers, content, key, self.clock.now)
        changed = {"X-Sdk-Date": late} if late else {}
        return self.post(path, content, {**headers, **added, **changed})


def identity(method: str, told: Any) -> dict[str, Any]:
    return {"auth": {"identity": {"methods": [method], method: told}}}


def credentials(answer: httpx.Response) -> Credentials:
    told = answer.json().get("credentials") or answer.json()["credential"]
    names = (
        ("access", "access_key_id", "accessKeyId"),
        ("secret", "secret_access_key", "secretAccessKey"),
        ("securitytoken", "security_token", "securityToken"),
    )
    return Credentials(*(next(told[name] for name in each if name in told) for each in names))


def test_agency_is_assumed_by_a_key_that_signs_and_by_the_keys_of_another_agency() -> None:
    cloud = Cloud()
    answer = cloud.signed(ASSUME, BY_STS)
    assert answer.status_code == 200
    chained = credentials(answer)
    again = {**BY_STS, "agency_urn": PLAIN.urn}
    assert cloud.signed(ASSUME, again, chained).status_code == 200
    assert cloud.signed(ASSUME, {**again, "duration_seconds": 3601}, chained).status_code == 400
    cloud.clock.now += 3600
    assert cloud.signed(ASSUME, again, chained).status_code == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"agency_urn": "iam::d-2:agency:other"}, 403),
        ({"agency_urn": None}, 403),
        ({"external_id": "other"}, 403),
        ({"external_id": None}, 403),
        ({"agency_session_name": ""}, 400),
        ({"agency_session_name": "a b"}, 400),
        ({"duration_seconds": 899}, 400),
        ({"duration_seconds": 43201}, 400),
        ({"duration_seconds": "3600"}, 400),
    ],
)
def test_agency_is_not_assumed_with_anything_wrong(change: dict[str, Any], status: int) -> None:
    assert Cloud().signed(ASSUME, {**BY_STS, **change}).status_code == status


@pytest.mark.parametrize("path", [ASSUME, SECURITY_TOKENS])
def test_agency_is_not_assumed_without_a_right_signature(path: str) -> None:
    body = BY_STS if path == ASSUME else identity("assume_role", BY_ROLE)
    cloud = Cloud()
    assert cloud.signed(path, body).status_code in {200, 201}
    assert cloud.post(path, body).status_code == 401
    assert cloud.signed(path, body, Credentials(KEY, "wrong")).status_code == 401
    assert cloud.signed(path, body, Credentials("unknown", SECRET)).status_code == 401
    assert cloud.signed(path, body, late="20200101T000000Z").status_code == 401
    other = json.dumps({**body, "x": 1}).encode()
    headers = {"Host": HOST, **JSON}
    added = sign("POST", path, headers, b"{}", Credentials(KEY, SECRET), cloud.clock.now)
    assert cloud.post(path, other, {**headers, **added}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
@pytest.mark.parametrize("path", [OIDC, SECURITY_TOKENS, TOKENS, FEDERATED])
def test_body_that_is_none_is_refused(path: str, body: bytes) -> None:
    headers = {**JSON, "X-Idp-Id": PROVIDER.idp_id}
    assert Cloud().post(path, body, headers).status_code == 400


def test_provider_is_believed_by_the_agency_that_trusts_it() -> None:
    cloud = Cloud()
    answer = cloud.post(OIDC, BY_TOKEN)
    assert answer.status_code == 200
    assert cloud.account.holder(credentials(answer)) == OWN.urn
    assert cloud.post(OIDC, BY_TOKEN, {**JSON, "Authorization": "x"}).status_code == 400
    assert cloud.post(OIDC, BY_TOKEN, {}).status_code == 400


FORGED = IdentityProvider(issuer=PROVIDER.issuer, audience=PROVIDER.audience, key=b"another")
OTHERS = IdentityProvider(issuer=PROVIDER.issuer, audience="others", key=PROVIDER.key)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "x.y.z",
        SOMEBODY[:-1],
        FORGED.issue("somebody", now=NOW),
        OTHERS.issue("somebody", now=NOW),
        PROVIDER.issue("somebody", now=NOW - 3600),
        PROVIDER.issue("somebody", now=NOW + 1),
    ],
    ids=["empty", "word", "dots", "cut", "forged", "of-others", "expired", "early"],
)
def test_token_of_a_provider_is_checked(token: str) -> None:
    cloud = Cloud()
    assert cloud.post(OIDC, {**BY_TOKEN, "id_token": token}).status_code == 401
    body = {"auth": {"id_token": {"id": token}}}
    headers = {**JSON, "X-Idp-Id": PROVIDER.idp_id}
    assert cloud.post(FEDERATED, body, headers).status_code == 401


@pytest.mark.parametrize(
    "change", [{"provider_urn": "iam::d-1:oidc-provider:other"}, {"agency_urn": PLAIN.urn}]
)
def test_provider_that_an_agency_does_not_trust_is_refused(change: dict[str, Any]) -> None:
    assert Cloud().post(OIDC, {**BY_TOKEN, **change}).status_code == 403


def test_provider_stands_for_a_user_whose_token_is_good_for_keys() -> None:
    cloud = Cloud()
    body = {"auth": {"id_token": {"id": SOMEBODY}}}
    assert cloud.post(FEDERATED, body, {**JSON, "X-Idp-Id": "other"}).status_code == 404
    token = cloud.post(FEDERATED, body, {**JSON, "X-Idp-Id": PROVIDER.idp_id}).headers[
        "X-Subject-Token"
    ]
    lasting = identity("token", {"id": token, "duration_seconds": 21600})
    answer = cloud.post(SECURITY_TOKENS, lasting)
    assert answer.status_code == 201
    assert cloud.account.holder(credentials(answer)) == "user"
    for told in ({"id": "other"}, {}, None):
        assert cloud.post(SECURITY_TOKENS, identity("token", told)).status_code in {400, 401}
    for seconds in (899, 86401, "900"):
        asked = identity("token", {"id": token, "duration_seconds": seconds})
        assert cloud.post(SECURITY_TOKENS, asked).status_code == 400
    assert cloud.post(SECURITY_TOKENS, identity("password", {})).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"agency_name": "other"},
        {"domain_name": "other"},
        {"domain_id": "other"},
        {"domain_name": None},
    ],
)
def test_agency_that_iam_does_not_know_is_refused(change: dict[str, Any]) -> None:
    body = identity("assume_role", {**BY_ROLE, **change})
    assert Cloud().signed(SECURITY_TOKENS, body).status_code == 403


def test_token_of_a_user_is_traded_for_one_of_the_agency_and_its_project() -> None:
    cloud = Cloud()
    token = cloud.account.tokens.issue("", NOW).text
    body = identity("assume_role", BY_ROLE)
    body["auth"]["scope"] = {"project": {"id": PROJECT}}
    headers = {**JSON, "X-Auth-Token": token}
    assert cloud.post(TOKENS, body).status_code == 401
    assert cloud.post(TOKENS, body, {**JSON, "X-Auth-Token": "other"}).status_code == 401
    assert cloud.post(TOKENS, body, headers).status_code == 201
    assert cloud.post(SECURITY_TOKENS, body, headers).status_code == 201
    body["auth"]["identity"]["assume_role"] = {"agency_name": OWN.name, "domain_id": OWN.domain_id}
    assert cloud.post(TOKENS, body, headers).status_code == 401
    body["auth"]["scope"] = {"project": {"id": "other"}}
    assert cloud.post(TOKENS, body, headers).status_code == 401


def test_agent_knows_pods_by_their_token() -> None:
    cloud = Cloud()
    token = KUBELET.issue(POD, now=NOW)
    headers = {**JSON, "Authorization": token}
    answer = cloud.post(AGENT, {}, headers)
    assert cloud.account.holder(credentials(answer)) == f"pod:{POD}"
    assert cloud.post(AGENT, {}, JSON).status_code == 401
    assert cloud.post(AGENT, {}, {**JSON, "Authorization": SOMEBODY}).status_code == 401
    assert cloud.post(AGENT, {}, {"Authorization": token}).status_code == 400
    assert cloud.post(AGENT, b"", headers).status_code == 400
    stranger = KUBELET.issue("system:serviceaccount:other:other", now=NOW)
    assert cloud.post(AGENT, {}, {**JSON, "Authorization": stranger}).status_code == 403
