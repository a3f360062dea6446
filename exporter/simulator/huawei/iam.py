"""Simulate IAM: trade what somebody is for a token of one project, or for temporary keys.

Documented as "Obtaining a User Token Through Password Authentication" and "Obtaining an Agency
Token" (POST /v3/auth/tokens), "Obtaining Temporary Access Keys and Security Tokens of an Agency"
and "…of an IAM User" (POST /v3.0/OS-CREDENTIAL/securitytokens), and "Obtaining an Unscoped Token
with an OpenID Connect ID Token" (POST /v3.0/OS-AUTH/id-token/tokens).
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.huawei.access import HuaweiAccess
from exporter.simulator.huawei.agencies import Agency, HuaweiAgencies
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway
from exporter.simulator.huawei.id_tokens import IdentityProvider
from exporter.simulator.huawei.refusal import HuaweiRefusal
from exporter.simulator.huawei.tokens import HuaweiTokens, Token, iso_time

LOGIN = "KeystoneCreateUserTokenByPassword"
"""What a request for a token is called here, whatever it trades for it."""
KEYS = "CreateTemporaryAccessKey"
FEDERATED = "CreateUnscopedTokenWithIdToken"

_SHORTEST, _LONGEST, _USUAL = 900, 86_400, 900


def build(
    *,
    faults: FaultInjection,
    clock: Clock,
    tokens: HuaweiTokens,
    domain: str,
    users: Mapping[str, str],
    projects: Mapping[str, str],
    access: HuaweiAccess | None = None,
    agencies: HuaweiAgencies | None = None,
    providers: Iterable[IdentityProvider] = (),
) -> Starlette:
    """Build an IAM of one account: `domain`, users with passwords, project ids with names.

    Temporary keys open `access`, whose keys may assume the agencies; `providers` are believed.
    """
    known = agencies or HuaweiAgencies()
    trades = _Trades(tokens, access or HuaweiAccess(tokens=tokens), known, providers)

    def log_in(call: Call) -> Response:
        identity, scope = _read_body(call)
        if identity.get("methods") == ["assume_role"]:
            token, user = trades.agency_token(call, identity, scope, projects)
        else:
            user = _authenticate(identity, domain, users)
            token = tokens.issue(_choose_project(scope, projects), call.now)
        body = _describe(token, user, domain, projects)
        # Any value hides the catalog, even "false".
        if not call.query.get("nocatalog"):
            body["catalog"] = _CATALOG
        return JSONResponse({"token": body}, 201, {"X-Subject-Token": token.text})

    gateway = HuaweiGateway(faults=faults, clock=clock, admit=lambda _: None)
    return gateway.app(
        [
            gateway.route("/v3/auth/tokens", LOGIN, log_in, "POST"),
            gateway.route("/v3.0/OS-CREDENTIAL/securitytokens", KEYS, trades.keys, "POST"),
            gateway.route("/v3.0/OS-AUTH/id-token/tokens", FEDERATED, trades.federated, "POST"),
        ]
    )


class _Trades:
    """What is given for something else than a password."""

    def __init__(
        self,
        tokens: HuaweiTokens,
        access: HuaweiAccess,
        agencies: HuaweiAgencies,
        providers: Iterable[IdentityProvider],
    ) -> None:
        self._tokens = tokens
        self._access = access
        self._agencies = agencies
        self._providers = {each.idp_id: each for each in providers}

    def agency_token(
        self,
        call: Call,
        identity: dict[str, Any],
        scope: dict[str, Any],
        projects: Mapping[str, str],
    ) -> tuple[Token, str]:
        """Issue a token of an agency to whoever shows one of his own account."""
        self._tokens.check(call.wire.headers.get("x-auth-token", ""), call.now)
        agency = self._agency(identity)
        project_id = _choose_project(scope, projects)
        if project_id != agency.project_id:
            raise _refuse("project", 401, "The token must be scoped to a project of the agency.")
        return self._tokens.issue(project_id, call.now), agency.name

    def keys(self, call: Call) -> Response:
        """Issue temporary keys of an agency, or of the user of a token."""
        identity, _ = _read_body(call)
        if identity.get("methods") == ["token"]:
            told = _object(identity, "token")
            self._tokens.check(str(told.get("id")), call.now)
            seed = "user"
        elif identity.get("methods") == ["assume_role"]:
            self._authenticate(call)
            told = _object(identity, "assume_role")
            seed = self._agency(identity).urn
        else:
            raise _refuse("method", 400, "The authentication method is not supported.")
        seconds = told.get("duration_seconds", _USUAL)
        if not isinstance(seconds, int) or not _SHORTEST <= seconds <= _LONGEST:
            raise _refuse("duration", 400, "The parameter duration_seconds is invalid.")
        return JSONResponse({"credential": self._access.issue(seed, call.now, seconds)}, 201)

    def federated(self, call: Call) -> Response:
        """Issue a token without a project to the user of an identity provider."""
        provider = self._providers.get(call.wire.headers.get("x-idp-id", ""))
        if provider is None:
            raise _refuse("provider", 404, "Could not find the identity provider.")
        try:
            id_token = json.loads(call.wire.body)["auth"]["id_token"]["id"]
        except (ValueError, KeyError, TypeError):
            raise _refuse("body", 400, "The request body is invalid.") from None
        user = provider.check(id_token, now=call.now)
        token = self._tokens.issue("", call.now)
        described = {"expires_at": iso_time(token.expires_at), "user": {"name": user}}
        return JSONResponse({"token": described}, 201, {"X-Subject-Token": token.text})

    def _authenticate(self, call: Call) -> None:
        if "x-auth-token" in call.wire.headers:
            self._tokens.check(call.wire.headers["x-auth-token"], call.now)
        else:
            self._access.authenticate(call.wire, now=call.now)

    def _agency(self, identity: dict[str, Any]) -> Agency:
        agency = self._agencies.by_role(_object(identity, "assume_role"))
        if agency is None:
            raise _refuse("agency", 403, "You have no right to assume the agency.")
        return agency


def _object(identity: dict[str, Any], name: str) -> dict[str, Any]:
    found = identity.get(name)
    if not isinstance(found, dict):
        raise _refuse("body", 400, "The request body is invalid.")
    return found


_CATALOG = [
    {
        "type": name,
        "name": name,
        "id": f"{index:032x}",
        "endpoints": [{"interface": "public", "region": "cn-north-4", "url": url}],
    }
    for index, (name, url) in enumerate(
        (
            ("dli", "https://dli.cn-north-4.myhuaweicloud.com"),
            ("dayu-dlf", "https://dayu-dlf.cn-north-4.myhuaweicloud.com"),
        ),
        start=1,
    )
]


def _read_body(call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    if not call.wire.headers.get("content-type", "").startswith("application/json"):
        raise _refuse("content_type", 400, "Content-Type must be application/json.")
    try:
        auth = json.loads(call.wire.body)["auth"]
        identity, scope = auth["identity"], auth.get("scope", {})
        if isinstance(identity, dict) and isinstance(scope, dict):
            return identity, scope
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise _refuse("body", 400, "The request body is invalid.")


def _authenticate(identity: dict[str, Any], domain: str, users: Mapping[str, str]) -> str:
    try:
        methods, user = identity["methods"], identity["password"]["user"]
        name, given = user["name"], (user["domain"]["name"], user["password"])
    except (KeyError, TypeError):
        raise _refuse("body", 400, "The request body is invalid.") from None
    if methods != ["password"]:
        raise _refuse("method", 401, "The authentication method is not supported.")
    if name not in users or given != (domain, users[name]):
        raise _refuse("password", 401, "The username or password is wrong.")
    return str(name)


def _choose_project(scope: dict[str, Any], projects: Mapping[str, str]) -> str:
    # Without a project the token is for the whole account, which DLI and DataArts refuse.
    wanted = scope.get("project")
    if wanted is None:
        return ""
    for project_id, name in projects.items():
        if wanted.get("id", project_id) == project_id and wanted.get("name", name) == name:
            return project_id
    raise _refuse("project", 401, "The token must be scoped to a project the user may use.")


def _describe(token: Token, user: str, domain: str, projects: Mapping[str, str]) -> dict[str, Any]:
    owner = {"name": domain, "id": "d78cbac186b744899480f25bd022f468"}
    body: dict[str, Any] = {
        "expires_at": iso_time(token.expires_at),
        "issued_at": iso_time(token.issued_at),
        "methods": ["password"],
        "user": {
            "domain": owner,
            "id": "7116d09f88fa41908676fdd4b039e95b",
            "name": user,
            "password_expires_at": "",
        },
        "roles": [{"id": "0", "name": "op_gated_dli"}],
    }
    if token.project_id:
        project = {"domain": owner, "id": token.project_id, "name": projects[token.project_id]}
        return {**body, "project": project}
    return {**body, "domain": owner}


def _refuse(reason: str, status: int, text: str) -> HuaweiRefusal:
    titles = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
    title = titles[status]
    body = {"error": {"message": text, "code": status, "title": title}}
    return HuaweiRefusal(reason, status=status, body=body)
