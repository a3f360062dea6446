"""Every use of a name that a library promises to nobody has a row, and each row still holds."""

import tomllib

import pytest
from packaging.requirements import Requirement

from tests.libraries.private_names import ROWS, SEEN_BY_NOBODY, Row
from tests.libraries.used_names import DISTRIBUTIONS, ROOT, trees, used


def test_whatever_is_used_and_promised_to_nobody_has_a_row_and_each_row_is_used() -> None:
    rows = {(row.where, row.package, row.name) for row in ROWS}
    assert len(rows) == len(ROWS)
    assert used(trees()) == rows - SEEN_BY_NOBODY


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.package}-{row.name}")
def test_installed_version_has_what_a_row_says(row: Row) -> None:
    assert row.holds(), f"{row.where} uses {row.name} of {row.package}: without it {row.breaks}"


def test_libraries_that_are_used_so_have_an_upper_end() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = {each.name: each for each in map(Requirement, project["dependencies"])}
    for library in {row.package for row in ROWS}:
        wanted = ranges[DISTRIBUTIONS.get(library, library)]
        assert any(each.operator == "<" for each in wanted.specifier), wanted
