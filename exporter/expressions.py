"""Match names from outside against expressions of the configuration, in time that is bounded.

Python's own engine can take hours for a name that somebody chose for it. RE2's time grows with the
length of the name and of the expression, and with nothing else. It has no look-around and no
backreferences. What both engines know and mean differently is written for RE2 as Python means it.
"""

import re
import time
import warnings
from collections.abc import Callable
from typing import Final

import re2

from exporter.errors import SlowExpressionError

LONGEST_MATCH: Final = 0.05
"""Seconds of the processor for one name: a thousand times as long as names and expressions take."""
_LARGEST_PROGRAM: Final = 2 * 1024 * 1024
"""Bytes for what an expression is translated to, and for what is remembered while it is matched."""

_CLASSES: Final = {
    "d": r"\p{Nd}",
    "w": r"\p{L}\p{N}_",
    "s": r"\t-\r\x1c-\x20\x85\p{Z}",
}
"""RE2 knows these for ASCII only; Python means all of Unicode."""
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_SET_BEGINS: Final = re.compile(r"\[\^?\]?")
_REPETITION: Final = re.compile(r"\{,(\d+)\}")


class Expression:
    """One expression, which a whole name matches or not; a dot matches line breaks too.

    Raises ValueError with a reason when the text is none, or none that can be matched in time.
    `cpu_time` returns the seconds that the processor has worked for this thread: a machine that is
    busy with other things makes no expression slow.
    """

    def __init__(self, text: str, *, cpu_time: Callable[[], float] = time.thread_time) -> None:
        self.text = text
        self._cpu_time = cpu_time
        try:
            # What Python does not take for an expression has never been one here. What it warns of
            # may mean something else to it one day; it goes on to mean the same here.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                re.compile(text)
        except (re.error, OverflowError, RecursionError) as exc:
            # The latter two are for repetitions beyond counting and brackets beyond nesting.
            raise ValueError(str(exc)) from None
        translated = _translated(text)
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True
        # Names can be whole statements of several lines; a dot stands for any character of them.
        options.dot_nl = True
        options.max_mem = _LARGEST_PROGRAM
        try:
            self._compiled = re2.compile(translated.encode(), options)
        except re2.error as exc:
            raise ValueError(_reason(exc)) from None
        except UnicodeEncodeError:
            raise ValueError("not a text") from None

    def matches(self, name: str) -> bool:
        """Say whether the whole name matches. Raises SlowExpressionError when that takes long."""
        began = self._cpu_time()
        found = self._compiled.fullmatch(name.encode("utf-8", "replace")) is not None
        if self._cpu_time() - began > LONGEST_MATCH:
            raise SlowExpressionError(self.text)
        return found


def _reason(exc: Exception) -> str:
    given = exc.args[0] if exc.args else b""
    text = given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)
    if "perl operator" in text or re.search(r"escape sequence: \\[1-9]", text):
        return f"look-around, backreferences and the like are not supported ({text})"
    return f"not supported: {text}"


def _translated(text: str) -> str:
    """Write an expression that Python understands so that RE2 understands it in the same way."""
    parts = []
    place, in_set = 0, False
    while place < len(text):
        if escape := _ESCAPE.match(text, place):
            parts.append(_escaped(escape, in_set=in_set))
            place = escape.end()
        elif not in_set and (begins := _SET_BEGINS.match(text, place)):
            parts.append(begins[0].replace("]", r"\]"))
            place, in_set = begins.end(), True
        elif not in_set and (repetition := _REPETITION.match(text, place)):
            parts.append(f"{{0,{repetition[1]}}}")
            place = repetition.end()
        else:
            character = text[place]
            # RE2 has names for sets within sets, such as [:alpha:]; to Python they are characters.
            parts.append(r"\[" if in_set and character == "[" else character)
            in_set = in_set and character != "]"
            place += 1
    return "".join(parts)


def _escaped(escape: re.Match[str], *, in_set: bool) -> str:
    code = escape[1] or escape[2]
    if code:
        return rf"\x{{{code}}}"
    character = escape[3]
    known = _CLASSES.get(character.lower())
    if known is not None and character.islower():
        return known if in_set else f"[{known}]"
    if known is not None and not in_set:
        return f"[^{known}]"
    if known is not None and character in "SW":
        raise ValueError(rf"not supported: \{character} within a set")
    if character == "D":
        return r"\P{Nd}"
    if character == "Z" and not in_set:
        return r"\z"
    return escape[0] if character.isascii() else character
