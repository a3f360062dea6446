"""Declare what `discovery.yarn` of a source may hold."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.settings import FlinkAuthSettings
from exporter.settings import Endpoint, Section
from exporter.source import Pattern, TlsSettings

MOST_ENDPOINTS = 20

_Name = Annotated[str, Field(min_length=1, max_length=255)]
_Endpoints = Annotated[tuple[Endpoint, ...], Field(max_length=MOST_ENDPOINTS)]


class ApplicationSelection(Section):
    """Which applications are watched, by their names."""

    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()


class YarnSettings(Section):
    """ResourceManagers, and which of their applications are Flink clusters to watch."""

    endpoints: Annotated[_Endpoints, Field(min_length=1)]
    proxy_endpoints: _Endpoints = ()
    """Where the web proxy answers, when that is not each ResourceManager itself."""
    applications: ApplicationSelection = ApplicationSelection()
    queues: tuple[_Name, ...] = ()
    application_type: _Name = "Apache Flink"
    session_clusters: tuple[Pattern, ...] = ("Flink session cluster",)
    """Names of applications whose end says nothing of their jobs."""
    user: _Name | None = None
    reach: Literal["proxy", "direct"] = "proxy"
    scheme: Literal["http", "https"] = "http"
    """How JobManagers are asked that are reached directly."""
    auth: FlinkAuthSettings | None = None
    tls: TlsSettings = TlsSettings()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.reach == "direct" and self.proxy_endpoints:
            raise PydanticCustomError("reach", "proxy_endpoints are for reach: proxy")
        if self.reach == "proxy" and self.scheme != "http":
            raise PydanticCustomError(
                "reach", "scheme is for reach: direct; proxy addresses have one of their own"
            )
        if "," in self.application_type:
            raise PydanticCustomError("application_type", "application_type: one type, no list")
        return self
