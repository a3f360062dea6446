"""Read a page of metrics strictly and quickly: tests look at thousands of them.

The client library's own parser takes half a second for a page that is read each second of a story;
`tests/test_scrape.py` holds the two against each other.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LABEL = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"'
_LINE = re.compile(rf"([a-zA-Z_:][\w:]*)(?:\{{((?:{_LABEL},)*{_LABEL})\}})? (\S+)")
_PAIR = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


class Sample(NamedTuple):
    """One line of a page."""

    name: str
    labels: dict[str, str]
    value: float


def samples(page: str, *names: str) -> Iterator[Sample]:
    """Yield the samples of a page, or of these families alone.

    Raises ValueError when any line cannot be read, or a series is there twice.
    """
    seen = set()
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"no sample: {line}")
        series = line[: match.end(2) if match[2] else match.end(1)]
        if series in seen:
            raise ValueError(f"twice: {series}")
        seen.add(series)
        if not names or match[1] in names:
            labels = {name: _unescaped(value) for name, value in _PAIR.findall(match[2] or "")}
            yield Sample(match[1], labels, float(match[3]))


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], value)
