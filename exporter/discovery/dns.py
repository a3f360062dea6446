"""Find Flink clusters by DNS: SRV records, or the addresses of headless services.

A name that has no records has no cluster, once that was said twice: a headless service whose only
JobManager is just restarting has none either. What nobody answers changes nothing. Addresses are
asked by TLS for the certificate of the name, not of the address.
"""

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.discovery.admission import OPERATION
from exporter.discovery.clusters import Cluster, Clusters, SkippedTarget
from exporter.discovery.dns_records import Lookup, Record
from exporter.discovery.files import at_least_one
from exporter.discovery.surroundings import Surroundings
from exporter.errors import FetchError, Reason
from exporter.settings import Section, expecting

_AT_ONCE = 16
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,254}")
_SERVER = re.compile(r"(?P<address>[0-9.]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_PATH = r"(/[A-Za-z0-9._~%-]+)*"


def _name(text: str) -> str:
    labels = text.removesuffix(".").split(".")
    if not _NAME.fullmatch(text) or not all(0 < len(label) <= 63 for label in labels):
        raise PydanticCustomError("name", "expected a name of DNS")
    return text.removesuffix(".")


def _server(text: str) -> str:
    _server_address(text)
    return text


def _server_address(text: str) -> tuple[str, int]:
    match = _SERVER.fullmatch(text)
    try:
        address = ipaddress.ip_address((match["address"] if match else "").strip("[]"))
        port = int((match and match["port"]) or 53)
        if not 0 < port < 65536:
            raise ValueError
    except ValueError:
        raise PydanticCustomError("server", "expected address[:port] of a DNS server") from None
    return str(address), port


_Name = Annotated[str, AfterValidator(_name)]


class DnsSettings(Section):
    """Names to look up."""

    names: Annotated[tuple[_Name, ...], AfterValidator(at_least_one)]
    type: Literal["SRV", "A", "AAAA"] = "SRV"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    cluster: Literal["name", "target"] | None = None
    scheme: Literal["http", "https"] = "http"
    path: Annotated[str, Field(pattern=f"^{_PATH}$"), expecting("a path such as /flink")] = ""
    servers: tuple[Annotated[str, AfterValidator(_server)], ...] = ()

    @model_validator(mode="after")
    def _fits_the_type(self) -> Self:
        if self.type != "SRV" and self.port is None:
            raise PydanticCustomError("dns", "port is required: only SRV records tell one")
        if self.type == "SRV" and self.port is not None:
            raise PydanticCustomError("dns", "port: SRV records tell it themselves")
        if self.type != "SRV" and self.cluster == "target":
            raise PydanticCustomError("dns", "cluster: an address is no name; expected name")
        return self

    @property
    def by_target(self) -> bool:
        """Say whether each target is a cluster, and not each name that was looked up."""
        return self.type == "SRV" and self.cluster != "name"


class DnsDiscovery:
    """Clusters that DNS tells of."""

    def __init__(self, settings: DnsSettings, open_lookup: Callable[[], Awaitable[Lookup]]) -> None:
        """Take what opens a lookup: anew for each look, since the servers may be others by then.

        It may raise OSError.
        """
        self._settings = settings
        self._open_lookup = open_lookup
        self._told: dict[str, tuple[Record, ...]] = {}

    async def find(self) -> Clusters:
        """Look all names up. Raises FetchError when not one of them was answered."""
        try:
            lookup = await self._open_lookup()
        except OSError as exc:
            detail = exc.strerror or str(exc) or "DNS is not set up"
            raise FetchError(Reason.CONNECTION, OPERATION, detail=detail) from None
        slots = asyncio.Semaphore(_AT_ONCE)
        failures: dict[str, FetchError] = {}

        async def look_up(name: str) -> None:
            async with slots:
                try:
                    self._told[name] = await lookup(name, self._settings.type)
                except FetchError as exc:
                    failures[name] = exc.bare()

        names = tuple(dict.fromkeys(self._settings.names))
        await asyncio.gather(*(look_up(name) for name in names))
        if len(failures) == len(names):
            raise next(iter(failures.values()))
        return Clusters(
            living=tuple(
                cluster
                for name in names
                for cluster in clusters_of_name(name, self._told.get(name, ()), self._settings)
            ),
            skipped=tuple(
                SkippedTarget(name=f"DNS {name}", reason=failure.detail)
                for name, failure in failures.items()
            ),
            failures=tuple(failures.values()),
            complete=failures.keys() <= self._told.keys(),
        )

    async def aclose(self) -> None:
        """Close nothing: each question has a socket of its own."""


def clusters_of_name(
    name: str, records: Iterable[Record], settings: DnsSettings
) -> Iterable[Cluster]:
    """Return the clusters that the records of a name stand for."""
    targets = sorted((each.host, each.port or settings.port) for each in records)
    start, end = f"{settings.scheme}://", settings.path
    urls = {target: start + _location(*target) + end for target in targets}
    if settings.by_target:
        # Several clusters may run on one host: without its port it would not tell which.
        return [
            Cluster(name=f"{host}:{port}", addresses=(url,)) for (host, port), url in urls.items()
        ]
    if not urls:
        return []
    is_address = settings.type != "SRV"
    return [
        Cluster(
            name=name,
            addresses=tuple(urls.values()),
            server_name=name if is_address and settings.scheme == "https" else "",
        )
    ]


def _location(host: str, port: int | None) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_dns(settings: DnsSettings, surroundings: Surroundings) -> DnsDiscovery:
    """Open a discovery by DNS."""
    servers = tuple(_server_address(each) for each in settings.servers)
    timeout = surroundings.settings.timeout

    def make() -> Lookup:
        # Not before it is needed, and off the event loop: it takes longer than a turn of that.
        from exporter.discovery.dns_lookup import DnsLookup

        return DnsLookup(servers=servers, timeout=timeout)

    async def open_lookup() -> Lookup:
        return await surroundings.runtime.aside(make)

    return DnsDiscovery(settings, open_lookup)
