"""Call a simulated Alibaba Cloud product from a test or by hand, with a signer of its own.

It shares no code with the gate that checks signatures, nor with the exporter.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
from starlette.applications import Starlette

from exporter.simulator.alibaba.access import AccessKey

HOST = "gateway.example.com"
_DATE = "%Y-%m-%dT%H:%M:%SZ"


def sign(
    secret: str, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> str:
    """Return the signature over the given headers, all of them, for a request without a body."""
    pairs = sorted(f"{name}={quote(value, safe='~')}" for name, value in query.items())
    names = sorted(headers)
    text = "\n".join(
        [method, path, "&".join(pairs)]
        + [f"{name}:{headers[name]}" for name in names]
        + ["", ";".join(names), hashlib.sha256(b"").hexdigest()]
    )
    hashed = hashlib.sha256(text.encode()).hexdigest()
    message = f"ACS3-HMAC-SHA256\n{hashed}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


class Caller:
    """Calls one simulated product with signed requests.

    `extra` headers go unsigned. Both `key` and `extra` may be replaced between calls.
    """

    def __init__(
        self,
        app: Starlette,
        *,
        key: AccessKey,
        clock: Callable[[], float],
        version: str,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.key = key
        self.extra = {"accept": "application/json", **(extra or {})}
        self._app = app
        self._clock = clock
        self._version = version
        self._calls = 0

    async def get(
        self, action: str, path: str, query: Mapping[str, str] | None = None, **changed: str
    ) -> httpx.Response:
        """Call an operation; `path` is sent as given, so encode its segments.

        `changed` replaces signed headers, with _ for - in their names.
        """
        query = query or {}
        headers = self._headers(action)
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        signature = sign(self.key.secret, "GET", path, query, headers)
        headers["authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={self.key.key_id},"
            f"SignedHeaders={';'.join(sorted(headers))},Signature={signature}"
        )
        encoded = "&".join(f"{name}={quote(value, safe='~')}" for name, value in query.items())
        url = f"https://{HOST}{path}" + (f"?{encoded}" if encoded else "")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
            return await client.get(url, headers={**self.extra, **headers})

    def _headers(self, action: str) -> dict[str, str]:
        self._calls += 1
        headers = {
            "host": HOST,
            "x-acs-action": action,
            "x-acs-version": self._version,
            "x-acs-date": datetime.fromtimestamp(self._clock(), UTC).strftime(_DATE),
            "x-acs-signature-nonce": f"nonce-{self._calls}",
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        }
        if self.key.security_token is not None:
            headers["x-acs-security-token"] = self.key.security_token
        return headers
