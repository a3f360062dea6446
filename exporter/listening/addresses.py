"""Understand the address to listen at, and listen there."""

import errno
import re
import socket

from exporter.errors import ConfigError, ConfigProblem

BACKLOG = 128
"""Connections that wait to be let in. asyncio tries so many at once, even when it can open none."""
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT, errno.ENOPROTOOPT)
"""Errors of a system that was built without IPv6, or has it switched off."""
_ADDRESS = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.%a-z]+)\]|(?P<four>[^:\[\]\s]*)):(?P<port>[0-9]{1,5})"
)


def parse_address(address: str) -> tuple[str, int]:
    """Return host, empty for every interface, and port. Raises ConfigError."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65535:
        raise _error(f"{address}: expected host:port, [host]:port or :port")
    return match["six"] or match["four"], int(match["port"])


def listen(address: str) -> socket.socket:
    """Open a listening socket for `host:port`, `[host]:port`, or `:port` for every interface.

    Every interface means IPv6 and IPv4, or IPv4 alone on a system without IPv6, and nothing less
    for any other reason. Raises ConfigError.
    """
    host, port = parse_address(address)
    try:
        listener = _listen_at(host, port) if host else _listen_everywhere(port)
        # Connections inherit it. asyncio sets it only where a socket's protocol number is given,
        # and without it the end of every answer waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as exc:
        raise _error(f"{address}: {exc.strerror or 'cannot listen there'}") from None


def _listen_at(host: str, port: int) -> socket.socket:
    family, _, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(target[:2], family=family, backlog=BACKLOG)


def _listen_everywhere(port: int) -> socket.socket:
    try:
        return socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
        )
    except ValueError:
        # Python's word for a system whose sockets are of one family each.
        pass
    except OSError as exc:
        if exc.errno not in _NO_IPV6:
            raise
    # Where nothing else is asked for, as Prometheus' own exporters do.
    return socket.create_server(("0.0.0.0", port), backlog=BACKLOG)  # nosec B104


def _error(message: str) -> ConfigError:
    return ConfigError((ConfigProblem("--web.listen-address", message),))
