"""Both languages have the same documents, made alike: what is in one is in the other."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.docs.markdown import Block, Section, sections
from tests.docs.pages import CHINESE, ENGLISH, ROOT, in_chinese, named, target

PAIRS = [path for path in ENGLISH if in_chinese(path).exists()]


def test_every_document_is_there_in_both_languages() -> None:
    assert [named(path) for path in ENGLISH if not in_chinese(path).exists()] == []
    folders = [ROOT, ROOT / "deploy"]
    chinese = [path for folder in folders for path in folder.glob("*.zh.md")]
    chinese += (ROOT / "docs").rglob("zh/*.md")
    assert [named(path) for path in chinese if path not in CHINESE] == []


@pytest.mark.parametrize("path", PAIRS, ids=named)
def test_headings_are_as_many_and_as_deep(path: Path) -> None:
    assert _outline(in_chinese(path)) == _outline(path)


def _outline(path: Path) -> list[int]:
    return [section.level for section in sections(path)]


def _pairs(path: Path) -> list[tuple[Section, Section]]:
    return list(zip(sections(path), sections(in_chinese(path)), strict=True))


@pytest.mark.parametrize("path", PAIRS, ids=named)
def test_tables_have_the_same_rows_with_the_same_code_names(path: Path) -> None:
    """Of the first column in the same order, of each other cell in any: sentences differ."""
    for english, chinese in _pairs(path):
        assert _cells(chinese) == _cells(english), chinese.title


def _cells(section: Section) -> list[list[list[list[str]]]]:
    return [
        [
            [list(cell.codes) if column == 0 else sorted(cell.codes)]
            for row in table
            for column, cell in enumerate(row)
        ]
        for table in section.tables
    ]


@pytest.mark.parametrize("path", PAIRS, ids=named)
def test_tables_have_as_many_columns(path: Path) -> None:
    for english, chinese in _pairs(path):
        assert _widths(chinese) == _widths(english), chinese.title


def _widths(section: Section) -> list[list[int]]:
    return [[len(row) for row in table] for table in section.tables]


@pytest.mark.parametrize("path", PAIRS, ids=named)
def test_sections_have_as_many_items_of_lists(path: Path) -> None:
    for english, chinese in _pairs(path):
        assert chinese.items == english.items, chinese.title


@pytest.mark.parametrize("path", PAIRS, ids=named)
def test_sections_name_the_same_things(path: Path) -> None:
    """What stands as code is a name or a value: what one language tells, so does the other."""
    for english, chinese in _pairs(path):
        assert set(chinese.codes) == set(english.codes), chinese.title


@pytest.mark.parametrize("path", PAIRS, ids=named)
def test_blocks_of_code_are_equal_but_for_comments(path: Path) -> None:
    for english, chinese in _pairs(path):
        there = [_without_comments(block) for block in english.blocks]
        assert [_without_comments(block) for block in chinese.blocks] == there, chinese.title


def _without_comments(block: Block) -> tuple[str, list[str], str]:
    lines = [re.sub(r"(^|\s+)#\s.*$", "", line) for line in block.text.splitlines()]
    return block.language, lines, block.marker


@pytest.mark.parametrize("path", PAIRS, ids=named)
def test_links_lead_to_the_same_places_in_their_own_language(path: Path) -> None:
    for english, chinese in _pairs(path):
        assert _places(in_chinese(path), chinese) == _places(path, english), chinese.title


def _places(path: Path, section: Section) -> Counter[tuple[str, int | None]]:
    """Return where links lead, as English names; links to the other language are left out."""
    found: Counter[tuple[str, int | None]] = Counter()
    for link in section.links:
        file, heading = target(path, link)
        if isinstance(file, str):
            found[file, None] += 1
        elif path in CHINESE:
            if file in CHINESE or not (file in ENGLISH and in_chinese(file).exists()):
                found[named(CHINESE.get(file, file)), heading] += 1
        elif file not in CHINESE:
            found[named(file), heading] += 1
    return found
