"""Decode JSON in which a number may have more digits than the interpreter reads.

`json` raises for an integer of more than 4,300 digits, whatever stands beside it: one in a row
would cost the whole listing. It is infinite here, as a fraction of as many digits is, and whoever
reads that field takes it for what it is. All of it is pure.
"""

import json
from typing import Any, Final

_READ: Final = 600
"""Digits of an integer that any setting of the interpreter reads."""


def loads(body: bytes | bytearray) -> Any:
    """Return what a body says. Raises ValueError or RecursionError when it is not JSON."""
    try:
        return json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:
        # Only then: every number would be read by Python code. Digits alone are no answer.
        if body.lstrip()[:1] not in (b"{", b"["):
            raise
        return json.loads(body, parse_int=read_integer)


def read_integer(text: str) -> float:
    """Return an integer, or an infinite number where it has very many digits."""
    if len(text) <= _READ:
        return int(text)
    return float("-inf") if text.startswith("-") else float("inf")
