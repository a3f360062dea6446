"""Decode a large JSON text in steps, and read the rows of a listing as they come by.

Decoded at once, 60 MB hold the interpreter for a second, whatever thread they are decoded in, and
become up to 24 times as much memory. Here a piece of the text is decoded at a time, and of each row
only what is read out of it is kept. Everything here is pure.
"""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from exporter.errors import UnreadableError
from exporter.fields import ReadRows
from exporter.process.steps import Steps
from exporter.source import MOST_JOBS
from exporter.upstream.json_numbers import read_integer

PIECE: Final = 64 * 1024
"""Characters decoded at once; what is smaller needs none of this."""
MOST_BESIDE_ROWS: Final = 8 * 1024 * 1024
"""Bytes of one row, or of all that is not rows: a hundred times what either has."""
_MOST_CONTAINERS: Final = 100_000
"""Objects and lists in the same. An empty one takes two bytes of JSON, and seventy of memory."""
_DEEPEST: Final = 20
_ROWS_PER_STEP: Final = 100
_LONGEST_TEXT: Final = 64 * 1024
"""Characters kept of a text that is longer than a piece: nothing reads more of one."""

_NUMBER = b"0123456789+-.eE"
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_TEXT_ENDS: Final = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_WHOLE_CHARACTERS: Final = re.compile(
    r'[^"\\]*+(?:\\(?:u[0-9a-fA-F]{4}|[^u])[^"\\]*+)*+', re.DOTALL
)
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_scan_any = json.JSONDecoder(parse_int=read_integer).scan_once  # type: ignore[attr-defined]
_NOTHING: Final = object()

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """Where the rows of a listing can be in its answer, and what to keep of each."""

    paths: Collection[Path]
    """The names of the fields on the way to the rows, from the outside in."""
    start: Callable[[], Callable[[int, object], Any]]
    """Called when the answer has come; returns what reads a row of a number, from 0."""
    named: bool = False
    """Whether the rows are the fields of an object instead of a list: pairs of name and value."""


def decode_in_steps(body: bytes | bytearray, rows: RowReader | None) -> Steps[Any]:
    """Return what a body says; in place of a list of rows, the `ReadRows` of what was read of them.

    Raises ValueError or RecursionError when it is not JSON, and UnreadableError when it is more
    than is read of any answer.
    """
    return (yield from _Decoder(body, rows).document())


def _as_it_is(number: int, row: object) -> object:
    return row


class _Decoder:
    """A place in a text, of which a window is decoded."""

    def __init__(self, body: bytes | bytearray, rows: RowReader | None) -> None:
        self._body = body
        self._paths = frozenset(rows.paths) if rows is not None else frozenset[Path]()
        self._read = rows.start() if rows is not None else _as_it_is
        self._named = rows is not None and rows.named
        self._taken = 3 if body.startswith(b"\xef\xbb\xbf") else 0
        self._text = ""
        self._place = 0
        self._in_rows = False
        self._bytes = self._containers = 0

    def document(self) -> Steps[Any]:
        value = yield from self._value((), 0)
        if self._peek() != "":
            raise ValueError("more than one JSON value")
        return value

    def _value(self, path: Path | None, depth: int) -> Steps[Any]:
        """Decode the value that begins here, which leads to rows only if there is a path."""
        if self._leads_to_rows(path):
            first = self._peek()
            begins_rows = first == ("{" if self._named else "[") and path in self._paths
            if begins_rows and not self._in_rows:
                return (yield from self._rows("}" if self._named else "]"))
            if first == "{":
                return (yield from self._object(path, depth))
        value = yield from self._whole()
        if value is not _NOTHING:
            return value
        if depth >= _DEEPEST:
            raise ValueError("nested too deep")
        first = self._peek()
        if first == "{":
            return (yield from self._object(None, depth))
        if first == "[":
            return (yield from self._list(depth))
        if first == '"':
            return (yield from self._long_text())
        raise ValueError("not a JSON value")

    def _leads_to_rows(self, path: Path | None) -> bool:
        if path is None:
            return False
        return any(each[: len(path)] == path for each in self._paths)

    def _whole(self) -> Steps[Any]:
        """Decode the value that begins here at once; _NOTHING if it is larger than a piece."""
        self._peek()
        while True:
            try:
                value, end = self._scanned()
            except (StopIteration, ValueError):
                if self._at_end:
                    raise ValueError("not a JSON value") from None
            else:
                self._place = end
                return value
            if len(self._text) - self._place >= PIECE:
                return _NOTHING
            self._fill()
            yield

    def _scanned(self) -> tuple[Any, int]:
        try:
            found: tuple[Any, int] = _scan(self._text, self._place)
        except json.JSONDecodeError:
            raise
        except ValueError:
            # A number of thousands of digits, all of which are here: none is cut.
            found = _scan_any(self._text, self._place)
        return found

    def _object(self, path: Path | None, depth: int) -> Steps[dict[str, Any]]:
        found: dict[str, Any] = {}
        self._place += 1
        if self._peek() == "}":
            self._place += 1
            return found
        while True:
            name = yield from self._name()
            inner = None if path is None else (*path, name)
            if inner is not None and not self._leads_to_rows(inner):
                inner = None
            found[name] = yield from self._value(inner, depth + 1)
            if len(found) % _ROWS_PER_STEP == 0:
                self._bound(len(found))
                yield
            if self._expect(",", "}") == "}":
                return found

    def _list(self, depth: int) -> Steps[list[Any]]:
        found: list[Any] = []
        self._place += 1
        if self._peek() == "]":
            self._place += 1
            return found
        while True:
            found.append((yield from self._value(None, depth + 1)))
            if len(found) % _ROWS_PER_STEP == 0:
                self._bound(len(found))
                yield
            if self._expect(",", "]") == "]":
                return found

    def _name(self) -> Steps[str]:
        """Decode the name of a field, and the colon after it."""
        if self._peek() != '"':
            raise ValueError("not the name of a field")
        name = yield from self._whole()
        if name is _NOTHING:
            raise ValueError("the name of a field is too long")
        self._expect(":")
        return str(name)

    def _rows(self, end: str) -> Steps[ReadRows[Any]]:
        read, found = self._read, ReadRows[Any]()
        self._place += 1
        if self._peek() == end:
            self._place += 1
            return found
        self._in_rows, beside = True, (self._bytes, self._containers)
        while True:
            self._bytes = self._containers = 0
            number = len(found)
            if number >= MOST_JOBS:
                while found:
                    # Freed at once they would hold everything up as well.
                    del found[-_ROWS_PER_STEP * 10 :]
                    yield
                raise UnreadableError(
                    f"the listing has more than {MOST_JOBS} rows: "
                    "choose jobs by jobs.ids, or watch a smaller part of the platform"
                )
            name = (yield from self._name()) if self._named else None
            row = yield from self._value(None, 0)
            found.append(read(number, row if name is None else (name, row)))
            if self._expect(",", end) == end:
                self._in_rows = False
                self._bytes, self._containers = beside
                return found
            if not self._named:
                self._rows_in_window(found, read)
            if len(found) // _ROWS_PER_STEP > number // _ROWS_PER_STEP:
                yield

    def _rows_in_window(self, found: list[Any], read: Callable[[int, object], Any]) -> None:
        """Read rows that are whole in the window, with another one behind, up to a step of them.

        Nearly all rows are such, and need none of what is done for others.
        """
        self._peek()
        text, place = self._text, self._place
        most = min(len(found) + _ROWS_PER_STEP, MOST_JOBS)
        while len(found) < most:
            try:
                row, end = _scan(text, place)
            except (StopIteration, ValueError):
                break
            if text[end : end + 1] != ",":
                break
            found.append(read(len(found), row))
            place = end + 1
            if text[place : place + 1] == " ":
                place += 1
        self._place = place

    def _bound(self, entries: int) -> None:
        if entries > _MOST_CONTAINERS:
            raise UnreadableError(f"the answer has a list of more than {_MOST_CONTAINERS} entries")

    def _long_text(self) -> Steps[str]:
        """Skip a text that is longer than a piece, and keep its beginning."""
        match = _WHOLE_CHARACTERS.match(
            self._text, self._place + 1, self._place + 1 + _LONGEST_TEXT
        )
        value: str = json.loads(f'"{match[0] if match else ""}"', strict=False)
        self._place += 1
        while True:
            match = _TEXT_ENDS.match(self._text, self._place)
            self._place = match.end() if match is not None else self._place
            if self._text[self._place : self._place + 1] == '"':
                self._place += 1
                return value
            if self._at_end:
                raise ValueError("a text does not end")
            self._fill()
            yield

    def _expect(self, *characters: str) -> str:
        found = self._peek()
        if found not in characters or not found:
            raise ValueError(f"expected {' or '.join(characters)}")
        self._place += 1
        return found

    def _peek(self) -> str:
        """Go on to what is no space; return its first character, or an empty text at the end."""
        while True:
            match = _SPACE.match(self._text, self._place)
            self._place = match.end() if match is not None else self._place
            if self._place < len(self._text) or self._at_end:
                return self._text[self._place : self._place + 1]
            self._fill()

    @property
    def _at_end(self) -> bool:
        return self._taken >= len(self._body)

    def _fill(self) -> None:
        """Forget what lies behind, and take one more piece of the body."""
        piece = self._body[self._taken : self._taken + PIECE]
        if self._taken + len(piece) < len(self._body):
            # What is cut within a number would be another number, and within a character none.
            within = piece.rstrip(_NUMBER)
            piece = within if len(within) > PIECE // 2 else piece
            cut = len(piece)
            while cut and piece[cut - 1] & 0xC0 == 0x80:
                cut -= 1
            if cut and piece[cut - 1] >= 0xC0:
                piece = piece[: cut - 1]
        self._taken += len(piece)
        self._text = self._text[self._place :] + piece.decode("utf-8", "surrogatepass")
        self._place = 0
        self._bytes += len(piece)
        self._containers += piece.count(b"{") + piece.count(b"[")
        where = "in one row" if self._in_rows else "beside the rows of a listing"
        if self._bytes > MOST_BESIDE_ROWS:
            raise UnreadableError(f"the answer has more than {MOST_BESIDE_ROWS} bytes {where}")
        if self._containers > _MOST_CONTAINERS:
            raise UnreadableError(
                f"the answer has more than {_MOST_CONTAINERS} objects and lists {where}"
            )
