"""Find an identity in the profiles of the vendor's own tools.

Vendor page: "Shared config and credentials files" of the AWS SDKs and Tools Reference Guide, in the
order of botocore. Keys in the file of credentials win over those in the file of configuration, and
no key is put together of both. A profile holds keys, a role to assume with the keys of another
place, or a role for a token in a file; single sign-on, logins and programs that print keys are not
supported, and a profile that has them says so.
"""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from exporter.auth.aws.roles import AssumedRole, Role, SecurityTokenService, WebIdentityRole
from exporter.auth.aws.settings import SESSION_NAME, is_session_name
from exporter.auth.cached_file import CachedFile, Ini, parse_ini
from exporter.auth.credentials import KNOWN_BEFORE, CredentialProvider, Credentials, found_at
from exporter.errors import CredentialError, UnusableError
from exporter.runtime import Wait

_CREDENTIALS_FILE, _CONFIG_FILE = "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"
_DEFAULT = "default"
_TOKEN_FILE = "web_identity_token_file"  # noqa: S105 - The name of a setting.
_BEFORE_KEYS = ("sso_session", "sso_start_url")
_AFTER_KEYS = ("login_session", "credential_process")
"""Looked at after the keys of the file of credentials, and before those of the other."""
_KEYS = ("aws_access_key_id", "aws_secret_access_key")
_TOKENS = ("aws_security_token", "aws_session_token")

Fresh = Callable[[CredentialProvider], CredentialProvider]
"""Keep what a provider hands out until shortly before it expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What both files say of one profile."""

    config: Mapping[str, str]
    credentials: Mapping[str, str]

    def get(self, key: str) -> str:
        """Return a value, that of the file of credentials before the other; empty for none."""
        return self.credentials.get(key) or self.config.get(key, "")

    @property
    def has_keys(self) -> bool:
        """Say whether any part of a key is there."""
        return any(map(self.get, _KEYS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where else than in a file the keys can be that a role is assumed with."""

    environment: CredentialProvider
    container: CredentialProvider
    instance: CredentialProvider

    def of(self, source: str) -> CredentialProvider | None:
        """Return the place that `credential_source` names, None for a word that is none."""
        return {
            "Environment": self.environment,
            "EcsContainer": self.container,
            "Ec2InstanceMetadata": self.instance,
        }.get(source)


class Profiles:
    """Every profile of both files, and the providers that come of the one that is chosen."""

    def __init__(
        self,
        environ: Mapping[str, str],
        home: Path,
        *,
        chosen: str | None,
        service: SecurityTokenService,
        places: Places,
        fresh: Fresh,
        aside: Wait,
    ) -> None:
        """Take where to look; `chosen` is the profile that the settings name."""
        named = chosen or environ.get("AWS_DEFAULT_PROFILE") or environ.get("AWS_PROFILE")
        self._name = named or _DEFAULT
        self._is_named = bool(named)
        self._service = service
        self._places = places
        self._fresh = fresh
        self._files = tuple(
            CachedFile(
                path := _path(environ.get(variable) or f"~/.aws/{file}", home),
                partial(_parse, path),
                aside=aside,
                named=bool(environ.get(variable)),
            )
            for variable, file in ((_CONFIG_FILE, "config"), (_CREDENTIALS_FILE, "credentials"))
        )
        self._needed: frozenset[Path] = frozenset()
        """Files that were there when the profile had keys."""
        self._had_role = False
        self._built: tuple[dict[str, Profile], CredentialProvider] | None = None

    async def role(self) -> Credentials:
        """Return the keys of the role that the profile assumes.

        Once it did, the profile is the one that was meant, whatever it holds now. Raises
        CredentialError when it assumes none with the keys of another place, UnusableError when it
        does and cannot be used.
        """
        return await self._credentials(of_roles=True)

    async def other(self) -> Credentials:
        """Return the keys of a profile that assumes no role, or one for a token in a file.

        Raises CredentialError when there is no such profile, UnusableError when it cannot be used.
        """
        return await self._credentials(of_roles=False)

    async def _credentials(self, *, of_roles: bool) -> Credentials:
        profiles, there = await self._read()
        profile = profiles.get(self._name)
        if profile is None:
            raise self._nothing("there is no such profile")
        if _assumes_role(profile) is not of_roles and not (of_roles and self._had_role):
            what = "assumes no role" if of_roles else "holds a role and nothing else"
            raise CredentialError(f"{self._place}: {what}")
        if self._built is None or self._built[0] != profiles:
            self._built = (profiles, self._build(profiles, self._name, ()))
        found = await self._built[1].credentials()
        self._needed, self._had_role = there, self._had_role or of_roles
        return found

    @property
    def _place(self) -> str:
        return f"profile {self._name}"

    def _nothing(self, problem: str) -> CredentialError:
        # Nobody need have any; but one that somebody names is the one that was meant.
        kind = UnusableError if self._is_named else CredentialError
        return kind(f"{self._place}: {problem}")

    async def _read(self) -> tuple[dict[str, Profile], frozenset[Path]]:
        """Return all profiles, and which files they are in."""
        found = {file.path: await self._sections(file) for file in self._files}
        config, credentials = [found[file.path] or {} for file in self._files]
        named = {
            name: section
            for title, section in config.items()
            if (name := _profile_name(title)) is not None
        }
        profiles = {
            name: Profile(config=named.get(name, {}), credentials=credentials.get(name, {}))
            for name in {**named, **credentials}
        }
        there = frozenset(path for path, sections in found.items() if sections is not None)
        return profiles, there

    async def _sections(self, file: CachedFile[Ini]) -> Ini | None:
        try:
            return await file.read()
        except UnusableError:
            raise
        except CredentialError as exc:
            if file.path in self._needed:
                # The other file may have keys for the same profile, or lack the role to assume.
                raise UnusableError(f"{exc}, {KNOWN_BEFORE}") from None
            # Neither file needs to be there.
            return None

    def _build(
        self, profiles: Mapping[str, Profile], name: str, seen: tuple[str, ...]
    ) -> CredentialProvider:
        place, profile = f"profile {name}", profiles.get(name)
        if profile is None:
            raise UnusableError(f"{place}: there is no such profile")
        # Of one that others are based on the keys are used, whatever role it assumes beside.
        is_base = seen and profile.has_keys and not profile.get(_TOKEN_FILE)
        if profile.get("role_arn") and not is_base:
            return self._fresh(self._build_role(profiles, name, seen))
        if not profile.has_keys and not any(map(profile.get, (*_BEFORE_KEYS, *_AFTER_KEYS))):
            problem = self._nothing("has no keys")
            # Of another profile than the chosen one somebody said that it has.
            raise UnusableError(f"{place}: has no keys") if seen else problem
        return _keys(place, profile)

    def _build_role(
        self, profiles: Mapping[str, Profile], name: str, seen: tuple[str, ...]
    ) -> CredentialProvider:
        place, profile = f"profile {name}", profiles[name]
        role = _role(place, profile)
        token_file = profile.get(_TOKEN_FILE)
        if token_file:
            # A user that nobody knows is left in the name, which then is that of no file.
            return WebIdentityRole(self._service, role, Path(os.path.expanduser(token_file)))
        source, kind = profile.get("source_profile"), profile.get("credential_source")
        if bool(source) == bool(kind):
            raise UnusableError(f"{place}: give one of source_profile and credential_source")
        if kind:
            base = self._places.of(kind)
            if base is None:
                raise UnusableError(f"{place}: no such credential_source")
            return AssumedRole(self._service, role, base)
        if source == name and profile.has_keys:
            # A profile may hold both a role and the keys that may assume it.
            return AssumedRole(self._service, role, _keys(place, profile))
        if source == name or source in seen:
            raise UnusableError(f"{place}: source_profile leads back to it")
        return AssumedRole(self._service, role, self._build(profiles, source, (*seen, name)))


class RoleOfProfile:
    """The profile as far as it assumes a role, which comes before a token that proves who asks."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    async def credentials(self) -> Credentials:
        """Return the role's keys; raises CredentialError or FetchError."""
        return await self._profiles.role()


class RestOfProfile:
    """The profile as far as it holds anything else."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    async def credentials(self) -> Credentials:
        """Return its keys; raises CredentialError or FetchError."""
        return await self._profiles.other()


class _Keys:
    def __init__(self, place: str, section: Mapping[str, str]) -> None:
        self._place = place
        self._section = section

    async def credentials(self) -> Credentials:
        access_key, secret_key = (self._section.get(key, "") for key in _KEYS)
        # Older tools know the token by another name, which the vendor's look for first.
        token = next(filter(None, map(self._section.get, _TOKENS)), "")
        return found_at(self._place, access_key, secret_key, token)


def _keys(place: str, profile: Profile) -> _Keys:
    """Return the keys of a profile, all of one file; raises UnusableError for other ways."""
    _refuse(place, profile, _BEFORE_KEYS)
    if any(map(profile.credentials.get, _KEYS)):
        return _Keys(place, profile.credentials)
    _refuse(place, profile, _AFTER_KEYS)
    return _Keys(place, profile.config)


def _refuse(place: str, profile: Profile, keys: tuple[str, ...]) -> None:
    for key in keys:
        if profile.get(key):
            raise UnusableError(f"{place}: {key} is not supported")


def _path(text: str, home: Path) -> Path:
    return home / text[2:] if text.startswith("~/") else Path(text)


def _parse(path: Path, text: str) -> Ini:
    if not text.strip():
        # So is a file that is just being written; whoever has no use for one has none.
        raise UnusableError(f"{path}: empty")
    # The vendor's tools take what stands behind a "#" for a part of the value.
    return parse_ini(text, comments=())


def _profile_name(title: str) -> str | None:
    """Return the name of a profile by the title of its section, None for other sections."""
    if title == _DEFAULT:
        return title
    try:
        words = shlex.split(title)
    except ValueError:
        return None
    return words[1] if len(words) == 2 and words[0] == "profile" else None


def _assumes_role(profile: Profile) -> bool:
    return bool(profile.get("role_arn")) and not profile.get(_TOKEN_FILE)


def _role(place: str, profile: Profile) -> Role:
    if profile.get("mfa_serial"):
        raise UnusableError(f"{place}: mfa_serial is not supported, since nobody types a code")
    name = profile.get("role_session_name") or SESSION_NAME
    if not is_session_name(name):
        raise UnusableError(f"{place}: role_session_name is no name of a session")
    seconds = profile.get("duration_seconds")
    if seconds and not (seconds.isascii() and seconds.isdigit() and len(seconds) < 7):
        raise UnusableError(f"{place}: duration_seconds is no number of seconds")
    return Role(
        arn=profile.get("role_arn"),
        session_name=name,
        external_id=profile.get("external_id"),
        duration_seconds=int(seconds) if seconds else None,
    )
