"""Fixtures of the fault matrix."""

import pytest

from tests.faults.authority import Authority, establish


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make the certificates once."""
    return establish(tmp_path_factory.mktemp("authority"))
