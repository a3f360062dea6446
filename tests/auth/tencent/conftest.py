"""Fixtures of the places where Tencent's keys are found."""

from pathlib import Path

import pytest

from tests.auth.tencent.places import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
