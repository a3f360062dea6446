"""Find Huawei Cloud credentials where its SDK finds them: environment, profile, ECS metadata.

Vendor pages: "Credentials management" of huaweicloud-sdk-python-v3 and "Obtaining metadata" of the
ECS user guide. What the SDK supports beyond these (OIDC, federation, pod identity) is named where
it is set up and ends the search, since neither another key nor the agency of the machine is the
identity that was meant. For the same reason pod identity is looked at before that agency, although
the SDK prefers the agency.
"""

from collections.abc import Iterable, Mapping
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
from exporter.errors import CredentialError, UnusableError
from exporter.pacing import Clock
from exporter.runtime import Wait

# The SDK renews metadata credentials when fewer than 40 minutes remain.
_MARGIN_SECONDS = 2400.0
_VARIABLES = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
_OIDC = ("HUAWEICLOUD_OIDC_PROVIDER_URN", "HUAWEICLOUD_OIDC_AGENCY_URN")
_OIDC_TOKENS = (
    "HUAWEICLOUD_OIDC_ID_TOKEN",
    "HUAWEICLOUD_OIDC_TOKEN_FILE",
    "HUAWEICLOUD_OIDC_ID_TOKEN_FILE",
)
_FEDERATION = ("HUAWEICLOUD_SDK_IDP_ID", "HUAWEICLOUD_SDK_ID_TOKEN_FILE")
_POD = ("HC_CONTAINER_CREDENTIALS_FULL_URI", "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE")


def huawei_chain(
    *,
    environ: Mapping[str, str],
    home: Path,
    send: Send,
    clock: Clock,
    metadata_url: str,
    aside: Wait,
) -> CredentialProvider:
    """Build the chain that is used when a source has no `auth`."""
    profile = environ.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE")
    path = Path(profile) if profile else home / ".huaweicloud" / "credentials"
    oidc = _unsupported(environ, (*_OIDC, *_OIDC_TOKENS), "OIDC")
    federation = _unsupported(environ, _FEDERATION, "federation")
    # The SDK prefers these to a key in the environment, as far as they are complete.
    has_oidc = all(map(environ.get, _OIDC)) and any(map(environ.get, _OIDC_TOKENS))
    has_federation = all(map(environ.get, _FEDERATION))
    server = MetadataProvider(send, metadata_url)
    return Chain(
        [
            *(oidc if has_oidc else ()),
            *(federation if has_federation else ()),
            EnvironmentProvider(environ, _VARIABLES),
            *oidc,
            *federation,
            ProfileProvider(path, aside=aside, named=bool(profile)),
            *_unsupported(environ, _POD, "pod identity"),
            Refreshing(server, clock=clock, margin=_MARGIN_SECONDS),
        ]
    )


def _unsupported(
    environ: Mapping[str, str], names: Iterable[str], method: str
) -> list[CredentialProvider]:
    """Return what names the first variable of a method that is not supported, if one is set."""
    found = [name for name in names if environ.get(name)][:1]
    return [
        UnsupportedSource(f"environment: {name} is set, but {method} is not supported")
        for name in found
    ]


class ProfileProvider:
    """Keys in the section [basic] of an INI file."""

    def __init__(self, path: Path, *, aside: Wait, named: bool = False) -> None:
        self._file = CachedFile(path, parse_ini, aside=aside, named=named)

    async def credentials(self) -> Credentials:
        """Return the keys.

        Raises CredentialError naming the file when it is not there, UnusableError when what it
        holds cannot be used.
        """
        section = (await self._file.read()).get("basic")
        if section is None:
            raise UnusableError(f"{self._file.path}: no section [basic]")
        access_key, secret_key = section.get("ak", ""), section.get("sk", "")
        # The SDK prefers an identity provider to keys beside it.
        federated = bool(section.get("idp_id"))
        if not access_key or not secret_key or federated:
            problem = "" if access_key and secret_key else "no ak and sk in [basic]"
            also = "idp_id is not supported" if federated else ""
            text = f"{problem} ({also})" if problem and also else problem or f"[basic]: {also}"
            raise UnusableError(f"{self._file.path}: {text}")
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
