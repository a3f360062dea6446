"""Find Alibaba Cloud credentials where its SDKs find them, in their order.

Vendor page: "Manage access credentials", default credential provider chain: environment, OIDC,
the CLI's config.json, credentials.ini, ECS instance role, credentials URI. OIDC, the URI and the
modes that need a call to STS are not supported: where one of them is set up, it is named and ends
the search, since the role of the machine is not the identity that was meant. For the same reason
the URI is looked at before that role, although the SDKs prefer the role.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from exporter.auth import Send, canonical, metadata
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

# The SDK renews metadata credentials 15 minutes before they expire.
_MARGIN_SECONDS = 900.0
_VARIABLES = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
)
_ROLE = "ALIBABA_CLOUD_ROLE_ARN"
_OIDC = (
    _ROLE,
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
)
_KEYS = ("access_key_id", "access_key_secret")
_URI = "ALIBABA_CLOUD_CREDENTIALS_URI"
_PROFILE = "ALIBABA_CLOUD_PROFILE"
_FILE = "ALIBABA_CLOUD_CREDENTIALS_FILE"


def alibaba_chain(
    *,
    environ: Mapping[str, str],
    home: Path,
    send: Send,
    clock: Clock,
    metadata_url: str,
    aside: Wait,
) -> CredentialProvider:
    """Build the chain that is used when a source has no `auth`."""
    providers: list[CredentialProvider] = [
        EnvironmentProvider(environ, _VARIABLES),
        # Of a role that is set up by halves the SDKs would say nothing and go on.
        *_unsupported(environ, _OIDC, "OIDC roles are"),
    ]
    if environ.get(_ROLE) and not any(map(environ.get, _OIDC[1:])):
        # A key beside it is that of whoever may assume the role, not of the role.
        providers[:0] = _unsupported(environ, (_ROLE,), "assuming a role is")
    providers += [
        CliProvider(environ, home / ".aliyun" / "config.json", aside=aside),
        ProfileProvider(environ, home / ".alibabacloud" / "credentials.ini", aside=aside),
    ]
    server = MetadataProvider(environ, send, metadata_url)
    providers += [
        *_unsupported(environ, (_URI,), "it is"),
        Refreshing(server, clock=clock, margin=_MARGIN_SECONDS),
    ]
    return Chain(providers)


def _unsupported(
    environ: Mapping[str, str], names: Sequence[str], what: str
) -> list[CredentialProvider]:
    """Return what names those variables of an unsupported way to log in that are set, if any."""
    found = [name for name in names if environ.get(name)]
    if not found:
        return []
    given = f"{' and '.join(found)} {'are' if len(found) > 1 else 'is'} set"
    return [UnsupportedSource(f"environment: {given}, but {what} not supported")]


class CliProvider:
    """Keys in the configuration of the `aliyun` command: modes AK and StsToken."""

    def __init__(self, environ: Mapping[str, str], path: Path, *, aside: Wait) -> None:
        self._environ = environ
        self._file: CachedFile[object] = CachedFile(path, json.loads, aside=aside)

    async def credentials(self) -> Credentials:
        """Return the keys.

        Raises CredentialError naming the file when it is not there or has been left empty,
        UnusableError naming the profile or mode that was set up and cannot be used.
        """
        path = self._file.path
        if _is_on(self._environ, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"):
            raise CredentialError(f"{path}: disabled by ALIBABA_CLOUD_CLI_PROFILE_DISABLED")
        document = await self._file.read()
        name = self._environ.get(_PROFILE, "")
        profile = _cli_profile(document, name)
        if profile is None:
            # The same variable chooses the section of credentials.ini, which comes next.
            kind = CredentialError if name else UnusableError
            raise kind(f"{path}: the current profile is not there")
        mode = profile.get("mode")
        if mode not in {"AK", "StsToken"}:
            raise UnusableError(f"{path}: mode {_word(mode)} is not supported")
        token = _text(profile, "sts_token") if mode == "StsToken" else ""
        if not any(_text(profile, name) for name in _KEYS):
            # What the command itself writes before anybody has told it a key.
            raise CredentialError(f"{path}: no access_key_id and access_key_secret")
        return _keys(str(path), profile, token)


class ProfileProvider:
    """Keys in credentials.ini: type access_key."""

    def __init__(self, environ: Mapping[str, str], path: Path, *, aside: Wait) -> None:
        other = environ.get(_FILE)
        self._file = CachedFile(
            Path(other) if other else path, parse_ini, aside=aside, named=bool(other)
        )
        self._name = environ.get(_PROFILE) or "default"
        self._named = bool(environ.get(_PROFILE))

    async def credentials(self) -> Credentials:
        """Return the keys.

        Raises CredentialError naming the file when it is not there, UnusableError naming the
        section or type that was set up and cannot be used.
        """
        path = self._file.path
        try:
            sections = await self._file.read()
        except UnusableError:
            raise
        except CredentialError as exc:
            if self._named:
                # The CLI's file, which came before, does not have it either.
                raise UnusableError(f"{exc}, and {_PROFILE} names a profile") from None
            raise
        section = sections.get(self._name)
        if section is None:
            raise UnusableError(f"{path}: no section [{self._name}]")
        kind = section.get("type")
        if kind != "access_key":
            raise UnusableError(f"{path}: type {_word(kind)} is not supported")
        return _keys(str(path), section, "")


class MetadataProvider:
    """Temporary keys of the RAM role that is attached to this cloud server."""

    def __init__(self, environ: Mapping[str, str], send: Send, url: str) -> None:
        self._environ = environ
        self._send = send
        self._url = url

    async def credentials(self) -> Credentials:
        """Fetch new keys; raises CredentialError when the service has none or is not there."""
        if _is_on(self._environ, "ALIBABA_CLOUD_ECS_METADATA_DISABLED"):
            raise CredentialError(
                f"{metadata.PLACE}: disabled by ALIBABA_CLOUD_ECS_METADATA_DISABLED"
            )
        headers = await self._session()
        role = self._environ.get("ALIBABA_CLOUD_ECS_METADATA") or await self._role(headers)
        response = await self._get(canonical.encode(role), headers)
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
        if _is_on(self._environ, "ALIBABA_CLOUD_IMDSV1_DISABLED"):
            raise CredentialError(
                f"{metadata.PLACE}: HTTP {response.status_code} for a session token"
            )
        return {}

    async def _role(self, headers: Mapping[str, str]) -> str:
        response = await self._get("", headers)
        name = response.text.strip() if response.status_code == 200 else ""
        if not name:
            raise CredentialError(f"{metadata.PLACE}: no RAM role is attached to this server")
        return name

    async def _get(self, role: str, headers: Mapping[str, str]) -> httpx.Response:
        url = f"{self._url}/latest/meta-data/ram/security-credentials/{role}"
        return await metadata.ask(self._send, "GET", url, headers)


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() == "true"


def _cli_profile(document: object, name: str) -> Mapping[str, object] | None:
    if not isinstance(document, dict) or not isinstance(document.get("profiles"), list):
        return None
    wanted = name or document.get("current")
    for profile in document["profiles"]:
        if isinstance(profile, dict) and profile.get("name") == wanted:
            return profile
    return None


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _word(value: object) -> str:
    # A misplaced secret must not be quoted: the vendor's own words are short and made of letters.
    is_word = isinstance(value, str) and len(value) <= 24 and value.replace("_", "").isalpha()
    return str(value) if is_word else "of an unknown kind"


def _keys(place: str, fields: Mapping[str, object], token: str) -> Credentials:
    access_key, secret_key = _text(fields, "access_key_id"), _text(fields, "access_key_secret")
    if not access_key or not secret_key:
        raise UnusableError(f"{place}: no access_key_id and access_key_secret")
    return found_at(place, access_key, secret_key, token)


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
