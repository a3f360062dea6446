"""Know where the services of a region are.

botocore, `data/partitions.json` and `data/endpoints.json`: a partition is a set of regions with
accounts, identities and a domain of its own. A region that is not known yet belongs to the one
whose pattern it has.
"""

import re
from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition: its id, as ARNs have it, its regions and its domains."""

    name: str
    regions: re.Pattern[str]
    suffix: str
    dual_stack_suffix: str = ""

    def holds(self, host: str) -> bool:
        """Say whether a host is one of its services, be it public or a private endpoint."""
        suffixes = [each for each in (self.suffix, self.dual_stack_suffix) if each]
        return any(host.endswith(f".{suffix}") for suffix in suffixes)


_PARTITIONS = (
    Partition(
        name="aws",
        regions=re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+"),
        suffix="amazonaws.com",
        dual_stack_suffix="api.aws",
    ),
    Partition(
        name="aws-cn",
        regions=re.compile(r"cn-\w+-\d+"),
        suffix="amazonaws.com.cn",
        dual_stack_suffix="api.amazonwebservices.com.cn",
    ),
    Partition(
        name="aws-us-gov",
        regions=re.compile(r"us-gov-\w+-\d+"),
        suffix="amazonaws.com",
        dual_stack_suffix="api.aws",
    ),
    Partition(
        name="aws-eusc",
        regions=re.compile(r"eusc-(de)-\w+-\d+"),
        suffix="amazonaws.eu",
        dual_stack_suffix="api.amazonwebservices.eu",
    ),
    Partition(name="aws-iso", regions=re.compile(r"us-iso-\w+-\d+"), suffix="c2s.ic.gov"),
    Partition(name="aws-iso-b", regions=re.compile(r"us-isob-\w+-\d+"), suffix="sc2s.sgov.gov"),
    Partition(name="aws-iso-e", regions=re.compile(r"eu-isoe-\w+-\d+"), suffix="cloud.adc-e.uk"),
    Partition(name="aws-iso-f", regions=re.compile(r"us-isof-\w+-\d+"), suffix="csp.hci.ic.gov"),
)


def partition_of(region: str) -> Partition:
    """Return the partition of a region; `aws` for one of a pattern that nobody knows."""
    for partition in _PARTITIONS:
        if partition.regions.fullmatch(region):
            return partition
    return _PARTITIONS[0]


def service_endpoint(service: str, region: str) -> str:
    """Return where a service answers in a region, by its name in addresses."""
    return f"https://{service}.{region}.{partition_of(region).suffix}"


def beside(service: str, region: str, endpoint: str | None) -> str | None:
    """Return where another service answers beside an endpoint; None when nobody can say.

    An endpoint that is not of AWS may be anybody: what is meant for AWS is not guessed from it,
    and signatures go nowhere by guess.
    """
    if endpoint is None or partition_of(region).holds(httpx.URL(endpoint).host.lower()):
        return service_endpoint(service, region)
    return None
