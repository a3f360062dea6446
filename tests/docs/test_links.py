"""Links of the documents lead somewhere, down to the heading."""

from pathlib import Path

import pytest

from tests.docs.markdown import sections
from tests.docs.pages import CHINESE, ENGLISH, ROOT, named, target

PAGES = [
    *ENGLISH,
    *(path for path in CHINESE if path.exists()),
    *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_lead_to_files_and_headings_that_are_there(path: Path) -> None:
    nowhere = []
    for link in (link for section in sections(path) for link in section.links):
        try:
            file, _ = target(path, link)
        except ValueError:
            nowhere.append(f"{link}: no such heading")
            continue
        if isinstance(file, Path) and not file.exists():
            nowhere.append(f"{link}: no such file")
    assert nowhere == []
