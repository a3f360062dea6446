"""Sign requests to Huawei Cloud with an access key: SDK-HMAC-SHA256.

Vendor page: API Request Signing Guide, "Signing algorithm" (api-sign-algorithm-001, -002), and the
signer of huaweicloudsdkcore. The key is the secret key itself: no derived key, no scope.
"""

import hashlib
import hmac
import re
import time
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote

import httpx

from exporter.auth import canonical
from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.headers import read_headers, with_headers
from exporter.pacing import Clock

_ALGORITHM = "SDK-HMAC-SHA256"
_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*")
"""Paths that are the same encoded and decoded, as nearly all are."""
# What proxies rewrite (User-Agent, Accept-Encoding, Connection) must stay out of the signature.
_SIGNED_HEADERS = frozenset({"content-type", "host", "workspace", "x-project-id"})


def sign(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    timestamp: float,
) -> dict[str, str]:
    """Return the headers to add to a request so that Huawei Cloud accepts it.

    `target` is path and query as sent, `headers` those to sign beside the added ones; they include
    Host. The signature is good for 15 minutes around `timestamp` (epoch seconds).
    """
    date = _date(int(timestamp))
    added = {"X-Sdk-Date": date}
    if credentials.security_token:
        added["X-Security-Token"] = credentials.security_token
    signed = {name.lower(): value.strip() for name, value in {**headers, **added}.items()}
    names = sorted(signed)
    path, query = canonical.split(target)
    request = "\n".join(
        [
            method.upper(),
            _canonical_path(path),
            query,
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    text = f"{_ALGORITHM}\n{date}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(credentials.secret_key.encode(), text.encode(), "sha256").hexdigest()
    added["Authorization"] = (
        f"{_ALGORITHM} Access={credentials.access_key}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return added


@lru_cache(maxsize=8)
def _date(second: int) -> str:
    # Hundreds of requests are signed in the same second.
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")


def _canonical_path(path: str) -> str:
    if _PLAIN.fullmatch(path):
        return path if path.endswith("/") else path + "/"
    # The vendor decodes before it splits, so a slash inside a segment (%2F) is signed as a slash,
    # and the signed path ends in a slash even though the sent one does not.
    encoded = "/".join(canonical.encode(segment) for segment in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


class HuaweiSignatureAuth(httpx.Auth):
    """Sign every request at the moment it is sent: a date, once signed, is soon too old."""

    def __init__(
        self,
        provider: CredentialProvider,
        *,
        project_id: str = "",
        clock: Clock = time.time,
    ) -> None:
        self._provider = provider
        self._project_id = project_id
        self._clock = clock

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
        named = {"X-Project-Id": self._project_id} if self._project_id else {}
        headers = {name: value for name, value in given.items() if name in _SIGNED_HEADERS} | {
            name.lower(): value for name, value in named.items()
        }
        target = request.url.raw_path.decode("ascii")
        added = sign(request.method, target, headers, body, credentials, self._clock())
        # A request sent again may carry the token of credentials that were since replaced.
        replaced: dict[str, str | None] = {"X-Security-Token": None}
        request.headers = with_headers(request.headers, replaced | named | added)
