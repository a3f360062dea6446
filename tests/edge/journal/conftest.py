"""Fixtures of the journal."""

from pathlib import Path

import pytest


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "edge.db"
