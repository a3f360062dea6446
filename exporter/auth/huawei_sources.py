"""Find Huawei Cloud credentials where its SDK finds them: environment, profile, ECS metadata.

Vendor pages: "Credentials management" of huaweicloud-sdk-python-v3 and "Obtaining metadata" of the
ECS user guide. What the SDK supports beyond these (OIDC, federation, pod identity) is named in the
error instead of being passed over in silence.
"""

from collections.abc import Mapping
from pathlib import Path

from exporter.auth import Send, metadata
from exporter.auth.cached_file import CachedFile, parse_ini
from exporter.auth.credentials import (
    Chain,
    CredentialProvider,
    Credentials,
    EnvironmentProvider,
    Refreshing,
    UnsupportedSource,
    found_at,
)
from exporter.auth.renewal import parse_expiry
from exporter.errors import CredentialError
from exporter.pacing import Clock

# The SDK renews metadata credentials when fewer than 40 minutes remain.
_MARGIN_SECONDS = 2400.0
_VARIABLES = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
_UNSUPPORTED = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": "OIDC",
    "HUAWEICLOUD_SDK_IDP_ID": "federation",
    "HC_CONTAINER_CREDENTIALS_FULL_URI": "pod identity",
}


def huawei_chain(
    *,
    environ: Mapping[str, str],
    home: Path,
    send: Send,
    clock: Clock,
    metadata_url: str,
) -> CredentialProvider:
    """Build the chain that is used when a source has no `auth`."""
    profile = environ.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE")
    path = Path(profile) if profile else home / ".huaweicloud" / "credentials"
    unsupported = [
        UnsupportedSource(f"environment: {name} is set, but {method} is not supported")
        for name, method in _UNSUPPORTED.items()
        if environ.get(name)
    ]
    server = MetadataProvider(send, metadata_url)
    return Chain(
        [
            EnvironmentProvider(environ, _VARIABLES),
            *unsupported,
            ProfileProvider(path),
            Refreshing(server, clock=clock, margin=_MARGIN_SECONDS),
        ]
    )


class ProfileProvider:
    """Keys in the section [basic] of an INI file."""

    def __init__(self, path: Path) -> None:
        self._file = CachedFile(path, parse_ini)

    async def credentials(self) -> Credentials:
        """Return the keys; raises CredentialError naming the file."""
        section = self._file.read().get("basic")
        if section is None:
            raise CredentialError(f"{self._file.path}: no section [basic]")
        access_key, secret_key = section.get("ak", ""), section.get("sk", "")
        if not access_key or not secret_key:
            also = " (idp_id is not supported)" if section.get("idp_id") else ""
            raise CredentialError(f"{self._file.path}: no ak and sk in [basic]{also}")
        token = section.get("security_token", "")
        return found_at(str(self._file.path), access_key, secret_key, token)


class MetadataProvider:
    """Temporary keys of the agency that is attached to this cloud server."""

    def __init__(self, send: Send, url: str) -> None:
        self._send = send
        self._url = url

    async def credentials(self) -> Credentials:
        """Fetch new keys; raises CredentialError when the service has none or is not there."""
        headers = await self._session()
        url = f"{self._url}/openstack/latest/securitykey"
        response = await metadata.ask(self._send, "GET", url, headers)
        if response.status_code == 401 and "configure Cloud Service Agency" in response.text:
            raise CredentialError(f"{metadata.PLACE}: no agency is attached to this server")
        if response.status_code != 200:
            raise CredentialError(
                f"{metadata.PLACE}: HTTP {response.status_code} for the security key"
            )
        return _read_keys(metadata.read_object(response))

    async def _session(self) -> dict[str, str]:
        response = await metadata.ask(
            self._send,
            "PUT",
            f"{self._url}/meta-data/latest/api/token",
            {"X-Metadata-Token-Ttl-Seconds": metadata.SESSION_SECONDS},
        )
        if response.status_code == 200:
            return {"X-Metadata-Token": metadata.read_session(response)}
        # These mean a server that knows version 1 of the service only, which needs no token.
        if response.status_code in {404, 405, 503}:
            return {}
        raise CredentialError(f"{metadata.PLACE}: HTTP {response.status_code} for a session token")


def _read_keys(document: dict[str, object]) -> Credentials:
    inner = document.get("credential", document.get("credentials", document))
    fields = inner if isinstance(inner, dict) else {}

    def text(*names: str) -> str:
        values = (fields.get(name) for name in names)
        return next((value for value in values if isinstance(value, str) and value), "")

    try:
        expires_at = parse_expiry(text("expires_at", "expiration"))
    except ValueError:
        raise CredentialError(
            f"{metadata.PLACE}: the security key has no readable expiry"
        ) from None
    return found_at(
        metadata.PLACE,
        text("access", "accessKeyId", "access_key_id"),
        text("secret", "secretAccessKey", "secret_access_key"),
        text("securitytoken", "securityToken", "security_token"),
        expires_at,
    )
