"""Every recorded case of every platform becomes exactly the exposition kept beside it."""

from pathlib import Path

import pytest

from exporter import platforms
from tests import golden

NEEDED = {"typical", "empty", "missing_fields", "unknown_state", "paged", "error"}


@pytest.mark.parametrize(
    "folder", golden.cases(), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_case_becomes_the_expected_exposition(folder: Path, request: pytest.FixtureRequest) -> None:
    outcome = golden.play(folder)
    expected = folder / "expected.prom"
    if request.config.getoption("--update-golden"):
        expected.write_text(outcome.exposition)
    assert outcome.unexpected == []
    assert outcome.unused == []
    assert outcome.exposition.splitlines() == expected.read_text().splitlines()


@pytest.mark.parametrize("platform", platforms.names())
def test_platform_has_the_cases_that_every_platform_needs(platform: str) -> None:
    cases = {folder.name for folder in golden.cases() if folder.parent.name == platform}
    assert cases >= NEEDED
