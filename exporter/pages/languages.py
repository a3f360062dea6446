"""Know the languages of the pages, and which of them a browser asks for.

A browser says what its reader understands in `Accept-Language` (RFC 9110, section 12.5.4): ranges
such as `zh-CN`, each with a weight. Whoever sends something else is answered in English.
"""

import re
from enum import StrEnum

_LONGEST_HEADER = 1000
_MOST_RANGES = 32
_WEIGHT = re.compile(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


class Language(StrEnum):
    """A language of the pages: the values of `lang` in an address."""

    ENGLISH = "en"
    CHINESE = "zh"

    @property
    def tag(self) -> str:
        """Return its tag for browsers, which choose fonts by it."""
        return "zh-CN" if self is Language.CHINESE else "en"

    @property
    def other(self) -> "Language":
        """Return the language to switch to."""
        return Language.ENGLISH if self is Language.CHINESE else Language.CHINESE


def named(word: str) -> Language | None:
    """Return the language of this name; None when the pages have none such."""
    return next((language for language in Language if language.value == word), None)


def preferred(header: str) -> Language:
    """Return the language that suits `Accept-Language` best; English when none does.

    Any kind of Chinese is Chinese: who reads `zh-TW` rather reads simplified characters than
    English. What comes after 32 ranges or 1,000 characters is not looked at.
    """
    weights: dict[Language, float] = {}
    others: float | None = None
    for text in _ranges(header):
        tag, _, parameter = text.partition(";")
        weight = _weight(parameter.strip())
        primary = tag.strip().partition("-")[0].lower()
        if weight is None:
            continue
        if primary == "*":
            others = max(weight, others or 0.0)
        elif (language := named(primary)) is not None:
            # A dictionary keeps the order: among equals the one named first wins.
            weights[language] = max(weight, weights.get(language, 0.0))
    if others is not None:
        for language in Language:
            weights.setdefault(language, others)
    best = max(weights, key=weights.__getitem__, default=Language.ENGLISH)
    return best if weights.get(best) else Language.ENGLISH


def _ranges(header: str) -> list[str]:
    ranges = header[:_LONGEST_HEADER].split(",", _MOST_RANGES)
    # What may be cut is not what was meant.
    if len(header) > _LONGEST_HEADER or len(ranges) > _MOST_RANGES:
        ranges.pop()
    return ranges


def _weight(parameter: str) -> float | None:
    """Return the weight of a range; None when it cannot be understood."""
    if not parameter:
        return 1.0
    found = _WEIGHT.fullmatch(parameter)
    return None if found is None else float(found[1])
