"""Find Tencent Cloud credentials where its SDKs find them, what is set up before what is found.

Vendor pages: "Credential management" of tencentcloud-sdk-python, "Instance metadata" of CVM and
"Access management for pods" of TKE. The SDKs take environment, profile file, CVM role and TKE's
identity of the pod in this order; here the pod comes before the role of the node it runs on, since
that is the identity that somebody set up. They read no token from the environment: temporary keys
without theirs are refused, so the names that other tools of the vendor use for it are read, as are
those for a role that is to be assumed by whatever is found.
"""

import re
from collections.abc import Mapping
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
from exporter.auth.tencent.roles import role_of_environment
from exporter.auth.tencent.sts import Sts
from exporter.auth.tencent.web_identity import WebIdentity, web_identity
from exporter.errors import CredentialError, UnusableError
from exporter.pacing import Clock
from exporter.runtime import Wait

PLACE = "CVM metadata"
# The SDK renews keys of the role when 300 seconds are left.
_MARGIN_SECONDS = 300.0
_KEYS = ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY")
_TOKENS = (
    # Of the command line tool, of Terraform, of CloudBase.
    "TENCENTCLOUD_TOKEN",
    "TENCENTCLOUD_SECURITY_TOKEN",
    "TENCENTCLOUD_SESSION_TOKEN",
)
_FILE = "TENCENTCLOUD_CREDENTIALS_FILE"
_ROLE = "TENCENTCLOUD_CAM_ROLE_NAME"
_ROLE_NAME = re.compile(r"[A-Za-z0-9_.@+=,-]{1,128}")


def tencent_chain(
    *,
    environ: Mapping[str, str],
    home: Path,
    send: Send,
    clock: Clock,
    metadata_url: str,
    system_file: Path,
    sts: Sts,
    aside: Wait,
) -> CredentialProvider:
    """Build the chain that is used when a source has no key in its `auth`.

    `send` asks the metadata service. A role that the environment names is assumed by whatever is
    found.
    """
    try:
        role = role_of_environment(environ)
    except UnusableError as exc:
        return UnsupportedSource(str(exc))
    token = next((name for name in _TOKENS if environ.get(name)), _TOKENS[0])
    named = environ.get(_FILE)
    paths = (Path(named),) if named else (home / ".tencentcloud" / "credentials", system_file)
    pod = web_identity(environ, sts=sts, aside=aside)
    server = MetadataProvider(environ, send, metadata_url)
    providers: list[CredentialProvider] = [
        EnvironmentProvider(environ, (*_KEYS, token)),
        *(ProfileProvider(path, aside=aside, named=bool(named)) for path in paths),
    ]
    if pod is not None:
        margin = WebIdentity.MARGIN_SECONDS
        providers.append(Refreshing(pod, clock=clock, margin=margin))
    providers.append(Refreshing(server, clock=clock, margin=_MARGIN_SECONDS))
    chain = Chain(providers)
    return chain if role is None else sts.assumed(chain, role)


class ProfileProvider:
    """Keys in the section [default] of an INI file."""

    def __init__(self, path: Path, *, aside: Wait, named: bool = False) -> None:
        self._file = CachedFile(path, parse_ini, aside=aside, named=named)

    async def credentials(self) -> Credentials:
        """Return the keys.

        Raises CredentialError naming the file when it is not there, UnusableError when what it
        holds cannot be used.
        """
        path = self._file.path
        section = (await self._file.read()).get("default")
        if section is None:
            raise UnusableError(f"{path}: no section [default]")
        if section.get("role_arn"):
            # The SDKs leave it out, and sign as somebody else than was meant.
            raise UnusableError(f"{path}: role_arn is not read here, give auth.assume_role")
        secret_id, secret_key = section.get("secret_id", ""), section.get("secret_key", "")
        if not secret_id or not secret_key:
            raise UnusableError(f"{path}: no secret_id and secret_key in [default]")
        return found_at(str(path), secret_id, secret_key, section.get("token", ""))


class MetadataProvider:
    """Temporary keys of the CAM role that is bound to this cloud server."""

    def __init__(self, environ: Mapping[str, str], send: Send, url: str) -> None:
        self._environ = environ
        self._send = send
        self._url = url

    async def credentials(self) -> Credentials:
        """Fetch new keys; raises CredentialError when the service has none or is not there."""
        role = self._environ.get(_ROLE) or await self._role()
        response = await self._get(canonical.encode(role))
        if response.status_code != 200:
            raise CredentialError(f"{PLACE}: HTTP {response.status_code} for the role's keys")
        return _read_keys(metadata.read_object(response, place=PLACE))

    async def _role(self) -> str:
        response = await self._get("")
        name = metadata.read_text(response) if response.status_code == 200 else ""
        # Whoever else answers here sends a page.
        if not _ROLE_NAME.fullmatch(name):
            raise CredentialError(f"{PLACE}: no CAM role is bound to this server")
        return name

    async def _get(self, role: str) -> httpx.Response:
        url = f"{self._url}/latest/meta-data/cam/security-credentials/{role}"
        return await metadata.ask(self._send, "GET", url, {}, place=PLACE)


def _read_keys(document: Mapping[str, object]) -> Credentials:
    if document.get("Code") != "Success":
        raise CredentialError(f"{PLACE}: the role's keys came without success")
    expires_at = document.get("ExpiredTime")
    if not isinstance(expires_at, int | float) or isinstance(expires_at, bool):
        raise CredentialError(f"{PLACE}: the role's keys have no readable expiry")
    names = ("TmpSecretId", "TmpSecretKey", "Token")
    secret_id, secret_key, token = (document.get(name) for name in names)
    return found_at(PLACE, _text(secret_id), _text(secret_key), _text(token), float(expires_at))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
