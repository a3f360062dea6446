"""Make the names of clusters fit to be the value of a label. Pure functions."""

import unicodedata

LONGEST_NAME = 200
"""Characters; what a name has beyond them tells nobody anything."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of Unicode that nobody sees, or that turn what stands beside them around."""


def label_value(name: str) -> str:
    """Return a name without what nobody sees, of a length that is bounded; it may become empty."""
    seen = "".join(
        each if unicodedata.category(each) not in _UNSEEN else " "
        for each in name[: 2 * LONGEST_NAME]
    )
    return " ".join(seen.split())[:LONGEST_NAME].rstrip()
