"""Take the temporary keys of the RAM role that is attached to this cloud server.

Vendor page: "Instance RAM roles", the metadata service in its hardened mode and without.
"""

from collections.abc import Mapping
from functools import partial

import httpx

from exporter.auth import canonical, metadata
from exporter.auth.alibaba import Send
from exporter.auth.credentials import Credentials, found_at
from exporter.auth.renewal import parse_expiry
from exporter.errors import CredentialError

OPERATION = "GetSecurityCredentials"
MARGIN_SECONDS = 900.0
"""The SDKs renew these keys 15 minutes before they expire."""


class InstanceProvider:
    """The keys of the server's role; to be cached by whoever asks."""

    def __init__(self, environ: Mapping[str, str], send: Send, url: str, *, role: str = "") -> None:
        """Take the address of the service, and the name of the role if it is known."""
        self._environ = environ
        self._send = partial(send, operation=OPERATION)
        self._url = url
        self._named = role

    async def credentials(self) -> Credentials:
        """Fetch new keys; raises CredentialError when the service has none or is not there."""
        if is_on(self._environ, "ALIBABA_CLOUD_ECS_METADATA_DISABLED"):
            raise CredentialError(
                f"{metadata.PLACE}: disabled by ALIBABA_CLOUD_ECS_METADATA_DISABLED"
            )
        headers = await self._session()
        role = self._named or self._environ.get("ALIBABA_CLOUD_ECS_METADATA")
        response = await self._get(canonical.encode(role or await self._role(headers)), headers)
        if response.status_code != 200:
            raise CredentialError(
                f"{metadata.PLACE}: HTTP {response.status_code} for the role's keys"
            )
        return _read_keys(metadata.read_object(response))

    async def _session(self) -> dict[str, str]:
        response = await metadata.ask(
            self._send,
            "PUT",
            f"{self._url}/latest/api/token",
            {"X-aliyun-ecs-metadata-token-ttl-seconds": metadata.SESSION_SECONDS},
        )
        if response.status_code == 200:
            return {"X-aliyun-ecs-metadata-token": metadata.read_session(response)}
        if is_on(self._environ, "ALIBABA_CLOUD_IMDSV1_DISABLED"):
            raise CredentialError(
                f"{metadata.PLACE}: HTTP {response.status_code} for a session token"
            )
        return {}

    async def _role(self, headers: Mapping[str, str]) -> str:
        response = await self._get("", headers)
        name = metadata.read_text(response) if response.status_code == 200 else ""
        if not name:
            raise CredentialError(f"{metadata.PLACE}: no RAM role is attached to this server")
        return name

    async def _get(self, role: str, headers: Mapping[str, str]) -> httpx.Response:
        url = f"{self._url}/latest/meta-data/ram/security-credentials/{role}"
        return await metadata.ask(self._send, "GET", url, headers)


def is_on(environ: Mapping[str, str], name: str) -> bool:
    """Say whether a variable is set to true."""
    return environ.get(name, "").lower() == "true"


def _read_keys(document: dict[str, object]) -> Credentials:
    if document.get("Code") != "Success":
        raise CredentialError(f"{metadata.PLACE}: the role's keys came without success")
    try:
        expires_at = parse_expiry(document.get("Expiration"))
    except ValueError:
        raise CredentialError(
            f"{metadata.PLACE}: the role's keys have no readable expiry"
        ) from None
    return found_at(
        metadata.PLACE,
        _text(document, "AccessKeyId"),
        _text(document, "AccessKeySecret"),
        _text(document, "SecurityToken"),
        expires_at,
    )


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
