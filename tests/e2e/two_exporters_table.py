"""Write what two exporters told as a table, in the language of the page that it stands in."""

from collections.abc import Mapping, Sequence
from pathlib import Path

_DOCS = Path(__file__).parents[2] / "docs"
_BEGIN, _END = "<!-- two exporters -->\n", "<!-- end of two exporters -->\n"
_CHINESE = {
    "two": "两个",
    "one of them": "其中一个",
    "its own job, failed before": "它自己的作业，先已失败",
    "the other's, failed before": "另一个的作业，先已失败",
    "its own job, fails meanwhile": "它自己的作业，其间失败",
    "the other's, fails meanwhile": "另一个的作业，其间失败",
    "told besides": "另外报告",
    "replicas": "副本",
    "shards": "分片",
    "dies": "死了",
    "is blind": "看不见",
    "is new": "是新来的",
    "told, and ended with the repair": "报告了，修好后结束",
    "told, and stays": "报告了，一直保留",
    "not told": "没有报告",
    "nothing": "没有",
}
PAGES: Mapping[Path, Mapping[str, str]] = {
    _DOCS / "scaling.md": {},
    _DOCS / "zh" / "scaling.md": _CHINESE,
}
"""The pages with the table, and what its words are there."""
HEADER = tuple(_CHINESE)[:7]


def page(path: Path, rows: Sequence[Sequence[str]]) -> str:
    """Return the text of a page with these rows in its table, which are given in English."""
    words = PAGES[path]
    cells = [HEADER, ("---",) * len(HEADER), *rows]
    table = "\n".join(
        f"| {' | '.join(words.get(cell, _listed(cell, words)) for cell in row)} |" for row in cells
    )
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    return f"{before}{_BEGIN}\n{table}\n\n{_END}{rest.partition(_END)[2]}"


def rows(path: Path) -> list[list[str]]:
    """Return the rows of the table that a page has now."""
    table = path.read_text(encoding="utf-8").partition(_BEGIN)[2].partition(_END)[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def _listed(cell: str, words: Mapping[str, str]) -> str:
    return cell.replace("), ", ")、") if words else cell
