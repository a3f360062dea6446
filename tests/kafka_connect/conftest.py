"""Fixtures of the tests that ask real workers."""

from collections.abc import Iterator

import pytest

from tests.kafka_connect.cluster import ConnectCluster
from tests.kafka_connect.distribution import ConnectDistribution, wanted_version
from tests.kafka_connect.stage import Stage


@pytest.fixture(scope="session")
def connect_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectCluster]:
    """Run two real workers and a broker, of the version that is asked for."""
    distribution = ConnectDistribution.locate(wanted_version())
    with ConnectCluster(distribution, tmp_path_factory.mktemp("connect"), workers=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def stage(connect_cluster: ConnectCluster) -> Iterator[Stage]:
    """Watch them with a source of the exporter."""
    made = Stage(connect_cluster)
    made.open()
    yield made
    made.close()
