"""Reach Huawei Cloud: where its services are, and how a source logs in to them.

Endpoints are those of the vendor's SDKs (region files of huaweicloudsdkdli and huaweicloudsdkdgc,
auth/endpoint.py of the core) and of "Regions and Endpoints"; `endpoint` in the configuration wins
over them, which clouds built on the same software (Open Telekom Cloud) need.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Self

import httpx
from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth import huawei_token
from exporter.auth.credentials import CredentialProvider, StaticProvider
from exporter.auth.guard import RejectionGuard
from exporter.auth.huawei_signature import HuaweiSignatureAuth
from exporter.auth.huawei_sources import huawei_chain
from exporter.auth.settings import HuaweiAuthSettings, IamSettings
from exporter.source import SourceSettings
from exporter.upstream.client import ApiClient
from exporter.upstream.connector import Connector
from exporter.upstream.refusals.huawei import read_refusal

_EUROPEAN_SITE = "eu-west-1"
"""What the names of all regions of the European site begin with."""
_PUBLIC_HOST = re.compile(r"[a-z0-9-]+\.(?:([a-z0-9-]+)\.)?myhuaweicloud\.(com|eu)")
_FOUND_BY_CHAIN = "huawei: whatever environment, profile or metadata hold"

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z0-9]{1,16}){1,3}$")]
ProjectId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
HeaderText = Annotated[str, StringConstraints(pattern=r"^[!-~]*$")]


def dli_endpoint(region: str) -> str:
    """Return where DLI answers; the European site has a domain of its own."""
    return f"https://dli.{region}.{_domain(region)}"


def dataarts_endpoint(region: str) -> str:
    """Return where DataArts Factory answers, by the names of its older days.

    The SDKs of all languages list eu-west-101 under .com here, although DLI and IAM are under .eu:
    an account of the European site is known there only, so theirs is a slip.
    """
    service = "dayu" if region == "cn-east-4" else "dayu-dlf"
    return f"https://{service}.{region}.{_domain(region)}"


def iam_endpoint(region: str | None) -> str:
    """Return where IAM answers: tokens are good in the region only that issued them."""
    return f"https://iam.{region}.{_domain(region)}" if region else "https://iam.myhuaweicloud.com"


def _domain(region: str) -> str:
    return "myhuaweicloud.eu" if region.startswith(_EUROPEAN_SITE) else "myhuaweicloud.com"


def iam_beside(endpoint: str | None, region: str | None) -> str | None:
    """Return the IAM that belongs to a service; None when the two settings do not say which.

    A password goes nowhere by guess: only a public endpoint names its region and site itself, and
    a region beside it must be the same one.
    """
    if endpoint is None:
        return iam_endpoint(region)
    host = httpx.URL(endpoint).host.lower().removesuffix(".")
    match = _PUBLIC_HOST.fullmatch(host)
    if match is None or (region and match[1] and match[1] != region):
        return None
    known = iam_endpoint(match[1] or region)
    # The region's own domain and that of the endpoint may differ: then one of them is wrong.
    return known if known.endswith(f".myhuaweicloud.{match[2]}") else None


class HuaweiSettings(SourceSettings):
    """What every Huawei Cloud source is told."""

    region: Region | None = None
    project_id: ProjectId
    auth: HuaweiAuthSettings | None = None

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.region is None and self.endpoint is None:
            raise PydanticCustomError("region", "region or endpoint is required")
        return self

    @model_validator(mode="after")
    def _password_has_a_destination(self) -> Self:
        iam = self.auth.iam if self.auth is not None else None
        if iam is not None and iam.endpoint is None and not iam_beside(self.endpoint, self.region):
            raise PydanticCustomError(
                "iam_endpoint",
                "auth.iam.endpoint is required: endpoint is not the public one of region, and the "
                "password must not be sent to another cloud",
            )
        return self

    @model_validator(mode="after")
    def _ids_can_be_asked_for(self) -> Self:
        for job_id in self.jobs.ids:
            # As part of a path these would name something else than a job.
            if job_id in ("", ".", ".."):
                raise PydanticCustomError("ids", "jobs.ids: {id} is no job", {"id": repr(job_id)})
        return self


def open_api(
    settings: HuaweiSettings,
    connector: Connector,
    endpoint: str,
    headers: Mapping[str, str] | None = None,
) -> ApiClient:
    """Return a client of one service that logs in as the settings say.

    Without `auth` the credentials come from environment, profile file or instance metadata.
    """
    auth, guard = _open_auth(settings, connector)
    return connector.api(
        endpoint,
        read_refusal=read_refusal,
        auth=auth,
        guard=guard,
        # X-Language chooses the language of messages; the SDK sends a Content-Type with GETs too.
        headers={"Content-Type": "application/json", "X-Language": "en-us", **(headers or {})},
    )


def _open_auth(
    settings: HuaweiSettings, connector: Connector
) -> tuple[httpx.Auth, RejectionGuard | None]:
    auth, runtime = settings.auth, connector.runtime
    if auth is not None and auth.iam is not None:
        # A refused token locks nothing; logins have a guard of their own.
        return _token_auth(settings, auth.iam, connector), None
    if auth is not None:
        provider = _static_provider(auth)
        key = auth.known_secret("access_key").reveal()
        guard = connector.guards.of(key, auth.known_secret("secret_key").reveal())
    else:
        guard = connector.guards.of(_FOUND_BY_CHAIN)
        provider = huawei_chain(
            environ=runtime.environ,
            home=runtime.home,
            send=partial(connector.send, operation="GetSecurityKey"),
            clock=runtime.clock,
            metadata_url=runtime.huawei_metadata,
            aside=runtime.aside,
        )
    signature = HuaweiSignatureAuth(provider, project_id=settings.project_id, clock=runtime.clock)
    return signature, guard


def _static_provider(auth: HuaweiAuthSettings) -> CredentialProvider:
    access_key = auth.known_secret("access_key")
    secret_key = auth.known_secret("secret_key")
    return StaticProvider(access_key, secret_key, auth.secret("security_token"))


def _known_iam(settings: HuaweiSettings) -> str:
    endpoint = iam_beside(settings.endpoint, settings.region)
    if endpoint is None:
        raise LookupError("auth.iam.endpoint was not given")
    return endpoint


def _token_auth(
    settings: HuaweiSettings, iam: IamSettings, connector: Connector
) -> huawei_token.HuaweiTokenAuth:
    login = huawei_token.PasswordLogin(
        endpoint=iam.endpoint or _known_iam(settings),
        username=iam.username,
        password=iam.known_secret("password"),
        domain=iam.domain,
        project_id=settings.project_id,
        project_name=iam.project_name,
    )
    send = partial(connector.send, operation=huawei_token.OPERATION)
    return huawei_token.HuaweiTokenAuth(
        login, send, connector.guards, clock=connector.runtime.clock
    )
