"""Simulate IAM: trade a user's password for a token of one project.

Documented as "Obtaining a User Token Through Password Authentication", POST /v3/auth/tokens.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.huawei.gateway import Call, Clock, HuaweiGateway
from exporter.simulator.huawei.refusal import HuaweiRefusal
from exporter.simulator.huawei.tokens import HuaweiTokens, Token, iso_time

LOGIN = "KeystoneCreateUserTokenByPassword"


def build(
    *,
    faults: FaultInjection,
    clock: Clock,
    tokens: HuaweiTokens,
    domain: str,
    users: Mapping[str, str],
    projects: Mapping[str, str],
) -> Starlette:
    """Build an IAM of one account: `domain`, users with passwords, project ids with names."""

    def log_in(call: Call) -> Response:
        identity, scope = _read_body(call)
        user = _authenticate(identity, domain, users)
        project_id = _choose_project(scope, projects)
        token = tokens.issue(project_id, call.now)
        body = _describe(token, user, domain, projects)
        # Any value hides the catalog, even "false".
        if not call.query.get("nocatalog"):
            body["catalog"] = _CATALOG
        return JSONResponse({"token": body}, 201, {"X-Subject-Token": token.text})

    gateway = HuaweiGateway(faults=faults, clock=clock, admit=lambda _: None)
    return gateway.app([gateway.route("/v3/auth/tokens", LOGIN, log_in, "POST")])


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
        return auth["identity"], auth.get("scope", {})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _refuse("body", 400, "The request body is invalid.") from None


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
    title = {400: "Bad Request", 401: "Unauthorized"}[status]
    body = {"error": {"message": text, "code": status, "title": title}}
    return HuaweiRefusal(reason, status=status, body=body)
