"""Read the tables of a document."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
CHAPTERS = {"en": ROOT / "docs", "zh": ROOT / "docs" / "zh"}


def sections(text: str) -> list[str]:
    """Return the sections of the second level in their order, headings included."""
    return [f"## {each}" for each in re.split(r"^## ", text, flags=re.MULTILINE)[1:]]


def rows(text: str) -> list[list[str]]:
    """Return the cells of each row of all tables, without their heads."""
    found = []
    lines = text.splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("|") and not line.startswith("|-") and not after.startswith("|-"):
            found.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return found


def first_words(text: str) -> list[str]:
    """Return what each row of the tables is about: all code of its first cell."""
    return [word for row in rows(text) for word in re.findall(r"`([^`]+)`", row[0])]
