"""A password goes where the settings say, and nowhere by guess."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.platforms import huawei_dataarts, huawei_dli
from exporter.vendors.huawei import (
    HuaweiSettings,
    dataarts_endpoint,
    dli_endpoint,
    iam_beside,
    iam_endpoint,
)

IAM = {"username": "u", "password": "p", "domain": "d"}
PLATFORMS: dict[str, type[HuaweiSettings]] = {
    "huawei_dli": huawei_dli.Settings,
    "huawei_dataarts": huawei_dataarts.Settings,
}


@pytest.mark.parametrize("region", ["eu-west-101", "eu-west-102", "eu-west-1", "eu-west-1a"])
def test_european_site_has_a_domain_of_its_own_for_every_service(region: str) -> None:
    assert dli_endpoint(region) == f"https://dli.{region}.myhuaweicloud.eu"
    assert dataarts_endpoint(region) == f"https://dayu-dlf.{region}.myhuaweicloud.eu"
    assert iam_endpoint(region) == f"https://iam.{region}.myhuaweicloud.eu"


@pytest.mark.parametrize("region", ["eu-west-0", "eu-north-1", "cn-north-4"])
def test_other_regions_are_of_the_international_site(region: str) -> None:
    assert dli_endpoint(region) == f"https://dli.{region}.myhuaweicloud.com"


@pytest.mark.parametrize(
    ("endpoint", "region", "expected"),
    [
        (None, "cn-north-4", "https://iam.cn-north-4.myhuaweicloud.com"),
        ("https://dli.cn-north-4.myhuaweicloud.com", None, "cn-north-4.myhuaweicloud.com"),
        ("https://DLI.cn-north-4.myhuaweicloud.com.", "cn-north-4", "cn-north-4.myhuaweicloud.com"),
        ("https://dli.eu-west-101.myhuaweicloud.eu:443/x", None, "eu-west-101.myhuaweicloud.eu"),
        ("https://dli.myhuaweicloud.com", None, "https://iam.myhuaweicloud.com"),
        ("https://dli.cn-north-4.myhuaweicloud.com", "eu-west-101", None),
        ("https://dli.cn-north-4.myhuaweicloud.com", "ap-southeast-1", None),
        ("https://dli.cn-north-4.myhuaweicloud.eu", "cn-north-4", None),
        ("https://dli.myhuaweicloud.eu", "cn-north-4", None),
        ("https://dli.eu-de.otc.t-systems.com", "eu-de", None),
        ("https://dli.cn-north-4.evilmyhuaweicloud.com", "cn-north-4", None),
        ("https://dli.cn-north-4.myhuaweicloud.com.evil.example", "cn-north-4", None),
        ("https://dli.private.example", None, None),
        ("https://10.0.0.1", "cn-north-4", None),
        ("https://[::1]:8443", "cn-north-4", None),
    ],
)
def test_iam_is_known_beside_public_endpoints_of_the_same_region_only(
    endpoint: str | None, region: str | None, expected: str | None
) -> None:
    found = iam_beside(endpoint, region)
    assert (found is None) == (expected is None)
    assert found is None or found.endswith(str(expected))


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("region", [None, "cn-north-4"])
def test_private_cloud_needs_the_address_of_its_iam(platform: str, region: str | None) -> None:
    given: dict[str, Any] = {
        "name": "s",
        "platform": platform,
        "endpoint": "https://dli.private.example",
        "project_id": "p",
        "auth": {"iam": IAM},
        **({"region": region} if region else {}),
    }
    with pytest.raises(ValidationError) as caught:
        PLATFORMS[platform].model_validate(given)
    (error,) = caught.value.errors()
    assert error["msg"].startswith("auth.iam.endpoint is required: ")
    given["auth"] = {"iam": {**IAM, "endpoint": "https://iam.private.example"}}
    PLATFORMS[platform].model_validate(given)
