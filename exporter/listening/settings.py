"""Say what the file of `--web.config.file` may hold: the format of Prometheus' exporter-toolkit.

What that format allows and Python's TLS cannot do is an error here: a restriction that is silently
not in force would be worse than none.
"""

import re
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.configuration.yaml_documents import nearest
from exporter.listening.cipher_suites import CURVES, openssl_name, openssl_suites
from exporter.settings import Duration, ExistingFile, SecretText, Section

# Of the last letter of the salt only two bits count; bcrypt refuses one in which others are set.
_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_CHEAPEST, _DEAREST = 4, 18
_LONGEST_NAME = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_BROKEN_VERSIONS = ("TLS10", "TLS11")
_HEADERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Content-Security-Policy": (),
        "X-Frame-Options": ("deny", "sameorigin"),
        "X-Content-Type-Options": ("nosniff",),
        "X-XSS-Protection": (),
        "Strict-Transport-Security": (),
    }
)
"""Those that may be set, and the values they may have; none given means any."""

ClientAuth = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")


def _version(value: object) -> ssl.TLSVersion:
    if value in _BROKEN_VERSIONS:
        message = "{version}: refused: TLS 1.0 and 1.1 are broken; expected TLS12 or TLS13"
        raise PydanticCustomError("version", message, {"version": str(value)})
    if not isinstance(value, str) or value not in _VERSIONS:
        raise PydanticCustomError("version", "expected TLS12 or TLS13")
    return _VERSIONS[value]


def _client_auth(value: object) -> object:
    if value in _UNVERIFIED:
        message = (
            "cannot be {kind}: certificates of clients are always verified here; expected "
            "NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert"
        )
        raise PydanticCustomError("client_auth", message, {"kind": str(value)})
    return "NoClientCert" if value == "" else value


def _suite(value: str) -> str:
    if openssl_name(value) is None:
        message = "no such cipher suite, or not a safe one: {name}"
        raise PydanticCustomError("suite", message, {"name": value[:60]})
    return value


def _curves(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value not in CURVES:
            known = ", ".join(CURVES)
            message = "no such curve: {name}; expected one of {known}"
            raise PydanticCustomError("curve", message, {"name": value[:60], "known": known})
    if len(values) > 1:
        raise PydanticCustomError("curves", "expected one curve: Python's TLS takes no list")
    return values


def _user(name: str) -> str:
    if not 1 <= len(name) <= _LONGEST_NAME or ":" in name or _CONTROL.search(name):
        raise PydanticCustomError("user", "not a possible name: it is empty, long or has a colon")
    return name


def _hash(value: object) -> str:
    match = _HASH.fullmatch(value) if isinstance(value, str) else None
    if not isinstance(value, str) or match is None:
        raise PydanticCustomError("hash", "expected a bcrypt hash, such as $2y$10$ and 53 letters")
    if not _CHEAPEST <= int(match[1]) <= _DEAREST:
        raise PydanticCustomError(
            "hash",
            "expected a cost from {least} to {most}",
            {"least": _CHEAPEST, "most": _DEAREST},
        )
    return value


def _header(value: str) -> str:
    if _CONTROL.search(value) or not value.isascii():
        raise PydanticCustomError("header", "expected printable ASCII")
    return value


def _headers(values: dict[str, str]) -> dict[str, str]:
    for name, value in values.items():
        if name not in _HEADERS:
            message = "no header that can be set{hint}"
            raise PydanticCustomError("header", message, {"hint": nearest(name, _HEADERS)})
        if value and _HEADERS[name] and value not in _HEADERS[name]:
            told = {"name": name, "allowed": " or ".join(_HEADERS[name])}
            raise PydanticCustomError("header", "expected {allowed} as {name}", told)
    return {name: value for name, value in values.items() if value}


def _absent(value: object) -> object:
    # A key with everything under it commented out is as good as no key.
    return {} if value is None else value


Version = Annotated[ssl.TLSVersion, BeforeValidator(_version)]
Header = Annotated[str, AfterValidator(_header)]


class TlsServer(Section):
    """TLS of the listener."""

    cert: str | None = None
    cert_file: ExistingFile | None = None
    key: SecretText | None = Field(default=None, repr=False)
    key_file: ExistingFile | None = None
    client_auth_type: Annotated[ClientAuth, BeforeValidator(_client_auth)] = "NoClientCert"
    client_ca: str | None = None
    client_ca_file: ExistingFile | None = None
    client_allowed_sans: tuple[str, ...] | None = None
    min_version: Version = ssl.TLSVersion.TLSv1_2
    max_version: Version = ssl.TLSVersion.TLSv1_3
    cipher_suites: tuple[Annotated[str, AfterValidator(_suite)], ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: Annotated[tuple[str, ...], AfterValidator(_curves)] = ()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.cert is None and self.cert_file is None:
            raise PydanticCustomError("cert", "cert or cert_file is required")
        if self.key is None and self.key_file is None:
            raise PydanticCustomError("key", "key or key_file is required")
        if self.max_version < self.min_version:
            raise PydanticCustomError("versions", "max_version is less than min_version")
        self._check_clients()
        self._check_suites()
        return self

    def _check_clients(self) -> None:
        authorities = self.client_ca is not None or self.client_ca_file is not None
        if self.client_auth_type == "NoClientCert" and authorities:
            message = "client_ca has no effect without client_auth_type"
            raise PydanticCustomError("client_ca", message)
        if self.client_auth_type != "NoClientCert" and not authorities:
            message = "client_ca or client_ca_file is required by client_auth_type"
            raise PydanticCustomError("client_ca", message)
        required = self.client_auth_type == "RequireAndVerifyClientCert"
        if self.client_allowed_sans is not None and not required:
            message = "client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert"
            raise PydanticCustomError("client_allowed_sans", message)

    def _check_suites(self) -> None:
        older = self.min_version < ssl.TLSVersion.TLSv1_3
        if self.cipher_suites and older and not openssl_suites(self.cipher_suites):
            message = "cipher_suites names none of TLS 1.2; expected min_version: TLS13 with these"
            raise PydanticCustomError("suites", message)


class HttpServer(Section):
    """What is said in answers."""

    http2: bool = True
    """Taken for the format's sake: the listener speaks HTTP/1.1."""
    headers: Annotated[dict[str, Header], BeforeValidator(_absent), AfterValidator(_headers)] = (
        Field(default_factory=dict)
    )
    """Headers of every answer, instead of those it has by itself; blank ones mean as it is."""


class RateLimit(Section):
    """How often somebody may ask."""

    interval: Duration = 0.0
    burst: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if self.interval and not self.burst:
            raise PydanticCustomError("burst", "burst: expected 1 or more, or nobody is answered")
        return self


class WebSettings(Section):
    """The whole file."""

    tls_server_config: TlsServer | None = None
    http_server_config: Annotated[HttpServer, BeforeValidator(_absent)] = HttpServer()
    basic_auth_users: Annotated[
        dict[Annotated[str, AfterValidator(_user)], Annotated[SecretText, BeforeValidator(_hash)]],
        BeforeValidator(_absent),
    ] = Field(default_factory=dict)
    rate_limit: Annotated[RateLimit, BeforeValidator(_absent)] = RateLimit()

    def hashes(self) -> dict[str, str]:
        """Return the hashes of passwords by users."""
        return {name: hashed.reveal() for name, hashed in self.basic_auth_users.items()}
