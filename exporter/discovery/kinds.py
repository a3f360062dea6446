"""List the ways of finding clusters, and open the one that is configured.

A new way is a module with its own `Section` and a function that opens it: it gets a field in
`DiscoverySettings` and an entry in `_OPENERS`, both under the name that the configuration has.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.discovery.clusters import Discovery
from exporter.discovery.dns import DnsSettings, open_dns
from exporter.discovery.files import FilesSettings, open_files
from exporter.discovery.http import HttpSettings, open_http
from exporter.discovery.kubernetes import KubernetesSettings, open_kubernetes
from exporter.discovery.surroundings import Surroundings
from exporter.discovery.yarn_opening import open_yarn
from exporter.discovery.yarn_settings import YarnSettings
from exporter.settings import PositiveDuration, Section
from exporter.source import Pattern

_OPENERS: Mapping[str, Callable[[Any, Surroundings], Discovery]] = {
    "files": open_files,
    "http": open_http,
    "dns": open_dns,
    "kubernetes": open_kubernetes,
    "yarn": open_yarn,
}
KINDS = tuple(_OPENERS)


class DiscoverySettings(Section):
    """How clusters are found, by exactly one kind, and which of them may be asked."""

    files: FilesSettings | None = None
    http: HttpSettings | None = None
    dns: DnsSettings | None = None
    kubernetes: KubernetesSettings | None = None
    yarn: YarnSettings | None = None
    hosts: tuple[Pattern, ...] = ()
    allow_loopback: bool = False
    max_clusters: Annotated[int, Field(ge=1, le=10_000)] = 500
    refresh: PositiveDuration = 60.0

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            kinds = ", ".join(KINDS[:-1])
            raise PydanticCustomError(
                "discovery",
                "give exactly one of {kinds} or {last}",
                {"kinds": kinds, "last": KINDS[-1]},
            )
        return self

    @property
    def kind(self) -> str:
        """Return the name of the kind."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


def open_discovery(settings: DiscoverySettings, surroundings: Surroundings) -> Discovery:
    """Open the discovery that is configured. Raises ConfigError when it cannot be."""
    return _OPENERS[settings.kind](getattr(settings, settings.kind), surroundings)
