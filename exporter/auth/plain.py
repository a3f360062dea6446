"""Authenticate to Flink's own REST API, which knows no users: a proxy before it does.

Flink leaves this to a proxy (Flink documentation, "SSL Setup": REST endpoints); the usual ones ask
for HTTP basic authentication (RFC 7617) or a bearer token (RFC 6750).
"""

import re
from base64 import b64encode
from collections.abc import Generator

import httpx

from exporter.auth.settings import FlinkAuthSettings
from exporter.errors import CredentialError
from exporter.secret import Secret

_TOKEN = re.compile(r"[\x21-\x7e]+")


class BasicAuth(httpx.Auth):
    """Send user name and password, revealed at each request."""

    def __init__(self, username: str, password: Secret) -> None:
        self._username = username
        self._password = password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Add the Authorization header."""
        # "surrogatepass": the exception for text that is not UTF-8 would quote the password.
        pair = f"{self._username}:{self._password.reveal()}".encode("utf-8", "surrogatepass")
        request.headers["Authorization"] = f"Basic {b64encode(pair).decode('ascii')}"
        yield request


class BearerAuth(httpx.Auth):
    """Send a bearer token, revealed at each request."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Add the Authorization header; raises CredentialError when no header can carry the token.

        Checked here because the HTTP library's own exception would quote the token.
        """
        token = self._token.reveal()
        if not _TOKEN.fullmatch(token):
            raise CredentialError("the bearer token is empty or holds blanks or control characters")
        request.headers["Authorization"] = f"Bearer {token}"
        yield request


def plain_auth(settings: FlinkAuthSettings | None) -> httpx.Auth | None:
    """Return what sends the credentials of a section; None where there are none."""
    basic = settings and settings.basic
    bearer = settings and settings.bearer
    if basic and (password := basic.secret("password")):
        return BasicAuth(basic.username, password)
    if bearer and (token := bearer.secret("token")):
        return BearerAuth(token)
    return None
