"""Fixtures that all tests share."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.flink_cluster import FlinkCluster, FlinkDistribution
from tests.flink_cluster.distribution import VERSION

# How long an example takes says more about the machine than about the code. Where a change is
# judged, it is judged by the same examples each time; new ones are looked for elsewhere.
settings.register_profile("untimed", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def flink_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """Run one real Flink for all tests that ask for it, of the version that is asked for."""
    version = os.environ.get("FLINK_VERSION") or VERSION
    distribution = FlinkDistribution.locate(version=version)
    with FlinkCluster(distribution, tmp_path_factory.mktemp("flink")) as cluster:
        yield cluster


REAL = frozenset({"flink_cluster", "flink_applications", "browser", "rig", "station", "stage"})
"""Fixtures that start a real Flink or Kafka Connect, a browser, Prometheus, Alertmanager, or what
they look at."""


ASKED_FOR = ("kubernetes", "packaging")
"""Marks of tests that do not run with all others."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that use one of them; those that ask such a program directly say so.

    What takes a tool of its own, such as a real API server that is built for six minutes, runs when
    it is asked for by name.
    """
    for name in ASKED_FOR:
        if name not in str(config.option.markexpr):
            items[:] = [item for item in items if item.get_closest_marker(name) is None]
    for item in items:
        if isinstance(item, pytest.Function) and not REAL.isdisjoint(item.fixturenames):
            item.add_marker(pytest.mark.real)


@pytest.fixture(autouse=True)
def _clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep credentials and proxies of whoever runs the tests out of them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that rewrites the golden files."""
    parser.addoption(
        "--update-golden", action="store_true", help="write what is instead of comparing it"
    )
