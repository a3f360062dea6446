"""The document about the status page names every parameter of its addresses, and their values."""

import re
from pathlib import Path

import pytest

from exporter.model import State
from exporter.pages.languages import Language
from exporter.pages.overview import PAGE_SIZE
from exporter.pages.query import Query, Sort

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (DOCS / "status-page.md", DOCS / "zh" / "status-page.md")


@pytest.mark.parametrize("path", PAGES, ids=("en", "zh"))
def test_every_parameter_of_an_address_is_documented_with_its_values(path: Path) -> None:
    rows = {}
    for line in path.read_text().splitlines():
        if line.startswith("| `"):
            names, values = line.strip("| ").split(" | ")
            for name in re.findall(r"`([^`]+)`", names):
                rows[name] = values
    whole = Query(
        text="x",
        states=frozenset({State.FAILED}),
        sources=frozenset({"x"}),
        platforms=frozenset({"x"}),
        sort=Sort.NAME,
        descending=True,
        page=2,
        language=Language.CHINESE,
    )
    assert list(rows) == [name for name, _ in whole.pairs()]
    sorts = [sort.value for sort in Sort if sort is not Sort.ATTENTION]
    assert re.findall(r"`([^`]+)`", rows["sort"]) == sorts
    assert re.findall(r"`([^`]+)`", rows["lang"]) == [language.value for language in Language]
    assert str(PAGE_SIZE) in rows["page"]
