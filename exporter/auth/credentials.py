"""Hold access keys and find them: given, in the environment, or wherever a chain looks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporter.auth.renewal import Renewed
from exporter.errors import CredentialError, UnusableError
from exporter.pacing import Clock
from exporter.secret import MASK, Secret

_HEADER_TEXT = re.compile(r"[\x21-\x7e]*")
KNOWN_BEFORE = "where they were before: load the configuration again if that is meant"
"""Said of a place that had credentials and has none now."""
# What os.environ makes of bytes that are not UTF-8.
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An access key at one moment; `expires_at` is epoch seconds, None for a permanent key.

    Raises CredentialError when a value could not be sent or used: the HTTP library would refuse
    it later with an exception that quotes it.
    """

    access_key: str
    secret_key: str
    security_token: str = ""
    expires_at: float | None = None

    def __post_init__(self) -> None:
        if not self.access_key or not self.secret_key:
            raise CredentialError("the access key or its secret is empty")
        for name in ("access_key", "security_token"):
            if not _HEADER_TEXT.fullmatch(getattr(self, name)):
                raise CredentialError(f"the {name} holds characters that no header can carry")
        if _SURROGATE.search(self.secret_key):
            raise CredentialError("the secret_key is not UTF-8 text")

    def __repr__(self) -> str:
        token = MASK if self.security_token else "''"
        return (
            f"Credentials(access_key={MASK}, secret_key={MASK}, "
            f"security_token={token}, expires_at={self.expires_at})"
        )


def found_at(
    place: str,
    access_key: str,
    secret_key: str,
    security_token: str = "",
    expires_at: float | None = None,
) -> Credentials:
    """Return what was found as credentials; raises UnusableError naming the place."""
    try:
        return Credentials(access_key, secret_key, security_token, expires_at)
    except CredentialError as exc:
        raise UnusableError(f"{place}: {exc}") from None


class CredentialProvider(Protocol):
    """Anything that can hand out credentials."""

    async def credentials(self) -> Credentials:
        """Return credentials to sign one request with.

        Raises CredentialError, whose text names the place that was looked at.
        """


class StaticProvider:
    """The keys of the configuration, revealed at each use so that rotated files take effect."""

    def __init__(
        self, access_key: Secret, secret_key: Secret, security_token: Secret | None = None
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._security_token = security_token

    async def credentials(self) -> Credentials:
        """Return the keys as they are now; raises CredentialError when they cannot be used."""
        token = self._security_token.reveal() if self._security_token is not None else ""
        return found_at("auth", self._access_key.reveal(), self._secret_key.reveal(), token)


class EnvironmentProvider:
    """Keys in environment variables: the names of access key, secret key and security token."""

    def __init__(self, environ: Mapping[str, str], names: tuple[str, str, str]) -> None:
        self._environ = environ
        self._names = names

    async def credentials(self) -> Credentials:
        """Return the keys.

        Raises CredentialError naming the variables that are not set, UnusableError when others of
        them are.
        """
        missing = [name for name in self._names[:2] if not self._environ.get(name)]
        if missing:
            # Half of a key is a slip, by which no other key is meant.
            half = any(self._environ.get(name) for name in self._names)
            kind = UnusableError if half else CredentialError
            raise kind(f"environment: {' and '.join(missing)} not set")
        access_key, secret_key, token = (self._environ.get(name, "") for name in self._names)
        return found_at("environment", access_key, secret_key, token)


class UnsupportedSource:
    """A way to log in that somebody set up and this program cannot use: it only says so."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def credentials(self) -> Credentials:
        """Raise UnusableError, always."""
        raise UnusableError(self._text)


class Chain:
    """Try places in order, each time, and none behind the one that had credentials before.

    A place that somebody did set up and that cannot be used ends the search: going on would sign
    as another identity than the one that was meant, such as that of the machine. So does one that
    had credentials and has none now, as a file that is just being written has: whether they are
    gone for good is for those to say who set them up, by loading the configuration again.
    """

    def __init__(self, providers: Sequence[CredentialProvider]) -> None:
        self._providers = list(providers)
        self._last = len(self._providers)
        """How many places are asked at most."""

    async def credentials(self) -> Credentials:
        """Return the first credentials found.

        Raises CredentialError naming every place that was looked at, the last of which is one that
        was set up and cannot be used, if there is one.
        """
        problems = []
        kind = CredentialError
        asked = self._providers[: self._last]
        for number, provider in enumerate(asked, start=1):
            try:
                found = await provider.credentials()
            except UnusableError as exc:
                problems.append(str(exc))
                kind = UnusableError
                break
            except CredentialError as exc:
                problems.append(str(exc))
            else:
                if number > self._last:
                    # Others found the place that was meant, while this one looked further.
                    return await self.credentials()
                self._last = number
                return found
        else:
            if len(asked) < len(self._providers):
                kind = UnusableError
                problems[-1] += f", {KNOWN_BEFORE}"
        raise kind(f"no credentials found: {'; '.join(problems)}")


class Refreshing:
    """Cache temporary credentials and renew them `margin` seconds before they expire.

    Credentials without an expiry are not cached: their provider knows when they change.
    """

    def __init__(
        self, provider: CredentialProvider, *, clock: Clock, margin: float = 900.0
    ) -> None:
        self._renewed: Renewed[Credentials] = Renewed(
            provider.credentials, lambda found: found.expires_at, margin=margin, clock=clock
        )

    async def credentials(self) -> Credentials:
        """Return valid credentials; raises CredentialError when there are none to be had."""
        return await self._renewed.get()
