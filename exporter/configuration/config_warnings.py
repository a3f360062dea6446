"""Say what a configuration allows that gives secrets away, and what costs more than pocket money.

It is used as it stands: a laboratory may want just that. But whoever wrote it must have been told.
"""

import ipaddress
from collections.abc import Iterator
from types import MappingProxyType

import httpx

from exporter.configuration.config import Config, SourceConfig
from exporter.configuration.cost import forecast
from exporter.errors import ConfigProblem
from exporter.settings import Section
from exporter.source import SourceSettings

_PLAIN = "plain HTTP: whoever is on the way reads and changes what is sent, credentials included"
_BESIDE = MappingProxyType({"history_endpoint": "history_auth", "url": "auth", "address": "auth"})
"""Settings that hold an address, and the ones beside them that hold its secret."""
_SELF_RUN = frozenset({"apache_flink", "kafka_connect"})
_ENDPOINTS = frozenset(
    {
        *("endpoint", "cloud_eye_endpoint"),
        *("cloudwatch_endpoint", "monitor_endpoint", "sts_endpoint"),
    }
)
_NO_BRACES = str.maketrans("", "", "{}")
_DEAR = 1.0
"""US dollars a day, for as many jobs as this:"""
_JOBS = 100
_UNVERIFIED = "any certificate is accepted: whoever is on the way can pass for the platform"


def config_warnings(config: Config) -> tuple[ConfigProblem, ...]:
    """Return what to think about again, with its place in the configuration."""
    return tuple(
        found
        for index, source in enumerate(config.sources)
        for found in (
            *_of_source(source.settings, f"sources[{index}]"),
            *_charges(source, f"sources[{index}]"),
        )
    )


def _charges(source: SourceConfig, place: str) -> Iterator[ConfigProblem]:
    cast = forecast(source.settings, source.platform.cost(source.settings, _JOBS), _JOBS)
    charge = cast.charge
    if charge is not None and charge.dollars_per_day > _DEAR:
        yield ConfigProblem(
            place,
            f"{charge.what} cost {charge.dollars_per_day:.2f} USD a day and "
            f"{charge.dollars_per_month:.2f} USD a month for {_JOBS} running jobs by the list "
            "price: ask for less, or less often",
        )


def _of_source(settings: SourceSettings, place: str) -> Iterator[ConfigProblem]:
    if settings.tls.insecure_skip_verify:
        yield ConfigProblem(f"{place}.tls.insecure_skip_verify", _UNVERIFIED)
    # What is self-run is often asked without a secret; the clouds find theirs without `auth`, too.
    if settings.platform not in _SELF_RUN or getattr(settings, "auth", None) is not None:
        yield from _plain_endpoints(settings, place)
    yield from _plain_beside(settings, place)


def _plain_endpoints(section: Section, place: str) -> Iterator[ConfigProblem]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _plain_endpoints(value, f"{place}.{name}")
        elif name in _ENDPOINTS and value is not None and _leaves_plain(value):
            yield ConfigProblem(f"{place}.{name}", _PLAIN)
        elif name == "endpoints":
            for number, address in enumerate(value):
                if _leaves_plain(address):
                    yield ConfigProblem(f"{place}.{name}[{number}]", _PLAIN)


def _plain_beside(section: Section, place: str) -> Iterator[ConfigProblem]:
    """Find what is asked beside the platform itself, and gets a secret only if it is given one."""
    for name, auth in _BESIDE.items():
        address = getattr(section, name, None)
        if address is not None and getattr(section, auth, None) and _leaves_plain(address):
            yield ConfigProblem(f"{place}.{name}", _PLAIN)
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _plain_beside(value, f"{place}.{name}")


def _leaves_plain(address: str) -> bool:
    """Say whether what is sent there leaves this machine as it is."""
    # What stands for the name of a cluster makes no difference.
    url = httpx.URL(address.translate(_NO_BRACES))
    if url.scheme != "http":
        return False
    try:
        return not ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return url.host != "localhost"
