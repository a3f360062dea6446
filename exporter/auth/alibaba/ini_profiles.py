"""Log in as a section of credentials.ini says.

Vendor page: "Manage access credentials", the shared file of the SDKs. The file is read at each use.
"""

from collections.abc import Mapping
from pathlib import Path

from exporter.auth.alibaba.cli_profiles import PROFILE, Fixed
from exporter.auth.alibaba.fields import Fields
from exporter.auth.alibaba.instance import MARGIN_SECONDS, InstanceProvider
from exporter.auth.alibaba.oidc import OidcRole
from exporter.auth.alibaba.surroundings import Surroundings
from exporter.auth.cached_file import CachedFile, parse_ini
from exporter.auth.credentials import CredentialProvider, Credentials, Refreshing
from exporter.errors import CredentialError, UnusableError

_FILE = "ALIBABA_CLOUD_CREDENTIALS_FILE"


class IniProvider:
    """The keys of the section `default`, or of the one that the environment names."""

    def __init__(self, path: Path, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        other = surroundings.environ.get(_FILE)
        self._file = CachedFile(
            Path(other) if other else path,
            parse_ini,
            aside=surroundings.aside,
            named=bool(other),
        )
        self._name = surroundings.environ.get(PROFILE) or "default"
        self._named = bool(surroundings.environ.get(PROFILE))
        self._built: tuple[object, CredentialProvider] | None = None

    async def credentials(self) -> Credentials:
        """Return the keys.

        Raises CredentialError naming the file when it is not there, UnusableError naming the
        section or type that was set up and cannot be used, FetchError when a login fails.
        """
        path = self._file.path
        try:
            sections = await self._file.read()
        except UnusableError:
            raise
        except CredentialError as exc:
            if self._named:
                # The CLI's file, which came before, does not have it either.
                raise UnusableError(f"{exc}, and {PROFILE} names a profile") from None
            raise
        if self._built is None or self._built[0] is not sections:
            section = sections.get(self._name)
            if section is None:
                raise UnusableError(f"{path}: no section [{self._name}]")
            self._built = (sections, self._log_in(section))
        try:
            return await self._built[1].credentials()
        except UnusableError:
            raise
        except CredentialError as exc:
            raise UnusableError(f"{path}: {exc}") from None

    def _log_in(self, section: Mapping[str, object]) -> CredentialProvider:
        surroundings = self._surroundings
        fields = Fields(str(self._file.path), section, surroundings.environ)
        kind = fields.text("type")
        if kind == "access_key":
            return Fixed(fields.keys())
        if kind == "ram_role_arn":
            role = fields.role("role_arn", ("role_session_name",))
            return surroundings.assumed(Fixed(fields.keys()), role)
        if kind == "oidc_role_arn":
            fields.needs("role_arn", "oidc_provider_arn", "oidc_token_file_path")
            role = fields.role("role_arn", ("role_session_name",))
            provider = OidcRole(
                role,
                provider_arn=fields.text("oidc_provider_arn"),
                token_file=fields.file("oidc_token_file_path"),
                sts=surroundings.sts(),
                aside=surroundings.aside,
            )
            return surroundings.with_oidc(provider, role)
        if kind == "ecs_ram_role":
            server = InstanceProvider(
                surroundings.environ,
                surroundings.send,
                surroundings.metadata_url,
                role=fields.text("role_name"),
            )
            return Refreshing(server, clock=surroundings.clock, margin=MARGIN_SECONDS)
        raise fields.unusable(f"type {fields.word('type')} is not supported")
