"""Log in as a profile in the configuration of the `aliyun` command says.

Vendor page: "Configure credentials" of the Alibaba Cloud CLI; which field is which as the vendor's
SDKs read them. The file is read at each use, since the command itself renews what it holds.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from exporter.auth.alibaba.fields import Fields
from exporter.auth.alibaba.instance import MARGIN_SECONDS, InstanceProvider, is_on
from exporter.auth.alibaba.oidc import OidcRole
from exporter.auth.alibaba.signed_in import Exchange, SignedIn
from exporter.auth.alibaba.surroundings import Surroundings
from exporter.auth.cached_file import CachedFile
from exporter.auth.credentials import CredentialProvider, Credentials, Refreshing
from exporter.errors import CredentialError, UnusableError
from exporter.settings import is_endpoint

PROFILE = "ALIBABA_CLOUD_PROFILE"
_DISABLED = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"
_MOST_IN_A_CHAIN = 10
_OAUTH = {"CN": "https://oauth.aliyun.com", "INTL": "https://oauth.alibabacloud.com"}


class Fixed:
    """Keys that a file held when it was read."""

    def __init__(self, keys: Credentials) -> None:
        self._keys = keys

    async def credentials(self) -> Credentials:
        """Return the keys."""
        return self._keys


class CliProvider:
    """The keys of the current profile, or of the one that the environment names."""

    def __init__(self, path: Path, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._file: CachedFile[object] = CachedFile(path, json.loads, aside=surroundings.aside)
        self._built: tuple[object, CredentialProvider] | None = None

    async def credentials(self) -> Credentials:
        """Return the keys.

        Raises CredentialError naming the file when it is not there or has been left empty,
        UnusableError naming the profile or mode that was set up and cannot be used, FetchError when
        a login fails.
        """
        path, environ = self._file.path, self._surroundings.environ
        if is_on(environ, _DISABLED):
            raise CredentialError(f"{path}: disabled by {_DISABLED}")
        document = await self._file.read()
        if self._built is None or self._built[0] is not document:
            provider = Profiles(path, document, self._surroundings).provider(
                environ.get(PROFILE, "")
            )
            # What was logged in to by the file as it was is not what it says now.
            self._built = (document, provider)
        try:
            return await self._built[1].credentials()
        except UnusableError:
            raise
        except CredentialError as exc:
            raise UnusableError(f"{path}: {exc}") from None


class Profiles:
    """The profiles of one file, as ways to log in."""

    def __init__(self, path: Path, document: object, surroundings: Surroundings) -> None:
        self._path = path
        self._document = document
        self._surroundings = surroundings

    def provider(self, name: str) -> CredentialProvider:
        """Return how to log in as a profile, as the current one when none is named.

        Raises CredentialError when there is nothing to log in with, UnusableError naming what is
        missing of it.
        """
        profile = self._find(name or self._current())
        if profile is None:
            # The same variable chooses the section of credentials.ini, which comes next.
            kind = CredentialError if name else UnusableError
            raise kind(f"{self._path}: the current profile is not there")
        fields = self._fields(profile)
        if fields.text("mode") in {"AK", "StsToken"} and not fields.has_a_key:
            # What the command itself writes before anybody has told it a key.
            raise CredentialError(f"{self._path}: no access_key_id and access_key_secret")
        return self._log_in(fields, ())

    def _log_in(self, fields: Fields, followed: tuple[str, ...]) -> CredentialProvider:
        mode = fields.text("mode")
        if mode == "AK":
            return Fixed(fields.keys())
        if mode == "StsToken":
            return Fixed(fields.keys("sts_token"))
        if mode == "RamRoleArn":
            return self._assumed(Fixed(fields.keys()), fields)
        if mode == "ChainableRamRoleArn":
            return self._assumed(self._source(fields, followed), fields)
        if mode == "EcsRamRole":
            return self._instance(fields)
        if mode == "OIDC":
            return self._with_oidc(fields)
        if mode == "CloudSSO":
            return self._signed_in(fields, _cloud_sso(fields))
        if mode == "OAuth":
            return self._signed_in(fields, _oauth(fields))
        # External among them: no program that a file names is run.
        raise fields.unusable(f"mode {fields.word('mode')} is not supported")

    def _source(self, fields: Fields, followed: tuple[str, ...]) -> CredentialProvider:
        fields.needs("source_profile")
        name = fields.text("source_profile")
        profile = self._find(name)
        if profile is None:
            raise fields.unusable("the profile that source_profile names is not there")
        if name in followed or len(followed) >= _MOST_IN_A_CHAIN:
            raise fields.unusable("source_profile leads in a circle or too far")
        return self._log_in(self._fields(profile), (*followed, name))

    def _assumed(self, others: CredentialProvider, fields: Fields) -> CredentialProvider:
        role = fields.role("ram_role_arn", ("ram_session_name",))
        sts = self._surroundings.sts(
            region=fields.text("sts_region"), vpc=fields.flag("enable_vpc")
        )
        return self._surroundings.assumed(others, role, sts)

    def _with_oidc(self, fields: Fields) -> CredentialProvider:
        fields.needs("ram_role_arn", "oidc_provider_arn", "oidc_token_file")
        # The SDKs know the first of these names, the command writes the second.
        role = fields.role("ram_role_arn", ("role_session_name", "ram_session_name"))
        provider = OidcRole(
            role,
            provider_arn=fields.text("oidc_provider_arn"),
            token_file=fields.file("oidc_token_file"),
            sts=self._surroundings.sts(
                region=fields.text("sts_region"), vpc=fields.flag("enable_vpc")
            ),
            aside=self._surroundings.aside,
        )
        return self._surroundings.with_oidc(provider, role)

    def _instance(self, fields: Fields) -> CredentialProvider:
        surroundings = self._surroundings
        server = InstanceProvider(
            surroundings.environ,
            surroundings.send,
            surroundings.metadata_url,
            role=fields.text("ram_role_name"),
        )
        return Refreshing(server, clock=surroundings.clock, margin=MARGIN_SECONDS)

    def _signed_in(self, fields: Fields, exchange: Exchange | None) -> CredentialProvider:
        surroundings = self._surroundings
        provider = SignedIn(
            fields.place,
            held=fields.held(),
            exchange=exchange,
            send=surroundings.send,
            clock=surroundings.clock,
        )
        return Refreshing(provider, clock=surroundings.clock, margin=MARGIN_SECONDS)

    def _fields(self, profile: Mapping[str, object]) -> Fields:
        return Fields(str(self._path), profile, self._surroundings.environ)

    def _current(self) -> object:
        return self._document.get("current") if isinstance(self._document, dict) else None

    def _find(self, name: object) -> Mapping[str, object] | None:
        document = self._document
        if not isinstance(document, dict) or not isinstance(document.get("profiles"), list):
            return None
        for profile in document["profiles"]:
            if isinstance(profile, dict) and profile.get("name") == name:
                return profile
        return None


def _cloud_sso(fields: Fields) -> Exchange | None:
    token = fields.text("access_token")
    if not token:
        return None
    fields.needs("cloud_sso_sign_in_url", "cloud_sso_account_id", "cloud_sso_access_config")
    scheme, _, rest = fields.text("cloud_sso_sign_in_url").partition("://")
    origin = f"{scheme}://{rest.partition('/')[0]}"
    if scheme != "https" or not is_endpoint(origin):
        # A token goes to nobody in the clear.
        raise fields.unusable("cloud_sso_sign_in_url is no https://host")
    return Exchange(
        operation="/cloud-credentials",
        url=f"{origin}/cloud-credentials",
        token=token,
        expires_at=fields.number("cloud_sso_access_token_expire"),
        answer="CloudCredential",
        body={
            "AccountId": fields.text("cloud_sso_account_id"),
            "AccessConfigurationId": fields.text("cloud_sso_access_config"),
        },
    )


def _oauth(fields: Fields) -> Exchange | None:
    token = fields.text("oauth_access_token")
    if not token:
        return None
    site = _OAUTH.get((fields.text("oauth_site_type") or "CN").upper())
    if site is None:
        raise fields.unusable("oauth_site_type is neither CN nor INTL")
    return Exchange(
        operation="/v1/exchange",
        url=f"{site}/v1/exchange",
        token=token,
        expires_at=fields.number("oauth_access_token_expire"),
        answer="",
    )
