"""Ask the listener whether it is alive, as the health check of a container does.

The flags and the file that the exporter serves by say where it is to be found and how, so that the
check is right with TLS and on every port.
"""

import contextlib
import ssl
import time
from ipaddress import ip_address
from pathlib import Path
from socket import create_connection, socket

from exporter.errors import ConfigError, ConfigProblem
from exporter.files import MOST_PEM, read_text
from exporter.listening.protection import read_tls
from exporter.listening.settings import TlsServer

_SECONDS = 2.0
_REQUEST = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_LONGEST_LINE = 100
_WHATEVER_THE_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which Python has no name. Whether a certificate is still
good is not a question of whether the program is: to start it again renews none."""
_WANTS_CERTIFICATE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
"""How the reasons end for which OpenSSL leaves a handshake in which the other side asked for a
certificate and got none: with TLS 1.3, and with 1.2."""


def look(host: str, port: int, web_config_file: str) -> str:
    """Return what is wrong with the listener at an address, or nothing when it is well.

    Raises ConfigError when the web configuration cannot be used.
    """
    if port == 0:
        return "--web.listen-address: port 0 is another one each time"
    tls = read_tls(Path(web_config_file)) if web_config_file else None
    context = _trusting(tls) if tls is not None else None
    try:
        line = _ask(_reachable(host), port, context)
    except ssl.SSLCertVerificationError:
        return "it shows another certificate than the one in the web configuration"
    except ssl.SSLError as exc:
        if _asks_for_certificate(exc, tls):
            # It has proven who it is, and asked: without a certificate there is no more to see.
            return ""
        return "it does not speak TLS as the web configuration says"
    except TimeoutError:
        return f"no answer within {_SECONDS:.0f} seconds"
    except OSError as exc:
        return f"cannot be reached: {exc.strerror or 'no such address'}"
    if not line:
        return "it closed the connection without an answer"
    return "" if line.startswith("HTTP/1.1 200 ") else "it answers, but not that it is healthy"


def words_of(pid: int) -> list[str]:
    """Return what a running process was started with. Raises ConfigError when there is none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        raise ConfigError((ConfigProblem("--pid", f"no process {pid} to be seen"),)) from None
    # What starts a program inside a container may put this before it, to end its own flags.
    return [word.decode(errors="surrogateescape") for word in words if word not in (b"", b"--")]


def _reachable(host: str) -> str:
    """Return where a listener at an address is to be found from this machine."""
    if not host:
        # IPv4 is listened on in any case, IPv6 where there is such a thing.
        return "127.0.0.1"
    with contextlib.suppress(ValueError):
        address = ip_address(host)
        if address.is_unspecified:
            return "127.0.0.1" if address.version == 4 else "::1"
    return host


def _trusting(tls: TlsServer) -> ssl.SSLContext:
    """Return a context that takes the certificate of the listener, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # It need not be for the address under which the machine itself reaches it.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _WHATEVER_THE_TIME
    try:
        text = tls.cert if tls.cert is not None else _read(tls.cert_file)
        # Those that follow are of authorities, who sign others too.
        first, end, _ = text.partition("-----END CERTIFICATE-----")
        context.load_verify_locations(cadata=first[first.rindex("-----BEGIN") :] + end)
    except (OSError, ValueError, TypeError):
        # The last is what Python makes of letters beyond ASCII.
        problem = ConfigProblem("tls_server_config.cert_file", "not a usable certificate")
        raise ConfigError((problem,)) from None
    return context


def _read(path: Path | None) -> str:
    return read_text(path, MOST_PEM) if path is not None else ""


def _ask(host: str, port: int, context: ssl.SSLContext | None) -> str:
    """Return the first line of the answer about health, as much of it as there is."""
    deadline = time.monotonic() + _SECONDS
    with create_connection((host, port), timeout=_SECONDS) as plain:
        plain.settimeout(_left(deadline))
        with _secured(plain, context) as line:
            line.sendall(_REQUEST)
            got = b""
            while b"\r\n" not in got and len(got) < _LONGEST_LINE:
                line.settimeout(_left(deadline))
                piece = line.recv(_LONGEST_LINE)
                if not piece:
                    break
                got += piece
    return got.partition(b"\r\n")[0].decode("ascii", errors="replace")


def _secured(plain: socket, context: ssl.SSLContext | None) -> socket:
    return plain if context is None else context.wrap_socket(plain)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _asks_for_certificate(exc: ssl.SSLError, tls: TlsServer | None) -> bool:
    asks = tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"
    return asks and str(exc.reason).endswith(_WANTS_CERTIFICATE)
