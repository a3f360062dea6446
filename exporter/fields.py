"""Read fields out of decoded answers without trusting any of them.

An answer can lack a documented field, hold null, or a text where a number belongs. A `Record`
reads what can be read and notes the rest as a `Flaw`: where, and what was expected. The value
itself is never noted, since it can hold a secret.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Generic, TypeVar

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_LONGEST_TEXT = 1024
_LONGEST_COMPARED = 64 * 1024
"""Characters; what is longer may have been cut while its answer was decoded."""
_GREATEST = 2.0**63
"""Beyond it no vendor counts, and sums of such numbers could be too large for a page."""
_LATEST = 32503680000.0
"""The year 3000: no job starts later, so a greater number is not a time in this unit."""


_MOST_RECORDS = 10_000
"""Entries of one list within an answer about one thing; listings are read by rows."""
_MOST_FLAWS = 1000
"""Kept of one answer, for the log; the others are only counted."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Flaw:
    """One place of an answer that could not be read."""

    place: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}"


@dataclass(slots=True)
class Flaws:
    """Collect what could not be read, and words no one has seen, while an answer is parsed."""

    unreadable: list[Flaw] = field(default_factory=list)
    unknown_states: list[str] = field(default_factory=list)
    unreadable_count: int = 0
    unknown_state_count: int = 0

    @property
    def count(self) -> int:
        """Return how much was noted of whatever kind."""
        return self.unreadable_count + self.unknown_state_count

    def note(self, place: str, expected: str) -> None:
        """Note one unreadable place."""
        self.unreadable_count += 1
        if len(self.unreadable) < _MOST_FLAWS:
            self.unreadable.append(Flaw(place, expected))

    def note_state(self, native: str) -> None:
        """Note a native state word that the vocabulary does not have."""
        self.unknown_state_count += 1
        if len(self.unknown_states) < _MOST_FLAWS:
            self.unknown_states.append(native)


class ReadRows(list[T], Generic[T]):
    """What was read of each row of a listing while its answer was decoded."""


def read_rows(rows: list[Any], read: Callable[[int, object], T]) -> list[T]:
    """Read each row of a listing, unless that was done while its answer was decoded."""
    if isinstance(rows, ReadRows):
        return rows
    return [read(index, row) for index, row in enumerate(rows)]


def row_reader(
    place: str, read: Callable[["Record"], T | None], flaws: Flaws
) -> Callable[[int, object], T | None]:
    """Return what reads a row of a number at a place; None, and noted, for a row that is none."""

    def read_row(number: int, fields: object) -> T | None:
        if type(fields) is dict or isinstance(fields, Mapping):
            return read(Record(fields, f"{place}[{number}]", flaws))
        flaws.note(f"{place}[{number}]", "an object")
        return None

    return read_row


class Record:
    """One JSON object of an answer, read field by field.

    Every reader takes the field's names in order of preference (vendors spell some two ways) and
    returns the empty value of its kind when the field is absent, null or unreadable.
    """

    __slots__ = ("_fields", "_flaws", "_place")

    def __init__(self, value: object, place: str, flaws: Flaws) -> None:
        self._place = place
        self._flaws = flaws
        self._fields: Mapping[str, Any] = {}
        # The second question takes ten times as long.
        if type(value) is dict or isinstance(value, Mapping):
            self._fields = value
        elif value is not None:
            flaws.note(place, "an object")

    def __bool__(self) -> bool:
        return bool(self._fields)

    def reread(self) -> "Record":
        """Return the same record to be read once more: its flaws are noted already."""
        return Record(self._fields, self._place, Flaws())

    def has(self, *names: str) -> bool:
        """Say whether any of the names is present and not null."""
        return self._find(names)[1] is not None

    def names(self) -> Iterator[str]:
        """Iterate over the names of the fields present."""
        return iter(self._fields)

    def unread(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        """Return what the fields hold as it is, to be compared and nothing else."""
        return tuple(map(self._fields.get, names))

    def all_unread(self) -> Mapping[str, object]:
        """Return all fields as they are, to be compared and nothing else."""
        return self._fields

    def text(self, *names: str) -> str:
        """Read a text; numbers are taken as their digits."""
        name, value = self._find(names)
        if value is None:
            return ""
        if isinstance(value, str):
            return _clean(value[:_LONGEST_TEXT])
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)[:_LONGEST_TEXT]
        self._note(name, "a text")
        return ""

    def digest(self, name: str, *, cut: str) -> str:
        """Read what tells a text apart from others that `text` cuts to the same; else empty.

        `cut` is returned for one so long that it may have been cut while its answer was decoded.
        """
        _, value = self._find((name,))
        if not isinstance(value, str) or len(value) <= _LONGEST_TEXT:
            return ""
        if len(value) >= _LONGEST_COMPARED:
            return cut
        return sha256(value.encode("utf-8", "replace")).hexdigest()[:32]

    def long_text(self, *names: str, limit: int = 65536) -> str:
        """Read a text of up to `limit` characters, for people rather than labels."""
        name, value = self._find(names)
        if value is None:
            return ""
        if isinstance(value, str):
            return _clean(value[:limit])
        self._note(name, "a text")
        return ""

    def number(self, *names: str) -> float | None:
        """Read a number, also one written as a text."""
        name, value = self._find(names)
        if value is None or value == "":
            return None
        number = as_number(value)
        if number is None:
            self._note(name, "a number")
        return number

    def integer(self, *names: str) -> int | None:
        """Read a whole number, also one written as a text."""
        name, value = self._find(names)
        if value is None or value == "":
            return None
        number = as_number(value)
        if number is None or number != math.floor(number) or abs(number) > _GREATEST:
            self._note(name, "a whole number")
            return None
        return int(number)

    def count(self, *names: str) -> int | None:
        """Read a whole number that counts something; -1 is how vendors write none."""
        number = self.integer(*names)
        if number is None or number == -1:
            return None
        if number < 0:
            self._note(self._find(names)[0], "a count")
            return None
        return number

    def boolean(self, *names: str) -> bool | None:
        """Read a boolean, also one written as "true" or "false" in any case."""
        name, value = self._find(names)
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().casefold() in ("true", "false"):
            return value.strip().casefold() == "true"
        self._note(name, "true or false")
        return None

    def milliseconds(self, *names: str) -> float | None:
        """Read a duration in milliseconds as seconds; negative ones are how vendors write none."""
        told = self._fields.get(names[0])
        if type(told) is int and 0 <= told <= _GREATEST:
            return told / 1000
        number = self.number(*names)
        return None if number is None or number < 0 else number / 1000

    def time_milliseconds(self, *names: str) -> float | None:
        """Read a time in epoch milliseconds as seconds; 0 and negative ones mean none."""
        return self._time(names, self.number(*names), 1000.0)

    def time_seconds(self, *names: str) -> float | None:
        """Read a time in epoch seconds; 0 and negative ones mean none."""
        return self._time(names, self.number(*names), 1.0)

    def time_either(self, *names: str) -> float | None:
        """Read a time in epoch seconds or milliseconds, told apart by size, or an ISO 8601 text."""
        name, value = self._find(names)
        if isinstance(value, str) and value and as_number(value) is None:
            return self._iso_time(name, value)
        number = self.number(*names)
        return self._time(names, number, 1000.0 if number is not None and number >= 1e11 else 1.0)

    def record(self, *names: str) -> "Record":
        """Read an object; an empty record when it is absent or something else."""
        name, value = self._find(names)
        return Record(value, f"{self._place}.{name}", self._flaws)

    def records(self, *names: str) -> list["Record"]:
        """Read a list of objects, leaving out entries that are none."""
        name, value = self._find(names)
        if value is None:
            return []
        place = f"{self._place}.{name}"
        if not isinstance(value, list):
            self._flaws.note(place, "a list")
            return []
        if len(value) > _MOST_RECORDS:
            self._flaws.note(place, f"at most {_MOST_RECORDS} entries")
        records = []
        for index, entry in enumerate(value[:_MOST_RECORDS]):
            if isinstance(entry, Mapping):
                records.append(Record(entry, f"{place}[{index}]", self._flaws))
            else:
                self._flaws.note(f"{place}[{index}]", "an object")
        return records

    def missing(self, name: str) -> None:
        """Note that a field which identifies the record is absent."""
        self._note(name, "a value, as the vendor documents it")

    def _find(self, names: tuple[str, ...]) -> tuple[str, Any]:
        for name in names:
            value = self._fields.get(name)
            if value is not None:
                return name, value
        return names[0], None

    def _note(self, name: str, expected: str) -> None:
        self._flaws.note(f"{self._place}.{name}", expected)

    def _time(
        self, names: tuple[str, ...], number: float | None, per_second: float
    ) -> float | None:
        if number is None or number <= 0:
            return None
        if number / per_second > _LATEST:
            self._note(self._find(names)[0], "a time")
            return None
        return number / per_second

    def _iso_time(self, name: str, value: str) -> float | None:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self._note(name, "a time")
            return None
        # Vendors that leave out the zone mean UTC wherever they document it at all.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        # The year 1 is how Go writes no time.
        return self._time((name,), moment.timestamp(), 1.0)


def _clean(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def as_number(value: object) -> float | None:
    """Return a finite number given as a number or as its text, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if len(value) > 40 or not _NUMBER.fullmatch(value.strip()):
            return None
        value = float(value)
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
