"""Read what documents show in blocks: configurations, policies, commands and what they print."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("", "zh")
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(name: str, language: str) -> str:
    """Return a chapter, in English where the language is empty."""
    return (DOCS / language / name).read_text(encoding="utf-8")


def fenced(text: str, kind: str) -> list[str]:
    """Return the blocks of a kind, in their order."""
    return [block for found, block in _FENCED.findall(text) if found == kind]


def section(text: str, heading: str) -> str:
    """Return what stands under a heading of the second or third level, up to the next one."""
    start = re.search(rf"^##+ {re.escape(heading)}$", text, re.MULTILINE)
    assert start is not None, heading
    rest = text[start.end() :]
    end = re.search(r"^##+ ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def printed(text: str, command: str) -> str:
    """Return what a block of a console shows to be printed by a command."""
    for block in fenced(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE):
            asked, _, output = part.partition("\n")
            if asked.partition("#")[0].strip() == command:
                return output
    raise AssertionError(f"no block shows {command}")


def rows(text: str) -> list[list[str]]:
    """Return the cells of all rows of tables, headings left out."""
    found: list[list[str]] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        follows = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not _is_rule(line) and not _is_rule(follows):
            found.append([cell.strip() for cell in line.strip().strip("|").split(" | ")])
    return found


def _is_rule(line: str) -> bool:
    return line.startswith("|") and set(line) <= set("|-: ")
