"""Put the texts of alerts into another language: what they say, not when they fire.

`prometheus/texts` has a table for each language but English, which stands in the rules themselves.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

TEXTS = Path(__file__).parents[1] / "prometheus" / "texts"
_TEXT = re.compile(r"^( +)(summary|description): .*$", re.MULTILINE)
_ALERT = re.compile(r"^ *- alert: (\w+)$", re.MULTILINE)

Texts = Mapping[str, Mapping[str, str]]


def alert_texts(language: str) -> Texts:
    """Return summary and description of each alert by name. Raises FileNotFoundError."""
    texts: Texts = yaml.safe_load((TEXTS / f"{language}.yml").read_text(encoding="utf-8"))
    return texts


def put_texts(rules: str, texts: Texts) -> str:
    """Return a rule file whose alerts say these texts; all else stays, comments too.

    Raises KeyError when one of its alerts has none.
    """
    pieces = _ALERT.split(rules)
    written = [pieces[0]]
    for name, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        written.append(f"      - alert: {name}{_translated(piece, texts[name])}")
    return "".join(written)


def _translated(piece: str, texts: Mapping[str, str]) -> str:
    def text(found: re.Match[str]) -> str:
        quoted = texts[found[2]].replace("'", "''")
        return f"{found[1]}{found[2]}: '{quoted}'"

    return _TEXT.sub(text, piece)
