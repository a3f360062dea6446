"""Say which addresses nobody may send this program to.

Whoever writes a file of targets, or registers a service, chooses where this program connects, from
where it runs and with what it knows. Addresses of one link, among them the metadata services of all
clouds, hand out credentials to whoever asks; what listens on loopback trusts this machine.

A name is judged by what it is resolved to, and only those results are connected to: what a name
meant a moment ago does not count. A literal is judged before, in whatever way it is spelt.
"""

import errno
import ipaddress
import re
import socket
from collections.abc import Iterator

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_METADATA: tuple[_Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        # Alibaba Cloud; AWS and Google by IPv6; Azure's host agent; Oracle's second one.
        *("100.100.100.200/32", "fd00:ec2::/32", "fd20:ce::254/128"),
        *("168.63.129.16/32", "192.0.0.192/32"),
    )
)
_TRANSLATED: tuple[tuple[ipaddress.IPv6Network, int], ...] = (
    # Networks of IPv6 that stand for an address of IPv4, and how many bits come after it.
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
)
_NUMERIC = re.compile(r"[0-9a-fx.]+")
_LINK_LOCAL = "a link-local address"
_NO_ADDRESS = "neither a name nor an address"
_NOWHERE = ipaddress.ip_network("0.0.0.0/8")
REFUSED = "AddressRefused"
"""The code of a request that was not sent because of its address."""


class ForbiddenAddressError(OSError):
    """What was to be connected to is an address that nobody may send this program to."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)


class AddressRules:
    """Which addresses are refused, and why."""

    def __init__(self, *, allow_loopback: bool = False) -> None:
        self._allow_loopback = allow_loopback

    def refusal(self, address: str) -> str:
        """Return why a numeric address is refused, or an empty text."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return _NO_ADDRESS
        return next((why for each in _meanings(found) if (why := self._refusal(each))), "")

    def refusal_of_host(self, host: str) -> str:
        """Return why the host of a URL is refused, as far as that can be said of it unresolved."""
        host = host.strip("[]").lower()
        try:
            ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            return self.refusal(host)
        try:
            # 0x7f.1 and 2130706433 are addresses to the C library.
            spelt = _NUMERIC.fullmatch(host) and socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            spelt = None
        if spelt:
            return self.refusal(spelt)
        # Such a thing would be connected to without being resolved by the resolver below.
        return _NO_ADDRESS if ":" in host or host.replace(".", "").isdigit() else ""

    def _refusal(self, address: _Address) -> str:
        if any(address in network for network in _METADATA):
            return "an address of a metadata service"
        if address.is_link_local:
            return _LINK_LOCAL
        if address.is_unspecified or address.is_multicast or address in _NOWHERE:
            return "not the address of one machine"
        if address.is_loopback and not self._allow_loopback:
            return "a loopback address, which needs allow_loopback"
        return ""


def _meanings(address: _Address) -> Iterator[_Address]:
    """Yield an address, and those of IPv4 that it may come to."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    for network, bits in _TRANSLATED:
        if address in network and int(address) > 1:
            yield ipaddress.IPv4Address(int(address) >> bits & 0xFFFF_FFFF)
