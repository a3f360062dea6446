"""Build the TLS of the listener from its settings, and judge the certificates of clients."""

import ipaddress
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from exporter.errors import ConfigError, ConfigProblem
from exporter.files import MOST_PEM, in_memory, read
from exporter.listening.cipher_suites import CURVES, DEFAULT, openssl_suites
from exporter.listening.settings import TlsServer

_PLACE = "tls_server_config"
_VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


def server_context(settings: TlsServer) -> ssl.SSLContext:
    """Return the context that serves with these settings.

    Raises ConfigError when a file holds no certificate or key, or they do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _Outspoken
    context.minimum_version = settings.min_version
    context.maximum_version = settings.max_version
    # Renegotiation lets a client demand costly work again and again.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    if settings.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    suites = openssl_suites(settings.cipher_suites) or DEFAULT
    _load("cipher_suites", "none of them is known here", lambda: context.set_ciphers(suites))
    for curve in settings.curve_preferences:
        context.set_ecdh_curve(CURVES[curve])
    certificate = "cert_file" if settings.cert is None else "cert"
    _load(certificate, "not a usable certificate and its key", lambda: _certify(context, settings))
    authorities = "client_ca_file" if settings.client_ca is None else "client_ca"
    _load(authorities, "not a usable certificate", lambda: _trust(context, settings))
    context.verify_mode = _VERIFY[settings.client_auth_type]
    return context


def allowed(certificate: Mapping[str, Any] | None, sans: frozenset[str] | None) -> bool:
    """Say whether a verified certificate has one of these alternative names, if any are asked for.

    Names are compared as they are, addresses by what they mean.
    """
    if sans is None:
        return True
    names = {
        _address(value) if kind == "IP Address" else value
        for kind, value in (certificate or {}).get("subjectAltName", ())
    }
    return not names.isdisjoint(_address(san) for san in sans)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return text


def _certify(context: ssl.SSLContext, settings: TlsServer) -> None:
    key = settings.key.reveal() if settings.key is not None else None
    with (
        _readable(settings.cert, settings.cert_file) as certificate,
        _readable(key, settings.key_file) as private,
    ):
        # Without an empty password OpenSSL asks the terminal for that of an encrypted key.
        context.load_cert_chain(certificate, private, password="")


def _trust(context: ssl.SSLContext, settings: TlsServer) -> None:
    if settings.client_ca is None and settings.client_ca_file is None:
        return
    # As a file in any case: Python takes no text with letters beyond ASCII, not even in comments.
    with _readable(settings.client_ca, settings.client_ca_file) as authorities:
        context.load_verify_locations(cafile=authorities)


def _readable(text: str | None, path: Path | None) -> AbstractContextManager[str]:
    """Return a name for OpenSSL: a key given inline must not be written to any disk."""
    if path is None or text is not None:
        return in_memory((text or "").encode(), None)
    return in_memory(read(path, MOST_PEM), path)


def _load(key: str, message: str, load: Callable[[], None]) -> None:
    try:
        load()
    except (OSError, ValueError) as exc:
        # ssl.SSLError is an OSError; its text names library functions, not what to do.
        plain = isinstance(exc, OSError) and not isinstance(exc, ssl.SSLError) and exc.strerror
        raise ConfigError((ConfigProblem(f"{_PLACE}.{key}", plain or message),)) from None


class _Outspoken(ssl.SSLObject):
    """A connection that says why its handshake has failed.

    asyncio drops the alert and closes, so that whoever has no certificate, or a wrong one, would
    see nothing but an end. It sends what there is to send when the handshake wants to read more;
    the failure is told when the other side has answered the alert, mostly by closing.
    """

    _failure: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """Go on with the handshake."""
        if self._failure is not None:
            raise self._failure
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as exc:
            self._failure = exc
            raise ssl.SSLWantReadError from None
