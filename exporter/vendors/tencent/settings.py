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
from exporter.auth.guard import RejectionGuard
from exporter.auth.settings import TencentAuthSettings
from exporter.auth.tencent.sources import tencent_chain
from exporter.auth.tencent.web_identity import OPERATION as LOGIN
from exporter.settings import Endpoint
from exporter.source import Names, SourceSettings
from exporter.upstream.connector import Connector

OCEANUS, MONITOR, STS = "oceanus", "monitor", "sts"
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}-[a-z]+(-[a-z0-9]+)*$")]
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
) -> tuple[CredentialProvider, RejectionGuard]:
    """Return what hands out the credentials, and the guard that all who use them share."""
    auth = settings.auth
    if auth is not None:
        secret_id, secret_key = auth.known_secret("secret_id"), auth.known_secret("secret_key")
        guard = connector.guards.of(secret_id.reveal(), secret_key.reveal())
        return StaticProvider(secret_id, secret_key, auth.secret("token")), guard
    runtime = connector.runtime
    chain = tencent_chain(
        environ=runtime.environ,
        home=runtime.home,
        send=partial(connector.send, operation="GetSecurityCredentials"),
        send_login=partial(connector.send, operation=LOGIN),
        clock=runtime.clock,
        metadata_url=runtime.tencent_metadata,
        system_file=runtime.tencent_credentials,
        sts=settings.endpoint_of(STS),
        aside=runtime.aside,
    )
    # One process has one environment and one role, so what the chain finds is one key.
    return chain, connector.guards.of("tencent default credential chain")
