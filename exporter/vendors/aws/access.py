"""Reach services of Amazon Web Services: their settings, and clients that sign for each.

One source is one account in one region. Signing names are those of the vendor: `kinesisanalytics`
for the Managed Service for Apache Flink, `monitoring` for CloudWatch, `sts`.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Protocol

from pydantic import StringConstraints

from exporter.auth.aws.chain import Identities
from exporter.auth.aws.settings import AwsAuthSettings
from exporter.auth.aws.signature import AwsSignatureAuth
from exporter.auth.credentials import CredentialProvider
from exporter.errors import FetchError, Reason
from exporter.settings import Endpoint, region_such_as
from exporter.source import SourceSettings
from exporter.upstream.client import NOT_THE_API, decode_json
from exporter.upstream.connector import Connector
from exporter.upstream.refusals.aws import read_refusal
from exporter.vendors.aws.partitions import beside

Region = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,5}(-[a-z0-9]{1,16}){1,4}$"),
    region_such_as("eu-west-1"),
]


class AwsSettings(SourceSettings):
    """What every source at Amazon Web Services is told."""

    region: Region
    sts_endpoint: Endpoint | None = None
    auth: AwsAuthSettings | None = None

    @property
    def known_sts_endpoint(self) -> str | None:
        """Return where roles are asked for; None when the settings do not say."""
        return self.sts_endpoint or beside("sts", self.region, self.endpoint)


def open_identity(settings: AwsSettings, connector: Connector) -> CredentialProvider:
    """Return what hands out the keys of a source: one, for all services that it asks."""
    runtime = connector.runtime
    identities = Identities(
        environ=runtime.environ,
        home=runtime.home,
        region=settings.region,
        sts_endpoint=settings.known_sts_endpoint,
        send=connector.send,
        aside=runtime.aside,
        clock=runtime.clock,
        instance_url=runtime.aws_metadata,
    )
    return identities.of(settings.auth)


class Asks(Protocol):
    """A service that is asked by the names of its operations."""

    async def ask(self, operation: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the object it answers; raises FetchError."""


class JsonService:
    """One service that speaks a JSON protocol: every call is a POST that names its operation."""

    def __init__(
        self,
        endpoint: str,
        settings: AwsSettings,
        connector: Connector,
        identity: CredentialProvider,
        *,
        signing_name: str,
        target: str,
        version: str,
        aside_of_listing: bool = False,
    ) -> None:
        """Take where it is and how it names things.

        What is `aside_of_listing` is not what a listing waits for, and is bounded by itself.
        """
        self._target = target
        limits = connector.limits
        self._api = connector.api(
            endpoint,
            read_refusal=read_refusal,
            auth=AwsSignatureAuth(
                identity,
                region=settings.region,
                service=signing_name,
                clock=connector.runtime.clock,
            ),
            headers={"Content-Type": f"application/x-amz-json-{version}"},
            limits=replace(limits, stall=None) if aside_of_listing else limits,
        )

    async def ask(self, operation: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call an operation and return the object it answers; raises FetchError."""
        body = json.dumps(fields, separators=(",", ":")).encode()
        headers = {"X-Amz-Target": f"{self._target}.{operation}"}
        answer = await self._api.post(operation, (), body, headers)
        document = decode_json(operation, answer, NOT_THE_API)
        if not isinstance(document, Mapping):
            raise invalid(operation, f"expected an object; {NOT_THE_API}")
        return document


def invalid(operation: str, detail: str) -> FetchError:
    """Build the error of an answer that is not what the vendor documents."""
    return FetchError(Reason.INVALID_RESPONSE, operation, detail=detail)
