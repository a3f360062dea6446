"""Where the API is follows from the region, or from what is said, and is never guessed."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.vendors.tencent.settings import MONITOR, OCEANUS, STS
from tests.platforms.tencent_oceanus.api import settings

ROLE = {"role_arn": "qcs::cam::uin/1:roleName/reader"}


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("ap-guangzhou", "{}.tencentcloudapi.com"),
        ("ap-shanghai-fsi", "{}.ap-shanghai-fsi.tencentcloudapi.com"),
        ("na-ashburn", "{}.tencentcloudapi.com"),
    ],
)
def test_endpoints_are_the_public_ones_that_serve_the_region(region: str, host: str) -> None:
    found = settings(region=region)
    for service in (OCEANUS, MONITOR, STS):
        assert found.endpoint_of(service) == f"https://{host.format(service)}"


@pytest.mark.parametrize(
    "kind",
    [
        *("intl.tencentcloudapi.com", "internal.tencentcloudapi.com"),
        *("ap-beijing.tencentcloudapi.cn", "tencentcloudapi.com.cn"),
    ],
)
def test_other_services_are_beside_a_public_endpoint(kind: str) -> None:
    found = settings(endpoint=f"https://oceanus.{kind}", monitor=True)
    assert found.endpoint_of(MONITOR) == f"https://monitor.{kind}"
    assert found.endpoint_of(STS) == f"https://sts.{kind}"


@pytest.mark.parametrize(
    "endpoint",
    ["https://gateway.example", "http://oceanus.tencentcloudapi.com", "https://oceanus.example"],
)
def test_services_beside_an_endpoint_of_ones_own_are_not_guessed(endpoint: str) -> None:
    found = settings(endpoint=endpoint, monitor_endpoint="https://m.example")
    assert found.endpoint_of(OCEANUS) == endpoint
    assert (found.endpoint_of(MONITOR), found.endpoint_of(STS)) == ("https://m.example", None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"endpoint": "https://gateway.example", "monitor": True},
            "monitor_endpoint is required: endpoint is not a public one",
        ),
        (
            {"endpoint": "https://oceanus.tencentcloudapi.com", "region": "ap-shanghai-fsi"},
            "a finance region is served by hosts with its name in them only",
        ),
        ({"region": "guangzhou"}, "region"),
        ({"region": "ap-guangzhou.evil"}, "region"),
        ({"workspaces": ["space 1"]}, "not the id of a work space: 'space 1'"),
        ({"workspaces": ["space-1", "space-1"]}, "a work space is listed twice"),
        ({"time_zone": "Asia/Shanghai"}, "expected an offset from UTC such as +08:00"),
        ({"auth": {"secret_id": "a"}}, "secret_key or secret_key_file is required"),
        ({"auth": {"token": "a"}}, "secret_id or secret_id_file is required"),
        ({"auth": {"secret_id": "a", "secret_key": "b", "role_arn": "c"}}, "role_arn"),
        ({"auth": {}}, "secret_id or secret_id_file is required"),
        ({"auth": {"assume_role": ROLE, "token": "a"}}, "secret_id or secret_id_file is required"),
        ({"auth": {"assume_role": {}}}, "auth.assume_role.role_arn"),
        (
            {"auth": {"assume_role": {"role_arn": "acs:ram::1:role/x"}}},
            "expected qcs::cam::uin/<account>:roleName/<name>",
        ),
        ({"auth": {"assume_role": {**ROLE, "session_name": "a b"}}}, "session_name"),
        (
            {"auth": {"assume_role": {**ROLE, "duration": "13h"}}},
            "expected a duration from 15m to 12h",
        ),
        (
            {"auth": {"assume_role": ROLE}, "endpoint": "https://gateway.example"},
            "sts_endpoint is required where endpoint is not a public one",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**given)
    assert told in str(caught.value)


def test_finance_region_may_have_an_endpoint_with_its_name() -> None:
    endpoint = "https://oceanus.ap-shanghai-fsi.tencentcloudapi.com"
    assert settings(endpoint=endpoint, region="ap-shanghai-fsi").endpoint_of(STS) == (
        "https://sts.ap-shanghai-fsi.tencentcloudapi.com"
    )


def test_role_needs_no_key_where_the_machine_has_one() -> None:
    auth = settings(auth={"assume_role": ROLE}).auth
    assert auth is not None
    assert auth.assume_role is not None
    role = auth.assume_role.role()
    assert not auth.has_a_key
    assert (role.session_name, role.seconds) == ("streaming-job-exporter", 7200)
    assert "external_id" not in repr(role)
