"""Apsara Stack shows nothing, and no error, to whoever does not say whose jobs it wants to see."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette

from exporter.errors import FetchError, Reason
from exporter.platforms import load
from exporter.simulator.alibaba import foas as alibaba_foas
from exporter.simulator.alibaba import ververica as alibaba_ververica
from exporter.simulator.alibaba.access import Access, AccessKey
from exporter.simulator.alibaba.tenancy import Tenancy
from exporter.simulator.fault_injection import FaultInjection
from exporter.simulator.fleet.fleet import Fleet
from exporter.source import Inventory
from tests.vendors.alibaba_sources import open_source
from tests.virtual_time import EPOCH, run

ENDPOINT = "https://api.apsara.example"
TENANCY = {"organization_id": "37", "resource_group_id": "rg-5", "region_id": "cn-env-d01"}
OPTIONS: dict[str, dict[str, Any]] = {
    "alibaba_blink": {"projects": ["project1"]},
    "alibaba_flink": {"workspace": "w1", "namespaces": ["default"]},
}
every_platform = pytest.mark.parametrize("platform", OPTIONS)


def stack(platform: str) -> Starlette:
    """Return an Apsara Stack with one of the products."""
    started = EPOCH - 3600
    common: dict[str, Any] = {
        "fleet": Fleet(seed=1, started_at=started, plain_names=True),
        "faults": FaultInjection(started_at=started),
        "clock": lambda: EPOCH,
        "access": Access(AccessKey(key_id="testid", secret="testsecret")),
        "tenancy": Tenancy(organization="37", resource_group="rg-5", region="cn-env-d01"),
    }
    if platform == "alibaba_blink":
        return alibaba_foas.build(**common)
    return alibaba_ververica.build(**common, workspace="w1")


def inventory(platform: str, **options: Any) -> Inventory:
    async def read() -> Inventory:
        source = open_source(
            platform,
            httpx.ASGITransport(stack(platform)),
            endpoint=ENDPOINT,
            **OPTIONS[platform],
            **options,
        )
        return await source.fetch_inventory()

    return run(read())


def problems(platform: str, **options: Any) -> list[str]:
    given = {"name": "s", "platform": platform, **OPTIONS[platform], **options}
    with pytest.raises(ValidationError) as caught:
        load(platform).settings.model_validate(given)
    return [error["msg"] for error in caught.value.errors()]


@every_platform
def test_jobs_of_the_tenancy_are_listed(platform: str) -> None:
    """The gateway checks that all of its headers are signed."""
    assert len(inventory(platform, tenancy=TENANCY).jobs) >= 10


@every_platform
def test_nothing_is_listed_without_a_tenancy(platform: str) -> None:
    assert inventory(platform).jobs == ()


@every_platform
@pytest.mark.parametrize("name", TENANCY)
def test_tenancy_that_does_not_exist_is_a_failure(platform: str, name: str) -> None:
    with pytest.raises(FetchError) as caught:
        inventory(platform, tenancy={**TENANCY, name: "other"})
    assert (caught.value.reason, caught.value.code) == (Reason.AUTH, "ASAPI.Forbidden")


@every_platform
def test_region_of_the_source_is_that_of_the_tenancy_unless_given(platform: str) -> None:
    named = {key: value for key, value in TENANCY.items() if key != "region_id"}
    assert len(inventory(platform, tenancy=named, region="cn-env-d01").jobs) >= 10
    assert problems(platform, tenancy=named, endpoint=ENDPOINT) == [
        "tenancy.region_id or region is required"
    ]


@every_platform
def test_number_is_taken_for_its_digits(platform: str) -> None:
    assert len(inventory(platform, tenancy={**TENANCY, "organization_id": 37}).jobs) >= 10


@every_platform
def test_tenancy_needs_an_endpoint(platform: str) -> None:
    assert problems(platform, tenancy=TENANCY, region="cn-shanghai") == [
        "tenancy is for Apsara Stack, which needs an endpoint"
    ]


@every_platform
@pytest.mark.parametrize("name", TENANCY)
@pytest.mark.parametrize(
    "value", ["", "a b", "a\r\nx-acs-version: 1", "a\n", "组织", "\x00", "x" * 129, True, []]
)
def test_value_that_no_header_can_carry_is_refused(platform: str, name: str, value: Any) -> None:
    assert len(problems(platform, tenancy={**TENANCY, name: value}, endpoint=ENDPOINT)) == 1


@every_platform
@pytest.mark.parametrize("name", ["organization_id", "resource_group_id"])
def test_half_of_a_tenancy_is_refused(platform: str, name: str) -> None:
    half = {key: value for key, value in TENANCY.items() if key != name}
    assert problems(platform, tenancy=half, endpoint=ENDPOINT) == ["Field required"]
