"""The simulated IAM and metadata service hand out credentials as the real ones do."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.simulator.huawei import dli as huawei_dli
from exporter.simulator.huawei import iam as huawei_iam
from exporter.simulator.huawei import metadata as huawei_metadata
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.tokens import HuaweiTokens
from tests.simulator.huawei_caller import NOW, PROJECT, Clock, dated, send, sign, token_headers

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"
LOGIN = "/v3/auth/tokens?nocatalog=true"


class Runtime:
    """An IAM, a metadata service and the DLI they open."""

    def __init__(self, *, agency: bool = True, v1_only: bool = False) -> None:
        self.clock = Clock()
        self.faults = FaultInjection()
        self.tokens = HuaweiTokens(lifetime=3600)
        access = HuaweiAccess(tokens=self.tokens)
        self.iam = huawei_iam.build(
            faults=self.faults,
            clock=self.clock,
            tokens=self.tokens,
            domain="acme",
            users={"exporter": "secret"},
            projects={PROJECT: "cn-north-4"},
        )
        self.metadata = huawei_metadata.build(
            faults=self.faults,
            clock=self.clock,
            access=access,
            agency=agency,
            v1_only=v1_only,
        )
        self.dli = huawei_dli.build(
            fleet=Fleet(seed=1, started_at=NOW),
            faults=FaultInjection(),
            clock=self.clock,
            access=access,
            project_id=PROJECT,
        )

    def log_in(self, body: Any, target: str = LOGIN) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        content = json.dumps(body).encode()
        return send(self.iam, target, headers, method="POST", content=content)

    def list_jobs(self, token: str) -> httpx.Response:
        return send(self.dli, JOBS, {"X-Auth-Token": token})

    def ask_metadata(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return send(self.metadata, path, named, method=method)

    def security_key(self) -> httpx.Response:
        token = self.ask_metadata(TOKEN, "PUT", X_Metadata_Token_Ttl_Seconds="21600")
        return self.ask_metadata(SECURITY_KEY, X_Metadata_Token=token.text)


TOKEN = "/meta-data/latest/api/token"
SECURITY_KEY = "/openstack/latest/securitykey"


def login_body(password: str = "secret", **scope: Any) -> dict[str, Any]:
    user = {"name": "exporter", "password": password, "domain": {"name": "acme"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": scope or {"project": {"id": PROJECT}}}}


def test_a_login_returns_a_token_that_opens_the_project() -> None:
    """The token is in a header, its end in the body: UTC with microseconds."""
    runtime = Runtime()
    response = runtime.log_in(login_body())
    assert response.status_code == 201
    assert response.json()["token"]["expires_at"] == "2024-01-01T01:00:00.000000Z"
    assert "catalog" not in response.json()["token"]
    token = response.headers["X-Subject-Token"]
    assert len(token) > 2000
    assert runtime.list_jobs(token).status_code == 200


def test_a_project_may_be_given_by_name() -> None:
    """Its id is in the answer."""
    response = Runtime().log_in(login_body(project={"name": "cn-north-4"}))
    assert response.json()["token"]["project"]["id"] == PROJECT


def test_the_catalog_is_there_unless_asked_otherwise() -> None:
    """It lists the endpoints of the services."""
    catalog = Runtime().log_in(login_body(), "/v3/auth/tokens").json()["token"]["catalog"]
    assert {service["type"] for service in catalog} == {"dli", "dayu-dlf"}


def test_a_token_without_a_project_opens_nothing() -> None:
    """DLI wants a token of the project."""
    runtime = Runtime()
    token = runtime.log_in(login_body(domain={"name": "acme"})).headers["X-Subject-Token"]
    assert runtime.list_jobs(token).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (login_body(password="wrong"), 401, "password"),
        (login_body(project={"id": "other"}), 401, "project"),
        ({"auth": {"identity": {"methods": ["totp"], "password": {"user": {}}}}}, 400, "body"),
        ({"nothing": 1}, 400, "body"),
        ([], 400, "body"),
    ],
)
def test_a_wrong_login_is_refused(body: Any, status: int, reason: str) -> None:
    """The error is Keystone's: an object named error."""
    runtime = Runtime()
    response = runtime.log_in(body)
    assert response.status_code == status
    assert response.json()["error"]["code"] == status
    assert runtime.faults.refused(reason, huawei_iam.LOGIN) == 1


def test_an_unknown_user_without_a_password_is_refused() -> None:
    """No password is not the password of somebody unknown."""
    body = login_body()
    body["auth"]["identity"]["password"]["user"] |= {"name": "nobody", "password": None}
    assert Runtime().log_in(body).status_code == 401


def test_another_method_or_content_type_is_refused() -> None:
    """Only passwords in JSON are understood."""
    runtime = Runtime()
    body = login_body()
    body["auth"]["identity"]["methods"] = ["token"]
    assert runtime.log_in(body).status_code == 401
    content = json.dumps(login_body()).encode()
    assert send(runtime.iam, LOGIN, {}, method="POST", content=content).status_code == 400


def test_a_token_ends_when_it_expires_or_is_revoked() -> None:
    """The gateway says which of the two."""
    runtime = Runtime()
    token = runtime.log_in(login_body()).headers["X-Subject-Token"]
    runtime.clock.now += 3600
    expired = runtime.list_jobs(token)
    assert expired.status_code == 401
    assert "token expires, expires_at: 2024-01-01T01" in expired.json()["error_msg"]
    fresh = runtime.log_in(login_body()).headers["X-Subject-Token"]
    assert runtime.list_jobs(fresh).status_code == 200
    runtime.tokens.revoke_all()
    assert "decrypt token fail" in runtime.list_jobs(fresh).json()["error_msg"]
    assert runtime.list_jobs("invented").status_code == 401


def test_a_new_token_leaves_the_old_one_valid() -> None:
    """Two exporters with one user do not log each other out."""
    runtime = Runtime()
    old = token_headers(runtime.tokens)
    token_headers(runtime.tokens)
    assert send(runtime.dli, JOBS, old).status_code == 200


def test_the_metadata_service_gives_a_key_that_opens_the_project() -> None:
    """A temporary key comes with its security token."""
    runtime = Runtime()
    credential = runtime.security_key().json()["credential"]
    assert credential["expires_at"] == "2024-01-02T00:00:00.000000Z"
    headers = dated(X_Security_Token=credential["securitytoken"])
    keys = {"key": credential["access"], "secret": credential["secret"]}
    assert send(runtime.dli, JOBS, sign(JOBS, {}, headers, **keys)).status_code == 200


def test_the_metadata_service_renews_keys_in_good_time() -> None:
    """A key is the same until half of its life is over."""
    runtime = Runtime()
    first = runtime.security_key().json()
    runtime.clock.now += 3600
    assert runtime.security_key().json() == first
    runtime.clock.now += 12 * 3600
    later = runtime.security_key().json()["credential"]
    expected = datetime.fromtimestamp(NOW, UTC) + timedelta(hours=37)
    assert later["expires_at"] == expected.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize("ttl", ["", "0", "21601", "soon"])
def test_a_metadata_token_has_a_sensible_lifetime(ttl: str) -> None:
    """Six hours at most."""
    response = Runtime().ask_metadata(TOKEN, "PUT", X_Metadata_Token_Ttl_Seconds=ttl)
    assert response.status_code == 400


def test_a_metadata_token_is_required_and_expires() -> None:
    """Whoever cannot ask for one gets no key."""
    runtime = Runtime()
    assert runtime.ask_metadata(SECURITY_KEY).status_code == 401
    token = runtime.ask_metadata(TOKEN, "PUT", X_Metadata_Token_Ttl_Seconds="60").text
    runtime.clock.now += 60
    assert runtime.ask_metadata(SECURITY_KEY, X_Metadata_Token=token).status_code == 401


def test_an_old_metadata_service_knows_no_tokens() -> None:
    """It refuses to make one and gives the key without."""
    runtime = Runtime(v1_only=True)
    response = runtime.ask_metadata(TOKEN, "PUT", X_Metadata_Token_Ttl_Seconds="60")
    assert response.status_code == 405
    assert runtime.ask_metadata(SECURITY_KEY).status_code == 200


def test_a_server_without_an_agency_has_no_key() -> None:
    """The text says what to do."""
    response = Runtime(agency=False).security_key()
    assert response.status_code == 401
    assert response.text == "Please configure Cloud Service Agency first"


@pytest.mark.parametrize(("throttling", "status"), [(False, 503), (True, 429)])
def test_bad_weather_reaches_the_metadata_service(throttling: bool, status: int) -> None:
    """Its answers are plain text."""
    runtime = Runtime()
    runtime.faults.outage, runtime.faults.throttling = not throttling, throttling
    response = runtime.ask_metadata(SECURITY_KEY)
    assert (response.status_code, response.headers["Content-Type"][:10]) == (status, "text/plain")


def test_another_path_of_iam_does_not_exist() -> None:
    """It is the gateway that says so."""
    app: Starlette = Runtime().iam
    response = send(app, "/v3/users", {})
    assert (response.status_code, response.json()["error_code"]) == (404, "APIG.0101")
