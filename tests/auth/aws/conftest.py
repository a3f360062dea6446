"""The machine that credentials are found on."""

from pathlib import Path

import pytest

from tests.auth.aws.world import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
