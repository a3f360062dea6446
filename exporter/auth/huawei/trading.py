"""Ask IAM or STS for temporary keys, and read what comes.

A trade that fails is a FetchError in the name of its operation: unlike a place where nothing was
set up, it never lets a search for credentials go on to somebody else's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from exporter.auth.credentials import Credentials, found_at
from exporter.auth.huawei.refusal import Advice, document_of, refusal
from exporter.auth.renewal import parse_expiry
from exporter.errors import CredentialError, FetchError, Reason, UnusableError
from exporter.pacing import Clock
from exporter.runtime import Wait

_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


class SendAs(Protocol):
    """Send a login in the name of an operation: no authentication, no redirects followed."""

    async def __call__(
        self, request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        """Return any answer with its body read; `direct` leaves out every proxy.

        Raises FetchError or httpx.HTTPError when there is none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every trade needs: the way to send, and where IAM and STS are as far as is known."""

    send: SendAs
    clock: Clock
    aside: Wait
    iam: str | None
    sts: str | None
    margin: float
    """Seconds before the end of temporary keys at which new ones are asked for."""


def post(
    url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> httpx.Request:
    """Build a request with a JSON body."""
    content = json.dumps(body).encode()
    return httpx.Request("POST", url, headers={**_HEADERS, **(headers or {})}, content=content)


def check_granted(
    response: httpx.Response, operation: str, *, now: float, advice: Advice, stranger: str
) -> None:
    """Raise FetchError unless an answer grants what was asked for."""
    if response.status_code not in {200, 201}:
        raise refusal(operation, response, now=now, advice=advice, stranger=stranger)


def read_answer(response: httpx.Response, operation: str) -> Credentials:
    """Return the temporary keys of an answer; raises FetchError when it has none."""
    try:
        return parse_keys(document_of(response), operation)
    except CredentialError as exc:
        detail = str(exc).removeprefix(f"{operation}: ")
    # Raised out here: what is above may hold what it could not read.
    raise FetchError(Reason.INVALID_RESPONSE, operation, status=response.status_code, detail=detail)


def parse_keys(document: object, place: str) -> Credentials:
    """Read temporary keys in any of the spellings that the vendor's SDK understands.

    Raises CredentialError naming the place, UnusableError when the keys themselves are of no use.
    """
    outer = document if isinstance(document, dict) else {}
    inner = outer.get("credential", outer.get("credentials", outer))
    fields = inner if isinstance(inner, dict) else {}

    def text(*names: str) -> str:
        values = (fields.get(name) for name in names)
        return next((value for value in values if isinstance(value, str) and value), "")

    try:
        expires_at = parse_expiry(text("expires_at", "expiration"))
    except ValueError:
        raise CredentialError(f"{place}: the security key has no readable expiry") from None
    return found_at(
        place,
        text("access", "accessKeyId", "access_key_id"),
        text("secret", "secretAccessKey", "secret_access_key"),
        text("securitytoken", "securityToken", "security_token"),
        expires_at,
    )


def known(endpoint: str | None, what: str) -> str:
    """Return the address of a service; raises UnusableError, saying `what` to set, for none."""
    if endpoint is None:
        raise UnusableError(f"{what}, since endpoint is not the public one of region")
    return endpoint.rstrip("/")
