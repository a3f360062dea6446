"""Say where Tencent Cloud is, and how to log in there.

Vendor page: "Request structure" of API 3.0. A host is `{service}.tencentcloudapi.com`, with a
region, `intl` or `internal` between the two; which data are told is decided by the header
X-TC-Region, except in the finance regions, which are served by hosts of their own only.
"""

import re
from functools import partial
from typing import Annotated, Self

from pydantic import AfterValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.credentials import CredentialProvider, StaticProvider
from exporter.auth.guard import Guarding
from exporter.auth.tencent.settings import TencentAuthSettings
from exporter.auth.tencent.sources import tencent_chain
from exporter.auth.tencent.sts import REGION, Sts
from exporter.settings import Endpoint, region_such_as
from exporter.source import Names, SourceSettings
from exporter.upstream.connector import Connector

OCEANUS, MONITOR, STS = "oceanus", "monitor", "sts"
Region = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2}-[a-z]+(-[a-z0-9]+)*$"),
    region_such_as("ap-guangzhou"),
]
_PUBLIC = re.compile(r"https://(oceanus)((?:\.[a-z0-9-]+)*\.tencentcloudapi\.(?:com|cn|com\.cn))")
_FINANCE = "-fsi"
_SPACE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _workspaces(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _SPACE.fullmatch(name):
            raise PydanticCustomError(
                "workspaces", "not the id of a work space: {name}", {"name": repr(name)}
            )
    if len(set(names)) < len(names):
        raise PydanticCustomError("workspaces", "a work space is listed twice")
    return names


WorkSpaces = Annotated[Names, AfterValidator(_workspaces)]
"""The ids of work spaces, each once; none for all there are."""


def public_endpoint(service: str, region: str) -> str:
    """Return the public endpoint of a service that serves a region."""
    if region.endswith(_FINANCE):
        return f"https://{service}.{region}.tencentcloudapi.com"
    return f"https://{service}.tencentcloudapi.com"


class TencentSettings(SourceSettings):
    """Where the API is and who asks it: what every source of Tencent Cloud is told."""

    region: Region
    monitor_endpoint: Endpoint | None = None
    sts_endpoint: Endpoint | None = None
    auth: TencentAuthSettings | None = None

    @model_validator(mode="after")
    def _serves_finance(self) -> Self:
        public = self.endpoint is not None and _PUBLIC.fullmatch(self.endpoint)
        if public and self.region.endswith(_FINANCE) and f".{self.region}." not in public[2]:
            raise PydanticCustomError(
                "endpoint", "a finance region is served by hosts with its name in them only"
            )
        return self

    @model_validator(mode="after")
    def _sts_is_somewhere(self) -> Self:
        assumes = self.auth is not None and self.auth.assume_role is not None
        if assumes and self.endpoint_of(STS) is None:
            raise PydanticCustomError(
                "sts_endpoint", "sts_endpoint is required where endpoint is not a public one"
            )
        return self

    def endpoint_of(self, service: str) -> str | None:
        """Return where a service is; None where nothing says so.

        Beside a public endpoint it is the host of the same kind, since keys are of one site.
        """
        told = {MONITOR: self.monitor_endpoint, STS: self.sts_endpoint}.get(service)
        if told is not None:
            return told
        if self.endpoint is None:
            return public_endpoint(service, self.region)
        if service == OCEANUS:
            return self.endpoint
        public = _PUBLIC.fullmatch(self.endpoint)
        return f"https://{service}{public[2]}" if public else None


def credentials(
    settings: TencentSettings, connector: Connector
) -> tuple[CredentialProvider, Guarding]:
    """Return what hands out the credentials, and the guard that all who use them share."""
    auth, runtime = settings.auth, connector.runtime
    sts = Sts(
        settings.endpoint_of(STS),
        send=connector.send,
        guards=connector.guards,
        clock=runtime.clock,
        # A host of a finance region serves no other.
        region=settings.region if settings.region.endswith(_FINANCE) else REGION,
    )
    if auth is not None and auth.has_a_key:
        secret_id, secret_key = auth.known_secret("secret_id"), auth.known_secret("secret_key")
        provider: CredentialProvider = StaticProvider(secret_id, secret_key, auth.secret("token"))
    else:
        provider = tencent_chain(
            environ=runtime.environ,
            home=runtime.home,
            send=partial(connector.send, operation="GetSecurityCredentials"),
            clock=runtime.clock,
            metadata_url=runtime.tencent_metadata,
            system_file=runtime.tencent_credentials,
            sts=sts,
            aside=runtime.aside,
        )
    guard = connector.guards.of_keys(provider)
    if auth is not None and auth.assume_role is not None:
        role = auth.assume_role.role()
        provider = sts.assumed(provider, role)
        guard = connector.guards.of("\n".join(("tencent role", role.arn, role.session_name)))
    return provider, guard
