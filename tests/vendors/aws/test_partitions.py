"""Services are where their partition is, and nobody is sent elsewhere by guess."""

import pytest

from exporter.vendors.aws.partitions import beside, partition_of, service_endpoint


@pytest.mark.parametrize(
    ("region", "partition", "endpoint"),
    [
        ("eu-west-1", "aws", "https://monitoring.eu-west-1.amazonaws.com"),
        ("mx-central-1", "aws", "https://monitoring.mx-central-1.amazonaws.com"),
        ("cn-north-1", "aws-cn", "https://monitoring.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "https://monitoring.us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "https://monitoring.eusc-de-east-1.amazonaws.eu"),
        ("us-iso-east-1", "aws-iso", "https://monitoring.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "https://monitoring.us-isob-east-1.sc2s.sgov.gov"),
        ("eu-isoe-west-1", "aws-iso-e", "https://monitoring.eu-isoe-west-1.cloud.adc-e.uk"),
        ("us-isof-south-1", "aws-iso-f", "https://monitoring.us-isof-south-1.csp.hci.ic.gov"),
        ("xx-new-1", "aws", "https://monitoring.xx-new-1.amazonaws.com"),
    ],
)
def test_region_has_a_partition_and_a_domain(region: str, partition: str, endpoint: str) -> None:
    assert partition_of(region).name == partition
    assert service_endpoint("monitoring", region) == endpoint


@pytest.mark.parametrize(
    ("endpoint", "found"),
    [
        (None, "https://sts.cn-north-1.amazonaws.com.cn"),
        (
            "https://vpce-1.kinesisanalytics.cn-north-1.vpce.amazonaws.com.cn",
            "https://sts.cn-north-1.amazonaws.com.cn",
        ),
        (
            "https://kinesisanalytics.cn-north-1.api.amazonwebservices.com.cn",
            "https://sts.cn-north-1.amazonaws.com.cn",
        ),
        ("https://kinesisanalytics.eu-west-1.amazonaws.com", None),
        ("https://amazonaws.com.cn.example", None),
        ("https://proxy.internal", None),
    ],
)
def test_other_services_are_beside_an_endpoint_of_the_same_partition_alone(
    endpoint: str | None, found: str | None
) -> None:
    assert beside("sts", "cn-north-1", endpoint) == found
