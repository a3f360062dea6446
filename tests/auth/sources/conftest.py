"""Fixtures of the places where keys are found."""

from pathlib import Path

import pytest

from tests.auth.sources.key_places import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
