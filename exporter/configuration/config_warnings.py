"""Say what a configuration allows that gives secrets away.

It is used as it stands: a laboratory may want just that. But whoever wrote it must have been told.
"""

import ipaddress
from collections.abc import Iterator

import httpx

from exporter.configuration.config import Config
from exporter.errors import ConfigProblem
from exporter.settings import Section
from exporter.source import SourceSettings

_PLAIN = "plain HTTP: whoever is on the way reads and changes what is sent, credentials included"
_UNVERIFIED = "any certificate is accepted: whoever is on the way can pass for the platform"


def config_warnings(config: Config) -> tuple[ConfigProblem, ...]:
    """Return what to think about again, with its place in the configuration."""
    return tuple(
        found
        for index, source in enumerate(config.sources)
        for found in _of_source(source.settings, f"sources[{index}]")
    )


def _of_source(settings: SourceSettings, place: str) -> Iterator[ConfigProblem]:
    if settings.tls.insecure_skip_verify:
        yield ConfigProblem(f"{place}.tls.insecure_skip_verify", _UNVERIFIED)
    # Self-run Flink is often asked without any secret; the clouds find theirs without `auth`, too.
    if settings.platform != "apache_flink" or getattr(settings, "auth", None) is not None:
        yield from _plain_endpoints(settings, place)


def _plain_endpoints(section: Section, place: str) -> Iterator[ConfigProblem]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _plain_endpoints(value, f"{place}.{name}")
        elif name == "endpoint" and value is not None and _leaves_plain(value):
            yield ConfigProblem(f"{place}.{name}", _PLAIN)
        elif name == "endpoints":
            for number, address in enumerate(value):
                if _leaves_plain(address):
                    yield ConfigProblem(f"{place}.{name}[{number}]", _PLAIN)


def _leaves_plain(address: str) -> bool:
    """Say whether what is sent there leaves this machine as it is."""
    url = httpx.URL(address)
    if url.scheme != "http":
        return False
    try:
        return not ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return url.host != "localhost"
