"""Sign requests to Tencent Cloud: TC3-HMAC-SHA256, for POST with a JSON body.

Vendor page: "Signature v3" of the common parts of Tencent Cloud's API 3.0. Only Content-Type, Host
and the body are signed: operation, region and token are headers beside the signature.
"""

import hashlib
import hmac
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import httpx

from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.headers import read_headers, with_headers
from exporter.pacing import Clock

_ALGORITHM = "TC3-HMAC-SHA256"
_SIGNED = "content-type;host"
TOKEN = "X-TC-Token"  # noqa: S105  The name of a header.


def sign(
    host: str,
    content_type: str,
    body: bytes,
    credentials: Credentials,
    *,
    service: str,
    timestamp: float,
) -> dict[str, str | None]:
    """Return the headers to exchange in a POST to `/` so that Tencent Cloud accepts it.

    `host` and `content_type` are signed byte for byte, so they must be those that are sent. The
    signature is good for five minutes around `timestamp` (epoch seconds). A header that is None
    must not be sent.
    """
    seconds = int(timestamp)
    scope = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}/{service}/tc3_request"
    request = "\n".join(
        [
            "POST",
            "/",
            "",
            f"content-type:{content_type}",
            f"host:{host}",
            "",
            _SIGNED,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    text = "\n".join(
        [_ALGORITHM, str(seconds), scope, hashlib.sha256(request.encode()).hexdigest()]
    )
    key = f"TC3{credentials.secret_key}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    authorization = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={_SIGNED}, Signature={key.hex()}"
    )
    return {
        "Authorization": authorization,
        "X-TC-Timestamp": str(seconds),
        TOKEN: credentials.security_token or None,
    }


class TencentSignatureAuth(httpx.Auth):
    """Sign every request at the moment it is sent: a signature is good for five minutes."""

    def __init__(
        self, provider: CredentialProvider, *, service: str, clock: Clock = time.time
    ) -> None:
        """Take the name of the service: where an endpoint is of our own, its host is none."""
        self._provider = provider
        self._service = service
        self._clock = clock

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request; raises CredentialError when there are no credentials."""
        body = await request.aread()
        credentials = await self._provider.credentials()
        given = read_headers(request.headers)
        changes = sign(
            given["host"],
            given.get("content-type", ""),
            body,
            credentials,
            service=self._service,
            timestamp=self._clock(),
        )
        request.headers = with_headers(request.headers, changes)
        yield request
