"""Decode the JSON that an agent sends, within bounds of work.

The interpreter's own decoder works through a body in one piece, during which nobody else is served:
a second and a half for a mebibyte of empty lists. So it gets small bodies only. Larger ones are
read token by token, in turns, and those with more parts than any honest report has are refused
before anything of them is decoded. A text in a body that holds an object itself (`plan` as the
vendor's table has it) is bounded in the same way: it can hide its structure behind escapes.
"""

import codecs
import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from exporter.edge.json_reader import DEEPEST, LONGEST_INTEGER, read_json
from exporter.errors import ReportError
from exporter.process.steps import Steps, finished

_BYTES_A_TURN = 1024 * 1024
_STRUCTURE = b",:[{"
_NO_STRUCTURE = str.maketrans("", "", _STRUCTURE.decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many parts a body may have: each comma, colon and opening bracket is one."""

    at_once: int = 2_000
    """Up to here a body is decoded in one piece."""
    most: int = 200_000
    """Ten thousand jobs with ten facts each."""


BOUNDS = Bounds()


class _SuspectError(Exception):
    """A body has something that it should not have, wherever it is."""


def decode(body: bytes, bounds: Bounds = BOUNDS) -> Steps[Any]:
    """Decode a body in turns. Raises ReportError naming the place at fault."""
    size = 0
    for start in range(0, len(body), _BYTES_A_TURN):
        if start:
            yield
        piece = body[start : start + _BYTES_A_TURN]
        size += len(piece) - len(piece.translate(None, _STRUCTURE))
    if size > bounds.most:
        raise ReportError("body", f"expected at most {bounds.most} names and values")
    try:
        text = yield from _text(body)
        if size <= bounds.at_once and _is_harmless(body):
            with contextlib.suppress(_SuspectError):
                return _FAST.decode(text)
        # What is wrong is met in its place here, so that the place can be named.
        return (yield from read_json(text))
    except UnicodeDecodeError:
        raise ReportError("body", "not UTF-8 text") from None
    except json.JSONDecodeError as exc:
        # Its own text can quote the body.
        place = f"line {exc.lineno}, column {exc.colno}"
        raise ReportError("body", f"not valid JSON at {place}") from None


def open_text(text: str, most: int = BOUNDS.most) -> Steps[Any]:
    """Return in turns the object that a text holds, or None when it is just a text."""
    if not text.lstrip().startswith("{") or len(text) - len(text.translate(_NO_STRUCTURE)) > most:
        return None
    try:
        return (yield from read_json(text))
    except (ReportError, json.JSONDecodeError):
        return None


def decode_object(text: str) -> Mapping[str, Any] | None:
    """Return the object that a text holds, or None when it is just a text."""
    found: Mapping[str, Any] | None = finished(open_text(text))
    return found


def _text(body: bytes) -> Steps[str]:
    if len(body) <= _BYTES_A_TURN:
        return body.decode()
    decoder = codecs.getincrementaldecoder("utf-8")()
    pieces = []
    for start in range(0, len(body), _BYTES_A_TURN):
        pieces.append(decoder.decode(body[start : start + _BYTES_A_TURN]))
        yield
    pieces.append(decoder.decode(b"", True))
    return "".join(pieces)


def _is_harmless(body: bytes) -> bool:
    """Say whether a body can neither be deep nor spell half a character: nearly all are so."""
    return b"\\u" not in body and body.count(b"{") + body.count(b"[") <= DEEPEST


def _build_fast() -> json.JSONDecoder:
    def suspect(_: object) -> NoReturn:
        raise _SuspectError

    def pairs(found: list[tuple[str, Any]]) -> Any:
        fields = dict(found)
        return fields if len(fields) == len(found) else suspect(found)

    def floating(text: str) -> Any:
        number = float(text)
        return number if math.isfinite(number) else suspect(text)

    def integer(text: str) -> Any:
        return int(text) if len(text) <= LONGEST_INTEGER + 1 else suspect(text)

    return json.JSONDecoder(
        object_pairs_hook=pairs,
        parse_constant=suspect,
        parse_float=floating,
        parse_int=integer,
    )


_FAST = _build_fast()
