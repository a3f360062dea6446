"""Sign requests to Amazon Web Services: AWS4-HMAC-SHA256, "Signature Version 4".

Vendor page: "Create a signed AWS API request" of the IAM User Guide. One signer serves the JSON
protocols, the query protocol of STS, and paths with names in them.
"""

import hashlib
import hmac
import time
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

import httpx

from exporter.auth import canonical
from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.headers import read_headers, with_headers
from exporter.pacing import Clock

_ALGORITHM = "AWS4-HMAC-SHA256"
_TOKEN = "x-amz-security-token"  # noqa: S105 - The name of a header.
_DEFAULT_PORTS = (":80", ":443")


def sign(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    *,
    region: str,
    service: str,
    timestamp: float,
) -> dict[str, str]:
    """Return the headers to add to a request so that the service accepts it.

    `target` is path and query as sent, percent-encoded; `service` the vendor's signing name. Of
    `headers` Host, Content-Type and all x-amz-* are signed: a proxy may touch the others. The
    signature is good for about five minutes around `timestamp` (epoch seconds).
    """
    moment = datetime.fromtimestamp(timestamp, UTC)
    date = moment.strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": date}
    if credentials.security_token:
        added["X-Amz-Security-Token"] = credentials.security_token
    given = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    signed = {name: value for name, value in given.items() if _is_signed(name)}
    signed |= {name.lower(): value for name, value in added.items()}
    signed["host"] = _without_default_port(signed.get("host", ""))
    names = sorted(signed)
    path, _, query = target.partition("?")
    request = "\n".join(
        [
            method.upper(),
            # Each segment is encoded once more than on the wire, as of all services but S3.
            "/".join(map(canonical.encode, (path or "/").split("/"))),
            _canonical_query(query),
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    text = "\n".join([_ALGORITHM, date, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    added["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return added


def _is_signed(name: str) -> bool:
    return name in {"host", "content-type"} or name.startswith("x-amz-")


def _canonical_query(query: str) -> str:
    # Sorted as encoded, which is another order than that of the other vendors: "%" comes first.
    pairs = (part.partition("=") for part in query.split("&") if part)
    encoded = ((_encoded(name), _encoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _encoded(text: str) -> str:
    return canonical.encode(unquote(text))


def _without_default_port(host: str) -> str:
    # Clients leave it out of what they send, and the gateway leaves it out of what it checks.
    for port in _DEFAULT_PORTS:
        host = host.removesuffix(port)
    return host


class AwsSignatureAuth(httpx.Auth):
    """Sign every request at the moment it is sent: a date, once signed, is soon too old."""

    def __init__(
        self, provider: CredentialProvider, *, region: str, service: str, clock: Clock = time.time
    ) -> None:
        self._provider = provider
        self._region = region
        self._service = service
        self._clock = clock

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request; raises CredentialError when there are no credentials."""
        body = await request.aread()
        credentials = await self._provider.credentials()
        given = read_headers(request.headers)
        # A request sent again may carry the token of credentials that were since replaced.
        given.pop(_TOKEN, None)
        added = sign(
            request.method,
            request.url.raw_path.decode("ascii"),
            given,
            body,
            credentials,
            region=self._region,
            service=self._service,
            timestamp=self._clock(),
        )
        request.headers = with_headers(request.headers, {_TOKEN: None, **added})
        yield request
