"""Fixtures of what an upstream cannot make the exporter do."""

import pytest

from tests.faults.authority import Authority, establish


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make the certificates once."""
    return establish(tmp_path_factory.mktemp("authority"))
