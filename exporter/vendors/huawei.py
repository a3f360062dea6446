"""Reach Huawei Cloud: where its services are, and what a source of it is told.

Endpoints are those of the vendor's SDKs (region files of huaweicloudsdkdli and huaweicloudsdkdgc,
auth/endpoint.py of the core) and of "Regions and Endpoints"; `endpoint` in the configuration wins
over them, which clouds built on the same software (Open Telekom Cloud) need.
"""

import re
from typing import Annotated, Self

import httpx
from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.settings import HuaweiAuthSettings
from exporter.settings import expecting, region_such_as
from exporter.source import SourceSettings

_EUROPEAN_SITE = "eu-west-1"
"""What the names of all regions of the European site begin with."""
_PUBLIC_HOST = re.compile(r"[a-z0-9-]+\.(?:([a-z0-9-]+)\.)?myhuaweicloud\.(com|eu)")

Region = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z0-9]{1,16}){1,3}$"),
    region_such_as("cn-north-4"),
]
ProjectId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"),
    expecting("the id of a project: up to 64 letters, digits, dashes or underscores"),
]
HeaderText = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]*$"),
    expecting("printable ASCII characters without blanks"),
]


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


def cloud_eye_beside(endpoint: str | None, region: str | None) -> str | None:
    """Return the Cloud Eye that belongs to a service; None when the settings do not say which."""
    sts = sts_beside(endpoint, region)
    return None if sts is None else sts.replace("//sts.", "//ces.", 1)


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


def sts_beside(endpoint: str | None, region: str | None) -> str | None:
    """Return the STS that belongs to a service; None when the settings do not say which.

    There is none without a region, though the keys of any are good everywhere.
    """
    iam = iam_beside(endpoint, region)
    if iam is None or iam == iam_endpoint(None):
        return None
    return iam.replace("//iam.", "//sts.", 1)


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
    def _agency_has_a_place(self) -> Self:
        agency = self.auth.assume_agency if self.auth is not None else None
        if agency is None or agency.endpoint is not None or (self.auth and self.auth.iam):
            return self
        service, place = ("STS", sts_beside) if agency.domain_id else ("IAM", iam_beside)
        if place(self.endpoint, self.region) is None:
            raise PydanticCustomError(
                "agency_endpoint",
                "auth.assume_agency.endpoint, the address of {service}, is required: endpoint is "
                "not the public one of region",
                {"service": service},
            )
        return self

    @model_validator(mode="after")
    def _ids_can_be_asked_for(self) -> Self:
        for job_id in self.jobs.ids:
            # As part of a path these would name something else than a job.
            if job_id in ("", ".", ".."):
                raise PydanticCustomError("ids", "jobs.ids: {id} is no job", {"id": repr(job_id)})
        return self
