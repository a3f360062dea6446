"""Change a JSON document in the ways that gateways, proxies and attackers do. Everything is pure.

A `Change` names a place by a number, so that whoever makes changes up, a fuzzer or a test, need not
know the document; one document and one change always give the same result.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

_RAW = re.compile(r'"@raw ([-+.0-9eE]+)@"')


def raw(number: str) -> str:
    """Return what is written as this number, which Python itself could not hold or would not."""
    return f"@raw {number}@"


class Twin(str):
    """A key that a mapping can hold beside an equal one, so that it is written twice."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class How(Enum):
    """What is done at a place."""

    DROP = auto()
    REPLACE = auto()
    """Put the value there instead."""
    DOUBLE = auto()
    """Give the key twice, the second time with the value; in a list repeat the entry."""
    WRAP = auto()
    """Put what is there into a list."""
    AS_TEXT = auto()
    """Write what is there as a text."""
    RENAME = auto()
    """Change the first letter of the key from a capital to a small one, or back."""
    BURY = auto()
    """Put what is there below many levels."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `place` counts the values of the document, beyond the last it starts again."""

    place: int
    how: How
    value: Any = None


HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, -0.0, 0.5, "", " ", "0", "-1", "NaN", "true", "null", [], {}),
    *(2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**18, 10**30, 10**300, -(10**300)),
    *(1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
    *(raw("1e400"), raw("-1e400"), raw("1" * 400), raw("9" * 5000), raw("1e-400"), raw("-0")),
    *(1700000000, 1700000000000, 32503680000001, -99999999, "1700000000000", "1e308", "1e999"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"),
    *("2023-11-14 22:13:20", "2023-W46-2", "20231114", "24:00", "9" * 41, "\u0661\u0662"),
    *("RUNNING", "job_running", "running", "FAILED", "a state nobody knows", "x" * 5000),
    *("\ud800", "a\udfffb", "\x00", "\x1b[31m", "\r\n", "\n", '"', "\\", "\u2028", "\ufeff"),
    *("😀" * 300, "ÿ" * 1025, "{}", "%s", "${NAME}", '{"jobId": 7}', '{"a": ' * 200, "[" * 2000),
    *("\u202e", "<b>", "a.b.CException", "Caused by: x.Y: z", "../..", ".", "a/b?c#d"),
    *([None], [[]], [{}], {"": ""}, {"a": {"b": [1]}}, {"jobs": []}, ["x", 1, None, {"id": 2}]),
)
"""Values that have upset readers of JSON somewhere."""


def apply(document: Any, changes: Sequence[Change]) -> Any:
    """Return the document with the changes made one after the other."""
    for change in changes:
        places = list(_paths(document, ()))
        document = _at(document, places[change.place % len(places)], change)
    return document


def write(document: Any) -> bytes:
    """Write a document as JSON, with raw numbers as what they stand for."""
    return _RAW.sub(r"\1", json.dumps(document)).encode()


def _paths(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from _paths(entry, (*path, name))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _paths(entry, (*path, index))


def _at(value: Any, path: tuple[Any, ...], change: Change) -> Any:
    if not path:
        return _changed(value, change)
    if len(path) == 1 and change.how in (How.DROP, How.DOUBLE, How.RENAME):
        return _among(value, path[0], change)
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_at(x, rest, change) if n == step else x for n, x in enumerate(value)]
    return {name: _at(x, rest, change) if name is step else x for name, x in value.items()}


def _changed(value: Any, change: Change) -> Any:
    if change.how is How.WRAP:
        return [value]
    if change.how is How.AS_TEXT:
        return value if isinstance(value, str) else json.dumps(value)
    if change.how is How.BURY:
        for _ in range(60):
            value = {"a": value}
        return value
    return change.value


def _among(value: Any, step: Any, change: Change) -> Any:
    """Change what holds the place: the list or the object."""
    if isinstance(value, list):
        twice = 0 if change.how is How.DROP else 2
        return [x for n, x in enumerate(value) for _ in range(twice if n == step else 1)]
    found: dict[str, Any] = {}
    for name, entry in value.items():
        if name is not step:
            found[name] = entry
        elif change.how is How.DOUBLE:
            found |= {Twin(name): entry, name: change.value}
        elif change.how is How.RENAME:
            found[name[:1].swapcase() + name[1:]] = entry
    return found
