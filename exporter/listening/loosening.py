"""Find where one file of the listener protects less than another.

A file that is just being written is mostly the beginning of what it is going to be, and can be
understood: what stood behind it is missing then, or has its default. So whatever restricts who
comes in, and how, may be added and tightened while serving, but neither vanish nor become weaker.
To let in somebody more, by a user or a name or an authority that is added, is not weaker: no
beginning of a file does that.
"""

from collections.abc import Iterator

from exporter.errors import ConfigProblem
from exporter.listening.settings import TlsServer, WebSettings

_STRICTNESS = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
_GONE = "no longer there; start anew to serve without it"
_WEAKER = "less strict than what is in force; start anew to serve with it"


def loosened(old: WebSettings, new: WebSettings) -> Iterator[ConfigProblem]:
    """Yield each place where the new settings ask for less than the old ones."""
    if old.tls_server_config is not None:
        if new.tls_server_config is None:
            yield ConfigProblem("tls_server_config", _GONE)
        else:
            yield from _tls(old.tls_server_config, new.tls_server_config)
    if old.basic_auth_users and not new.basic_auth_users:
        yield ConfigProblem("basic_auth_users", _GONE)
    headers = old.http_server_config.headers.keys() - new.http_server_config.headers.keys()
    for name in sorted(headers):
        yield ConfigProblem(f"http_server_config.headers.{name}", _GONE)
    # A larger burst is no beginning of a smaller one; an interval of 10s begins with one of 1 s.
    if old.rate_limit.interval and not new.rate_limit.interval:
        yield ConfigProblem("rate_limit.interval", _GONE)
    elif new.rate_limit.interval < old.rate_limit.interval:
        yield ConfigProblem("rate_limit.interval", _WEAKER)


def _tls(old: TlsServer, new: TlsServer) -> Iterator[ConfigProblem]:
    place = "tls_server_config"
    before, now = old.client_auth_type, new.client_auth_type
    if _STRICTNESS.index(now) < _STRICTNESS.index(before):
        yield ConfigProblem(f"{place}.client_auth_type", _WEAKER)
    if old.client_allowed_sans is not None and new.client_allowed_sans is None:
        yield ConfigProblem(f"{place}.client_allowed_sans", _GONE)
    if new.min_version < old.min_version:
        yield ConfigProblem(f"{place}.min_version", _WEAKER)
    for name in ("cipher_suites", "curve_preferences"):
        if getattr(old, name) and not getattr(new, name):
            yield ConfigProblem(f"{place}.{name}", _GONE)
