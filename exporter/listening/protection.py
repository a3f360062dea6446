"""Read the file of `--web.config.file`, and keep what it says up to date while serving.

Certificates, authorities and users are used as the files hold them now: whoever renews a
certificate or removes a user need not restart or reload anything.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from exporter.configuration.yaml_documents import problems_of, read_document
from exporter.errors import ConfigError, ConfigProblem
from exporter.listening.settings import RateLimit, TlsServer, WebSettings
from exporter.listening.tls import server_context
from exporter.pacing import Clock
from exporter.process.condition_log import Log

_LOOK_EVERY = 1.0
"""Seconds between two looks at the files."""
_MOST_BYTES = 256 * 1024

_Stamp = tuple[int, int, int, int, int]


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
        # Two files make up the configuration: which one is meant is to be seen.
        raise ConfigError(
            tuple(
                ConfigProblem(": ".join(filter(None, (path.name, each.path))), each.message)
                for each in exc.problems
            )
        ) from None
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
        stamps=tuple(stamps),
    )


def read_tls(path: Path) -> TlsServer | None:
    """Read what a file says of TLS. Raises ConfigError with every problem found."""
    return _settings(_read(path), path.parent).tls_server_config


class WatchedProtection:
    """The protection that is in force, as the files say now.

    A file that cannot be used leaves the last good one in force: said once, and shown as a failed
    reload. So does one that no longer asks for TLS or for users where the last one did, for that is
    what a file looks like that is just being written; to serve without them, start anew.
    """

    def __init__(self, path: Path, *, monotonic: Clock, log: Log, outcome: Outcome) -> None:
        self._path = path
        self._monotonic = monotonic
        self._log = log
        self._outcome = outcome
        self._failure = ""
        self._looked_at = monotonic()
        self._now = read_protection(path)
        self._stamps = self._now.stamps
        self._outcome.web_reloaded(successful=True)

    def __call__(self) -> Protection:
        """Return what is in force; looks at the files at most once a second."""
        moment = self._monotonic()
        if moment - self._looked_at >= _LOOK_EVERY:
            self._looked_at = moment
            self._look()
        return self._now

    def _look(self) -> None:
        stamps = tuple((path, _stamp(path)) for path, _ in self._stamps)
        # A failed attempt is repeated: what it lacked may be in a file not named before.
        if stamps == self._stamps and not self._failure:
            return
        try:
            self._take(read_protection(self._path))
        except ConfigError as exc:
            self._stamps = stamps
            failure = str(exc).replace("\n", "; ")
            if failure != self._failure:
                self._log.error("web configuration not loaded", problems=failure)
            self._failure = failure
            self._outcome.web_reloaded(successful=False)

    def _take(self, new: Protection) -> None:
        for name in ("tls_server_config", "basic_auth_users"):
            if _has(self._now, name) and not _has(new, name):
                message = f"{name}: no longer there; start anew to serve without it"
                raise _error(f"{self._path.name}: {message}")
        self._stamps = new.stamps
        self._now = new
        self._failure = ""
        self._log.info("web configuration loaded", users=len(new.users))
        self._outcome.web_reloaded(successful=True)


def _has(protection: Protection, name: str) -> bool:
    return bool(protection.users) if name == "basic_auth_users" else protection.context is not None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise _error(f"{path}: not a UTF-8 text file") from None
    except OSError as exc:
        raise _error(f"{path}: {exc.strerror or 'cannot be read'}") from None
    if len(content) > _MOST_BYTES:
        raise _error(f"{path}: too large")
    return text


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
    """Return what differs when the file does, however it was replaced; None while it is away."""
    try:
        found = path.stat()
    except OSError:
        return None
    # The time of the last change is set by the system: copies can have any modification time.
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _error(message: str) -> ConfigError:
    return ConfigError((ConfigProblem("", message),))
