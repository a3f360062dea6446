"""Read JSON token by token, in turns, and name the place of whatever is not fit to be read.

Stricter than the interpreter's own decoder: no name twice in one object, no number that is none or
has too many digits, no half characters, no deep nesting.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from exporter.errors import ReportError
from exporter.process.steps import Steps

DEEPEST = 32
"""Levels of nesting that a body may have."""
LONGEST_INTEGER = 19

_TOKENS_A_TURN = 1_000
_BOTTOMLESS = 1000
"""So many levels at once are nesting for its own sake: there is no place worth naming."""
_NOT_SHOWN = re.compile(r"[^A-Za-z0-9_.-]+")
_SPACE = re.compile(r"[ \t\n\r]*+(?=([\s\S]?))")
_COLON = re.compile(r"[ \t\n\r]*+:")
_TOKEN = re.compile(
    r"[ \t\n\r]*+(?:"
    r"([{}\[\],])"
    r'|"([^"\\\x00-\x1f]*+)"'
    r'|(")'
    r"|(-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][-+]?[0-9]++)?)"
    r"|(true|false|null)"
    r"|(NaN|-?Infinity))"
)
_MARK, _PLAIN, _QUOTE, _NUMBER, _FRACTION, _EXPONENT, _WORD, _CONSTANT = range(1, 9)
_TEXTS = json.JSONDecoder()
"""Reads texts that have escapes in them."""
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}


def read_json(text: str) -> Steps[Any]:
    """Return what a text says, in turns.

    Raises ReportError naming the value at fault, and JSONDecodeError where the text is no JSON.
    """
    reader = _Reader(text)
    tokens = 0
    while not reader.step():
        tokens += 1
        if tokens % _TOKENS_A_TURN == 0:
            yield
    return reader.result


def shown(name: str) -> str:
    """Return the name of a field so that it fits a message: it can be anything."""
    return _NOT_SHOWN.sub("?", name[:64])


class _Reader:
    """What has been read of a text so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        # The objects and lists that are open, the outermost first, each with its latest name.
        self._open: list[Any] = []
        self._names: list[str] = []
        # What may come next: only a comma or an end; otherwise a name or a value, or the end too.
        self._after = self._named = self._may_end = False
        self.result: Any = None

    def step(self) -> bool:
        """Read one token, a name with its colon; say whether all has been read."""
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            self._refuse(self._position)
        kind = match.lastindex
        if kind == _MARK and (self._after or self._may_end) and self._closes(match[_MARK]):
            return self._end(match.end())
        if self._after:
            if kind != _MARK or match[_MARK] != ",":
                self._refuse(self._position)
            self._after, self._named = False, type(self._open[-1]) is dict
            self._position = match.end()
        elif self._named:
            self._read_name(match)
        elif kind == _MARK:
            self._begin(match)
        else:
            value, end = self._scalar(match)
            self._add(value)
            self._after, self._may_end = True, False
            self._position = end
            return not self._open and self._at_end()
        return False

    def _closes(self, mark: str) -> bool:
        return mark == ("}" if type(self._open[-1]) is dict else "]")

    def _end(self, position: int) -> bool:
        self._open.pop()
        self._names.pop()
        self._after, self._may_end = True, False
        self._position = position
        return not self._open and self._at_end()

    def _at_end(self) -> bool:
        space = _SPACE.match(self._text, self._position)
        if space is None or space[1]:
            self._refuse(self._position)
        return True

    def _read_name(self, match: re.Match[str]) -> None:
        kind = match.lastindex
        if kind not in (_PLAIN, _QUOTE):
            self._refuse(self._position)
        name, end = match[_PLAIN], match.end()
        if kind == _QUOTE:
            name, end = _TEXTS.raw_decode(self._text, end - 1)
        colon = _COLON.match(self._text, end)
        if colon is None:
            self._refuse(end)
        if name in self._open[-1]:
            # One of the two values would be lost.
            raise self._unfit(f"{shown(name)} only once", within=self._open[:-1])
        self._names[-1] = name
        self._check_text(name)
        self._named = self._may_end = False
        self._position = colon.end()

    def _begin(self, match: re.Match[str]) -> None:
        if match[_MARK] not in "{[":
            self._refuse(self._position)
        self._position = match.end()
        if len(self._open) == DEEPEST:
            raise self._too_deep()
        value: Any = {} if match[_MARK] == "{" else []
        self._add(value)
        self._open.append(value)
        self._names.append("")
        self._named, self._may_end = type(value) is dict, True

    def _scalar(self, match: re.Match[str]) -> tuple[Any, int]:
        kind, end = match.lastindex, match.end()
        if kind == _NUMBER:
            return self._number(match), end
        if kind == _WORD:
            return _WORDS[match[_WORD]], end
        if kind == _CONSTANT:
            raise self._unfit("a finite number")
        text = match[_PLAIN]
        if kind == _QUOTE:
            text, end = _TEXTS.raw_decode(self._text, end - 1)
            self._check_text(text)
        return text, end

    def _number(self, match: re.Match[str]) -> int | float:
        text = match[_NUMBER]
        if match[_FRACTION] is None and match[_EXPONENT] is None:
            if len(text) > LONGEST_INTEGER + 1:
                raise self._unfit(f"a number of at most {LONGEST_INTEGER} digits")
            return int(text)
        number = float(text)
        if not math.isfinite(number):
            raise self._unfit("a finite number")
        return number

    def _add(self, value: Any) -> None:
        if not self._open:
            self.result = value
        elif type(self._open[-1]) is dict:
            self._open[-1][self._names[-1]] = value
        else:
            self._open[-1].append(value)

    def _check_text(self, text: str) -> None:
        if text.isascii():
            return
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            # JSON can spell half a character, and no page could be encoded with it.
            raise self._unfit("text that is whole Unicode") from None

    def _too_deep(self) -> ReportError:
        following = self._text[self._position : self._position + _BOTTOMLESS]
        if len(following) == _BOTTOMLESS and not following.strip("[{"):
            return ReportError("body", "nested too deeply")
        return self._unfit(f"no more than {DEEPEST} levels of nesting")

    def _unfit(self, expected: str, *, within: Sequence[Any] | None = None) -> ReportError:
        """Return what says that the next value, or what is open itself, is not as expected."""
        steps = []
        for level, holder in enumerate(self._open if within is None else within):
            if type(holder) is dict:
                steps.append(f".{shown(self._names[level])}")
            else:
                # What is open is in its list already.
                steps.append(f"[{len(holder) - (level < len(self._open) - 1)}]")
        return ReportError("".join(steps).removeprefix(".") or "body", f"expected {expected}")

    def _refuse(self, position: int) -> NoReturn:
        space = _SPACE.match(self._text, position)
        raise json.JSONDecodeError("not valid", self._text, space.start(1) if space else position)
