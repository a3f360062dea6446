"""Read the file of `--web.config.file`, and keep what it says up to date while serving.

Certificates, authorities and users are used as the files hold them now: whoever renews a
certificate or removes a user need not restart or reload anything.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from exporter.configuration.places import Origin
from exporter.configuration.yaml_documents import problems_of, read_document
from exporter.errors import ConfigError, ConfigProblem, Place
from exporter.files import MOST_PEM, read
from exporter.listening.loosening import loosened
from exporter.listening.settings import RateLimit, TlsServer, WebSettings
from exporter.listening.tls import server_context
from exporter.pacing import Sleep
from exporter.process.condition_log import Log, trail
from exporter.runtime import Wait

_LOOK_EVERY = 1.0
"""Seconds between two looks at the files."""
_MOST_BYTES = 256 * 1024

_Stamp = bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What protects the listener at one moment."""

    context: ssl.SSLContext | None = None
    """TLS, if any."""
    allowed_sans: frozenset[str] | None = None
    """Alternative names of which a client's certificate needs one; None asks for none."""
    users: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Hashes of passwords by users; without any, nobody is asked."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Headers of every answer, instead of those it has by itself."""
    rate_limit: RateLimit = field(default_factory=RateLimit)
    settings: WebSettings = field(default_factory=WebSettings, repr=False)
    """What the file asked for."""
    stamps: tuple[tuple[Path, _Stamp | None], ...] = ()
    """What this was read from, and what the files were like just before."""


class Outcome(Protocol):
    """Who is told how reading the file went."""

    def web_reloaded(self, *, successful: bool) -> None:
        """Note how it went."""


def read_protection(path: Path) -> Protection:
    """Read a file and those it names. Raises ConfigError with every problem found."""
    stamps = [(path, _stamp(path))]
    text = _read(path)
    try:
        settings = _settings(text, path.parent)
        tls = settings.tls_server_config
        stamps += [(each, _stamp(each)) for each in _files(tls)]
        context = server_context(tls) if tls is not None else None
    except ConfigError as exc:
        raise ConfigError(Origin(str(path), text).place(exc.problems)) from None
    sans = tls.client_allowed_sans if tls is not None else None
    return Protection(
        context=context,
        allowed_sans=None if sans is None else frozenset(sans),
        users={name: hashed.encode() for name, hashed in settings.hashes().items()},
        headers=tuple(
            (name.lower().encode(), value.encode())
            for name, value in settings.http_server_config.headers.items()
        ),
        rate_limit=settings.rate_limit,
        settings=settings,
        stamps=tuple(stamps),
    )


def read_tls(path: Path) -> TlsServer | None:
    """Read what a file says of TLS. Raises ConfigError with every problem found."""
    return _settings(_read(path), path.parent).tls_server_config


class WatchedProtection:
    """The protection that is in force, as the files say now.

    A file that cannot be used leaves the last good one in force: said once, and shown as a failed
    reload. So does one that asks for less than the last one did, for that is what a file looks like
    that is just being written; to serve with less, start anew.
    """

    def __init__(self, path: Path, *, log: Log, outcome: Outcome) -> None:
        self._path = path
        self._log = log
        self._outcome = outcome
        self._failure = ""
        self._now = read_protection(path)
        self._stamps = self._now.stamps
        self._outcome.web_reloaded(successful=True)

    def __call__(self) -> Protection:
        """Return what is in force."""
        return self._now

    async def keep_looking(self, aside: Wait, sleep: Sleep) -> None:
        """Look at the files every second until cancelled; nobody waits for them meanwhile."""
        while True:
            await sleep(_LOOK_EVERY)
            # Whatever one look stumbles over, the next ones go on.
            [failure] = await asyncio.gather(self._look_aside(aside), return_exceptions=True)
            if isinstance(failure, OSError):
                self._settle(_error(f"{self._path}: {failure.strerror or 'cannot be read'}"))
            elif failure is not None:
                self._settle(_error(f"{self._path}: unexpected error: {trail(failure)}"))

    async def _look_aside(self, aside: Wait) -> None:
        self._settle(await aside(self._read, self._path))

    def look(self) -> None:
        """Look at the files here and now."""
        self._settle(self._read())

    def _read(self) -> Protection | ConfigError | None:
        """Return what the files say, or why that cannot be used; None when it is as it was."""
        stamps = tuple((path, _stamp(path)) for path, _ in self._stamps)
        # A failed attempt is repeated: what it lacked may be in a file not named before.
        if stamps == self._stamps and not self._failure:
            return None
        try:
            return read_protection(self._path)
        except ConfigError as exc:
            return exc

    def _settle(self, found: Protection | ConfigError | None) -> None:
        if found is None:
            return
        try:
            if isinstance(found, ConfigError):
                raise found
            self._take(found)
        except ConfigError as exc:
            failure = str(exc).replace("\n", "; ")
            if failure != self._failure:
                self._log.error("web configuration not loaded", problems=failure)
            self._failure = failure
            self._outcome.web_reloaded(successful=False)

    def _take(self, new: Protection) -> None:
        problems = tuple(
            replace(each, place=Place(file=str(self._path)))
            for each in loosened(self._now.settings, new.settings)
        )
        if problems:
            raise ConfigError(problems)
        self._stamps = new.stamps
        self._now = new
        self._failure = ""
        self._log.info("web configuration loaded", users=len(new.users))
        self._outcome.web_reloaded(successful=True)


def _read(path: Path) -> str:
    try:
        return read(path, _MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _error(f"{path}: not a UTF-8 text file") from None
    except OSError as exc:
        raise _error(f"{path}: {exc.strerror or 'cannot be read'}") from None


def _settings(text: str, directory: Path) -> WebSettings:
    document = read_document(text)
    document = {} if document is None else document
    if not isinstance(document, dict):
        raise _error("expected a mapping")
    try:
        return WebSettings.model_validate(document, context={"directory": directory})
    except ValidationError as exc:
        raise ConfigError(tuple(problems_of(exc, "", WebSettings, document, {}))) from None


def _files(tls: TlsServer | None) -> tuple[Path, ...]:
    if tls is None:
        return ()
    named = (tls.cert_file, tls.key_file, tls.client_ca_file)
    return tuple(path for path in named if path is not None)


def _stamp(path: Path) -> _Stamp | None:
    """Return what differs when the content does; None while there is none.

    Times and sizes tell less: two changes can fall into one tick of the file system's clock.
    """
    try:
        return hashlib.sha256(read(path, MOST_PEM)).digest()
    except OSError:
        return None


def _error(message: str) -> ConfigError:
    return ConfigError((ConfigProblem("", message),))
