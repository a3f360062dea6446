"""Ask DNS, and tell what it says from what it does not say.

RFC 1035, RFC 2308: that a name has no records is an answer (NOERROR without any, or NXDOMAIN);
SERVFAIL, REFUSED and silence are none. An answer that does not fit into a datagram comes by TCP.
"""

import ipaddress

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rcode
import dns.resolver

from exporter.discovery.admission import OPERATION
from exporter.discovery.dns_records import Record
from exporter.errors import FetchError, Reason

_MOST_RECORDS = 10_000


class DnsLookup:
    """Look names up at the servers of this machine, or at others."""

    def __init__(self, *, servers: tuple[tuple[str, int], ...], timeout: float) -> None:
        """Take addresses and ports of servers; without any the system's own file names them.

        Reads that file. Raises OSError when it names none.
        """
        try:
            resolver = dns.asyncresolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration:
            raise OSError("/etc/resolv.conf names no server") from None
        if servers:
            resolver.nameservers = [
                dns.nameserver.Do53Nameserver(address, port) for address, port in servers
            ]
        resolver.lifetime = timeout
        resolver.timeout = timeout / 2
        self._resolver = resolver

    async def __call__(self, name: str, kind: str) -> tuple[Record, ...]:
        """Return the records, none if there are none. Raises FetchError when nobody told."""
        try:
            answer = await self._resolver.resolve(
                f"{name}.", kind, raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN:
            return ()
        except dns.resolver.NoNameservers as exc:
            raise _failure(Reason.SERVER, f"{name}: {_said(exc)}") from None
        except dns.exception.Timeout:
            raise _failure(Reason.TIMEOUT, f"{name}: no answer from DNS") from None
        except (dns.exception.DNSException, OSError, ValueError) as exc:
            detail = f"{name}: not an answer of DNS: {type(exc).__name__}"
            raise _failure(Reason.INVALID_RESPONSE, detail) from None
        records = answer.rrset or ()
        if len(records) > _MOST_RECORDS:
            raise _failure(Reason.INVALID_RESPONSE, f"{name}: more than {_MOST_RECORDS} records")
        read = _srv if kind == "SRV" else _address
        return tuple(dict.fromkeys(found for each in records if (found := read(each))))


def _srv(record: object) -> Record | None:
    target = getattr(record, "target", None)
    host = "" if target is None else target.to_text(omit_final_dot=True)
    # A lone dot: the service is decidedly not there (RFC 2782).
    if host in ("", ".", "@"):
        return None
    return Record(host=host, port=int(getattr(record, "port", 0)))


def _address(record: object) -> Record | None:
    text = str(getattr(record, "address", ""))
    try:
        return Record(host=str(ipaddress.ip_address(text)))
    except ValueError:
        return None


def _said(exc: dns.resolver.NoNameservers) -> str:
    """Return the words of the servers, such as REFUSED."""
    codes = [
        dns.rcode.to_text(error[4].rcode())
        for error in exc.kwargs.get("errors", ())
        if len(error) > 4 and error[4] is not None
    ]
    return ", ".join(dict.fromkeys(codes)) or "no server of DNS could be asked"


def _failure(reason: Reason, detail: str) -> FetchError:
    return FetchError(reason, OPERATION, detail=detail[:300])
