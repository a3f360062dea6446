"""Fixtures of the simulated JobManager."""

import pytest

from tests.simulator.apache_flink.flink_runtime import Runtime


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()
