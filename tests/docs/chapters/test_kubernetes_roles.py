"""The roles for Kubernetes in the documents are enough, and with any right less they are not."""

from collections.abc import Iterator

import pytest
import yaml

from exporter.errors import FetchError
from exporter.platforms.flink_operator import OperatorSource
from exporter.simulator.kubernetes.access import Rule
from exporter.source import Details
from tests.discovery.test_kubernetes import World as Discovered
from tests.discovery.test_kubernetes import find
from tests.docs.blocks import DOCS
from tests.platforms.flink_operator.clusters import World


def _rights(name: str) -> Iterator[Rule]:
    """Yield each right of a role as a rule of its own."""
    role = next(yaml.safe_load_all((DOCS / "policies" / name).read_text(encoding="utf-8")))
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Rule(resources=(resource,), group=group, verbs=(verb,))


def _refused(*rights: Rule) -> list[str]:
    """Return what is refused to an account with these rights that looks for a cluster."""
    world = Discovered(*rights)
    world.serve("orders-rest", labels={"app": "orders"}, deployment="orders")
    world.deploy("orders")
    try:
        (found,) = find(world)
    except FetchError as exc:
        return [exc.operation]
    assert len(found.living) == 1
    return [each.operation for each in found.failures]


def test_role_of_discovery_is_enough_and_no_right_of_it_can_be_spared() -> None:
    rights = list(_rights("apache_flink.yml"))
    assert _refused(*rights) == []
    for right in rights:
        rest = [each for each in rights if each is not right]
        (refused,) = _refused(*rest)
        assert refused.startswith(f"{right.verbs[0]} {right.resources[0]}")


@pytest.mark.parametrize(
    ("whole", "told"),
    [(True, "there is no Service"), (False, "may not get services/proxy")],
    ids=["whole", "without the proxy"],
)
def test_role_of_the_operator_lets_jobmanagers_be_asked_through_the_api_server(
    whole: bool, told: str
) -> None:
    proxy = ("services/proxy",)
    rights = [each for each in _rights("flink_operator.yml") if whole or each.resources != proxy]
    world = World(rules=tuple(rights))
    world.healthy("job")

    async def ask(source: OperatorSource) -> Details:
        (row,) = (await source.fetch_inventory()).jobs
        return await source.fetch_details(row)

    (failure,) = world.use(ask, details="api_proxy").failures
    assert told in str(failure)
