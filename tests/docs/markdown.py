"""Read a document as a Markdown parser sees it: section by section, with what can be compared."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text without marks, and what stands in it as code."""

    text: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code; `marker` is the text of the HTML comment right before it."""

    language: str
    text: str
    line: int
    marker: str = ""


@dataclass(slots=True)
class Section:
    """What stands between one heading and the next; the first has none if text precedes it."""

    level: int = 0
    title: str = ""
    anchor: str = ""
    items: int = 0
    codes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tables: list[list[tuple[Cell, ...]]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    @property
    def rows(self) -> list[tuple[Cell, ...]]:
        """Return the rows of all its tables, without their heads."""
        return [row for table in self.tables for row in table[1:]]


@cache
def sections(path: Path) -> tuple[Section, ...]:
    """Return the sections of a document."""
    return tuple(_sections(MarkdownIt("commonmark").enable("table").parse(path.read_text())))


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    section, marker = Section(), ""
    anchors: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            if section.level or section.codes or section.links:
                yield section
            title = _text(tokens[index + 1])
            section = Section(int(token.tag[1]), title, _anchor(title, anchors))
        elif token.type == "list_item_open":
            section.items += 1
        elif token.type == "table_open":
            section.tables.append([])
        elif token.type == "tr_open":
            section.tables[-1].append(())
        elif token.type == "inline":
            section.codes += _codes(token)
            section.links += _links(token)
            if tokens[index - 1].type in ("th_open", "td_open"):
                section.tables[-1][-1] += (Cell(_text(token), tuple(_codes(token))),)
        elif token.type in ("fence", "code_block"):
            line = token.map[0] + 1 if token.map else 0
            section.blocks.append(Block(token.info.strip(), token.content, line, marker))
        if token.type == "html_block":
            marker = " ".join(token.content.removeprefix("<!--").partition("-->")[0].split())
        elif token.type != "list_item_open":
            marker = ""
    yield section


def _text(inline: Token) -> str:
    return "".join(
        child.content if child.type in ("text", "code_inline") else " "
        for child in inline.children or ()
        if child.type in ("text", "code_inline", "softbreak", "hardbreak")
    )


def _codes(inline: Token) -> list[str]:
    return [child.content for child in inline.children or () if child.type == "code_inline"]


def _links(inline: Token) -> list[str]:
    found = [child.attrGet("href") for child in inline.children or () if child.type == "link_open"]
    found += [child.attrGet("src") for child in inline.children or () if child.type == "image"]
    return [str(target) for target in found if target]


def _anchor(title: str, taken: dict[str, int]) -> str:
    """Return the anchor that GitHub gives a heading; of equal ones the later get a number."""
    anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    taken[anchor] = taken.get(anchor, -1) + 1
    return f"{anchor}-{taken[anchor]}" if taken[anchor] else anchor
