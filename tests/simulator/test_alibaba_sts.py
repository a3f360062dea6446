"""STS, and what else hands out keys, believes nothing: signatures, tokens, trust, times."""

import asyncio
import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from exporter.simulator.alibaba import sidecar, signing_in
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.oidc import OidcIssuer
from exporter.simulator.alibaba.signing_in import SignedInUser
from exporter.simulator.alibaba.sts import Role, Sts
from exporter.simulator.fault_injection import FaultInjection

NOW = 1_700_000_000.0
USER = "acs:ram::1:user/u"
ROLE = "acs:ram::1:role/watcher"
POD = "system:serviceaccount:monitoring:exporter"


class Bench:
    def __init__(self) -> None:
        self.now = NOW
        self.access = Access(
            AccessKey(key_id="id", secret="secret", principal=USER),
            AccessKey(key_id="other", secret="secret", principal="acs:ram::1:user/other"),
        )
        self.faults = FaultInjection(started_at=NOW)
        self.issuer = OidcIssuer()
        role = Role(
            arn=ROLE,
            trusts=frozenset({USER}),
            external_id="ticket",
            trusts_pods=frozenset({POD}),
        )
        self.sts = Sts(
            role,
            faults=self.faults,
            clock=lambda: self.now,
            access=self.access,
            issuer=self.issuer,
        )

    def call(
        self, parameters: Mapping[str, str], *, method: str = "GET", form: bool = False
    ) -> tuple[int, dict[str, Any]]:
        content = urlencode(parameters) if form else ""
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        query = "" if form else f"?{urlencode(parameters)}"

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.sts.app())
            async with httpx.AsyncClient(transport=transport) as client:
                url = f"https://sts.example.com/{query}"
                return await client.request(method, url, headers=headers, content=content)

        response = asyncio.run(ask())
        return response.status_code, response.json()

    def assume(self, secret: str = "secret", **changed: str) -> tuple[int, str]:
        """Return the answer to a call that is signed the old way."""
        parameters = {
            "Action": "AssumeRole",
            "Version": "2015-04-01",
            "RoleArn": ROLE,
            "RoleSessionName": "s",
            "ExternalId": "ticket",
            "AccessKeyId": "id",
            "SignatureNonce": "n1",
            "Timestamp": datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        } | changed
        parameters = {name: value for name, value in parameters.items() if value}
        pairs = sorted(parameters.items())
        query = "&".join(
            f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs
        )
        text = f"GET&%2F&{quote(query, safe='~')}".encode()
        digest = hmac.new(f"{secret}&".encode(), text, hashlib.sha1).digest()
        return self.judged(self.call(parameters | {"Signature": b64encode(digest).decode()}))

    def enter(self, token: str, **changed: str) -> tuple[int, str]:
        """Return the answer to the call of a pod."""
        parameters = {
            "Action": "AssumeRoleWithOIDC",
            "Version": "2015-04-01",
            "RoleArn": ROLE,
            "RoleSessionName": "s",
            "OIDCProviderArn": self.issuer.provider_arn,
            "OIDCToken": token,
        } | changed
        given = {name: value for name, value in parameters.items() if value}
        return self.judged(self.call(given, method="POST", form=True))

    def judged(self, answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
        status, body = answer
        if status != 200:
            return status, body["Code"]
        keys = body["Credentials"]
        key = self.access.find(keys["AccessKeyId"])
        assert key is not None
        assert (keys["AccessKeySecret"], keys["SecurityToken"]) == (key.secret, key.security_token)
        return status, key.principal


def test_signature_of_the_old_kind_lets_in_whom_the_role_trusts() -> None:
    assert Bench().assume() == (200, ROLE)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"secret": "wrong"}, "SignatureDoesNotMatch"),
        ({"AccessKeyId": "nobody"}, "InvalidAccessKeyId.NotFound"),
        ({"AccessKeyId": ""}, "MissingParameter"),
        ({"AccessKeyId": "other"}, "NoPermission"),
        ({"ExternalId": "another"}, "NoPermission"),
        ({"ExternalId": ""}, "NoPermission"),
        ({"Timestamp": "2023-11-14T22:30:00Z"}, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "now"}, "InvalidTimeStamp.Format"),
        ({"SecurityToken": "t"}, "InvalidSecurityToken.Malformed"),
        ({"RoleArn": "acs:ram::1:role/nobody"}, "EntityNotExist.Role"),
        ({"RoleSessionName": ""}, "MissingParameter"),
        ({"DurationSeconds": "899"}, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": "3601"}, "InvalidParameter.DurationSeconds"),
        ({"Version": "2014-01-01"}, "InvalidVersion"),
        ({"Action": "GetCallerIdentity"}, "InvalidAction.NotFound"),
    ],
)
def test_call_that_is_not_right_in_every_part_is_refused(options: Any, code: str) -> None:
    assert Bench().assume(**options)[1] == code


def test_nonce_of_the_old_kind_is_good_once() -> None:
    bench = Bench()
    assert bench.assume()[0] == 200
    assert bench.assume() == (400, "SignatureNonceUsed")


def test_pod_whose_service_account_is_trusted_gets_in() -> None:
    bench = Bench()
    assert bench.enter(bench.issuer.token(POD, now=NOW)) == (200, ROLE)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"subject": "system:serviceaccount:default:x"}, "AuthenticationFail.NoPermission"),
        ({"audience": "vault"}, "AuthenticationFail.OIDCToken.AudienceNotMatch"),
        ({"lifetime": 0.0}, "AuthenticationFail.OIDCToken.Expired"),
    ],
)
def test_token_that_is_not_right_in_every_part_is_refused(options: Any, code: str) -> None:
    bench = Bench()
    given = {"subject": POD, "now": NOW} | options
    assert bench.enter(bench.issuer.token(**given))[1] == code


@pytest.mark.parametrize(
    ("issuer", "code"),
    [
        (OidcIssuer(key=b"another"), "AuthenticationFail.OIDCToken.Invalid"),
        (OidcIssuer(issuer="https://evil"), "AuthenticationFail.OIDCToken.IssuerNotMatch"),
    ],
)
def test_token_of_somebody_else_is_refused(issuer: OidcIssuer, code: str) -> None:
    assert Bench().enter(issuer.token(POD, now=NOW)) == (400, code)


def test_token_that_is_none_or_missing_is_refused() -> None:
    bench = Bench()
    assert bench.enter("a.b.c") == (400, "AuthenticationFail.OIDCToken.Invalid")
    assert bench.enter("") == (400, "MissingParameter")
    token = bench.issuer.token(POD, now=NOW)
    answer = bench.enter(token, OIDCProviderArn="acs:ram::1:oidc-provider/x")
    assert answer == (403, "AuthenticationFail.NoPermission")


def test_troubles_are_told_before_anything_is_looked_at() -> None:
    bench = Bench()
    bench.faults.outage = True
    assert bench.assume() == (503, "ServiceUnavailable")
    bench.faults.outage, bench.faults.throttling = False, True
    assert bench.assume() == (400, "Throttling.User")


def ask(app: Any, method: str, path: str, **options: Any) -> httpx.Response:
    async def asking() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.request(method, f"https://h{path}", **options)

    return asyncio.run(asking())


def test_sign_in_is_exchanged_as_long_as_it_lasts_and_for_what_it_allows() -> None:
    now = [NOW]
    sso = SignedInUser(principal="p", expires_at=NOW + 60, account="1", access_configuration="ac-1")
    tokens = {"sso": sso, "oauth": SignedInUser(principal="p", expires_at=NOW + 60)}
    app = signing_in.build(clock=lambda: now[0], access=Access(), tokens=tokens)
    allowed = {"AccountId": "1", "AccessConfigurationId": "ac-1"}

    def status(path: str, token: str, body: object = None) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return ask(app, "POST", path, headers=headers, json=body).status_code

    assert status("/cloud-credentials", "sso", allowed) == 200
    assert status("/cloud-credentials", "sso", {**allowed, "AccountId": "2"}) == 403
    assert status("/cloud-credentials", "none", allowed) == 401
    assert status("/v1/exchange", "oauth") == 200
    assert status("/v1/exchange", "sso") == 401
    now[0] += 60
    assert status("/cloud-credentials", "sso", allowed) == 401


def test_sidecar_hands_out_keys_to_whom_it_is_for() -> None:
    app = sidecar.build(clock=lambda: NOW, access=Access(), principal="p")
    assert ask(app, "GET", "/credentials").status_code == 403
    assert ask(app, "GET", "/credentials?pod=exporter").json()["Code"] == "Success"
