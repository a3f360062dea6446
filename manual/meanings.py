"""Find in the documents what each setting means."""

import re
from functools import cache
from pathlib import Path

CONFIGURATION = Path(__file__).parent.parent / "docs" / "configuration.md"
_COMMON = "Every source"


@cache
def _tables() -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """Return of each row: the heading above it, the settings it names, and what it says."""
    heading, rows = "", []
    for line in CONFIGURATION.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("| `"):
            cells = re.split(r" *(?<!\\)\| *", line.strip("| "), maxsplit=2)
            names = tuple(re.findall(r"`([a-z_.*]+)`", cells[0]))
            if len(cells) == 3:
                rows.append((heading, names, _plain(cells[2])))
    return tuple(rows)


def meanings(section: str, prefix: str = "") -> dict[str, str]:
    """Return what the settings of a platform, or of a section, mean, by their paths."""
    own: dict[str, str] = {}
    others: dict[str, str] = {}
    for heading, names, text in _tables():
        common = heading == _COMMON and not prefix
        found = own if common or section in heading.split() else others
        for name in names:
            if name.startswith(prefix):
                path = name.removeprefix(prefix).replace(".*", "")
                found.setdefault(path, _of_platform(text, section))
    # What is said once, of another platform, counts for all that have the setting.
    return {**others, **own}


def _of_platform(text: str, section: str) -> str:
    return text.removeprefix(f"{section} only: ").removeprefix(f"{section}: ")


def _plain(text: str) -> str:
    """Return a text without the signs of Markdown."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return text.replace("`", "").replace("(defaults) ", "").replace("\\|", "|").strip()
