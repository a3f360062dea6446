"""Sign requests to Alibaba Cloud with an access key: ACS3-HMAC-SHA256.

Vendor page: "V3 request body and signature mechanism" of Alibaba Cloud's OpenAPI documentation,
for ROA and RPC products alike.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC, datetime

import httpx

from exporter.auth import canonical
from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.headers import read_headers, with_headers
from exporter.pacing import Clock

_ALGORITHM = "ACS3-HMAC-SHA256"


def sign(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    *,
    timestamp: float,
    nonce: str,
) -> dict[str, str]:
    """Return the headers to add to a request so that Alibaba Cloud accepts it.

    `target` is path and query as sent. Of `headers` Host, Content-Type and all x-acs-* are signed;
    x-acs-action and x-acs-version must be among them. A nonce is good once, and the signature for
    15 minutes around `timestamp` (epoch seconds).
    """
    digest = hashlib.sha256(body).hexdigest()
    added = {
        "x-acs-date": datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": digest,
    }
    if credentials.security_token:
        added["x-acs-security-token"] = credentials.security_token
    given = {name.lower(): value.strip() for name, value in headers.items()}
    signed = {name: value for name, value in given.items() if _is_signed(name)} | added
    names = sorted(signed)
    path, query = canonical.split(target)
    request = "\n".join(
        [
            method.upper(),
            path,
            query,
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            digest,
        ]
    )
    text = f"{_ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(credentials.secret_key.encode(), text.encode(), "sha256").hexdigest()
    added["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key},"
        f"SignedHeaders={';'.join(names)},Signature={signature}"
    )
    return added


def _is_signed(name: str) -> bool:
    return name in {"host", "content-type"} or name.startswith("x-acs-")


class AlibabaSignatureAuth(httpx.Auth):
    """Sign every request at the moment it is sent: a date, once signed, is soon too old."""

    def __init__(
        self,
        provider: CredentialProvider,
        *,
        clock: Clock = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._nonce = nonce

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request; raises CredentialError when there are no credentials."""
        body = await request.aread()
        credentials = await self._provider.credentials()
        self._sign(request, body, credentials)
        yield request

    def _sign(self, request: httpx.Request, body: bytes, credentials: Credentials) -> None:
        given = read_headers(request.headers)
        # A request sent again may carry the token of credentials that were since replaced.
        replaced: dict[str, str | None] = {"x-acs-security-token": None}
        given.pop("x-acs-security-token", None)
        target = request.url.raw_path.decode("ascii")
        added = sign(
            request.method,
            target,
            given,
            body,
            credentials,
            timestamp=self._clock(),
            nonce=self._nonce(),
        )
        request.headers = with_headers(request.headers, replaced | added)
