"""Read the body of an edge report, or name the field that makes it unacceptable.

Vendor page: "Reporting the Flink Edge Job Status" (dli_02_0287, historical). Everything documented
is checked for its type; what is not documented is let through unread, since agents in the field
cannot be changed. `exceptions`, `metrics` and `plan` are texts in the vendor's table and objects in
its example: both are taken. A field that is null counts as absent.
"""

import contextlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.errors import ReportError

Free = Mapping[str, Any] | str | None
"""An object or a text."""

DEEPEST = 32
"""Levels of nesting that a body may have."""

_LONGEST_INTEGER = 19
_GREATEST_ID = 2**63 - 1
_LATEST = 32_503_680_000_000
"""The year 3000 in milliseconds."""
_LEAST_MILLISECONDS = 100_000_000_000
"""Below this (March 1973 in milliseconds) a timestamp is in seconds."""
_STATUS = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_NAME = 256
_EXCEPTION_TEXTS = ("error_id", "error_type", "error_cause", "exception")
_NOT_SHOWN = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedJob:
    """One job of a report, checked but not yet understood."""

    job_id: int | None
    status: str
    create_time: int
    """When the agent saw this, in milliseconds since the epoch."""
    exceptions: Free
    metrics: Free
    plan: Free


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of an agent."""

    message_id: str
    jobs: tuple[ReportedJob, ...]


@dataclass(frozen=True, slots=True)
class _Unfit:
    """Stand where the body has a value that no JSON number or object should be."""

    expected: str


class _SuspectError(Exception):
    """A body has something that it should not have, wherever it is."""


class _MisfitError(Exception):
    """A value below an object that is being checked is unacceptable."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        self.path: list[str] = []


def read_report(body: bytes) -> Report:
    """Return the report that a body holds. Raises ReportError naming the field at fault."""
    document = _decode(body)
    if not isinstance(document, dict):
        raise ReportError("body", "expected an object")
    jobs = document.get("jobs")
    if not isinstance(jobs, list):
        raise ReportError("jobs", "required" if jobs is None else "expected a list of objects")
    message_id = document.get("message_id")
    if message_id is None:
        raise ReportError("message_id", "required")
    topic = document.get("msg_confirm_topic")
    if topic is not None:
        _name(topic, "msg_confirm_topic")
    return Report(
        message_id=_name(message_id, "message_id"),
        jobs=tuple(_job(entry, f"jobs[{index}]") for index, entry in enumerate(jobs)),
    )


def same_content(one: bytes, other: bytes) -> bool:
    """Say whether two readable bodies say the same, however each is written."""
    return one == other or bool(_decode(one) == _decode(other))


def decode_object(text: str) -> Mapping[str, Any] | None:
    """Return the object that a text holds as JSON, or None when it is just a text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = _FAST.decode(text)
        _inspect(value, DEEPEST)
    except (ValueError, RecursionError, _SuspectError, _MisfitError):
        return None
    return value if isinstance(value, dict) else None


def _job(entry: object, place: str) -> ReportedJob:
    try:
        return _read_job(entry)
    except _MisfitError as misfit:
        raise ReportError(place + _place_below(misfit), misfit.expected) from None


def _read_job(entry: object) -> ReportedJob:
    """Raise _MisfitError with the path below the entry, which is spelt out only then."""
    if not isinstance(entry, dict):
        raise _MisfitError("expected an object")
    status = entry.get("status")
    if not isinstance(status, str) or not _STATUS.fullmatch(status):
        raise _misfit(
            "required" if status is None else "expected a word such as job_running", "status"
        )
    job_id = entry.get("job_id")
    if job_id is not None and not (type(job_id) is int and 0 <= job_id <= _GREATEST_ID):
        raise _misfit("expected a whole number from 0 to 2^63-1", "job_id")
    exceptions = _free(entry, "exceptions")
    if isinstance(exceptions, dict):
        _check_exceptions(exceptions)
    return ReportedJob(
        job_id=job_id,
        status=status,
        create_time=_milliseconds(entry.get("create_time")),
        exceptions=exceptions,
        metrics=_free(entry, "metrics"),
        plan=_free(entry, "plan"),
    )


def _milliseconds(value: object) -> int:
    if type(value) is not int or not 0 < value < _LATEST:
        expected = "required" if value is None else "expected a time in milliseconds since 1970"
        raise _misfit(expected, "create_time")
    return value if value >= _LEAST_MILLISECONDS else value * 1000


def _free(entry: Mapping[str, Any], name: str) -> Free:
    value = entry.get(name)
    if value is not None and not isinstance(value, dict | str):
        raise _misfit("expected an object or a text", name)
    return value


def _check_exceptions(exceptions: Mapping[str, Any]) -> None:
    for name in _EXCEPTION_TEXTS:
        if not isinstance(exceptions.get(name), str | None):
            raise _misfit("expected a text", "exceptions", name)
    moment = exceptions.get("error_time")
    if moment is not None and not (isinstance(moment, str) or type(moment) is int):
        raise _misfit("expected a time such as 2020-06-02 13:34:28", "exceptions", "error_time")


def _misfit(expected: str, *names: str) -> "_MisfitError":
    misfit = _MisfitError(expected)
    misfit.path = [f".{name}" for name in reversed(names)]
    return misfit


def _place_below(misfit: "_MisfitError") -> str:
    return "".join(reversed(misfit.path))


def _name(value: object, place: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME or not value.isprintable():
        expected = f"expected a text of 1 to {_LONGEST_NAME} printable characters"
        raise ReportError(place, expected)
    return value


def _decode(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        if _is_harmless(body):
            with contextlib.suppress(_SuspectError):
                return _FAST.decode(text)
        # Read once more, keeping what is wrong in its place, so that the place can be named.
        document = _MARKING.decode(text)
        _inspect(document, DEEPEST)
    except UnicodeDecodeError:
        raise ReportError("body", "not UTF-8 text") from None
    except json.JSONDecodeError as exc:
        # Its own text can quote the body.
        place = f"line {exc.lineno}, column {exc.colno}"
        raise ReportError("body", f"not valid JSON at {place}") from None
    except RecursionError:
        raise ReportError("body", "nested too deeply") from None
    except _MisfitError as misfit:
        raise ReportError(_place(misfit.path), misfit.expected) from None
    return document


def _is_harmless(body: bytes) -> bool:
    """Say whether a body can neither be deep nor spell half a character: nearly all are so."""
    return b"\\u" not in body and body.count(b"{") + body.count(b"[") <= DEEPEST


def _inspect(value: object, levels: int) -> None:
    """Find what a decoder lets through: depth, half characters, what the hooks have marked."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if levels == 0:
            raise _MisfitError(f"expected no more than {DEEPEST} levels of nesting")
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for step, entry in entries:
            try:
                _inspect(step, 0)
                _inspect(entry, levels - 1)
            except _MisfitError as misfit:
                misfit.path.append(f"[{step}]" if isinstance(step, int) else f".{_shown(step)}")
                raise
    elif isinstance(value, _Unfit):
        raise _MisfitError(f"expected {value.expected}")


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # JSON can spell half a character, and no page could be encoded with it.
        raise _MisfitError("expected text that is whole Unicode") from None


def _shown(name: str) -> str:
    """Return the name of a field so that it fits a message: it can be anything."""
    return _NOT_SHOWN.sub("?", name[:64])


def _place(path: list[str]) -> str:
    return "".join(reversed(path)).removeprefix(".") or "body"


def _duplicate(pairs: list[tuple[str, Any]]) -> _Unfit:
    # A body can have as many names as fit into it: each is counted once.
    counts = Counter(name for name, _ in pairs)
    twice = next(name for name, count in counts.items() if count > 1)
    # One of the two values would be lost.
    return _Unfit(f"{_shown(twice)} only once")


def _build_decoder(reject: Callable[[_Unfit], Any]) -> json.JSONDecoder:
    def pairs(found: list[tuple[str, Any]]) -> Any:
        fields = dict(found)
        return fields if len(fields) == len(found) else reject(_duplicate(found))

    def floating(text: str) -> Any:
        number = float(text)
        return number if math.isfinite(number) else reject(_Unfit("a finite number"))

    def integer(text: str) -> Any:
        if len(text) > _LONGEST_INTEGER + 1:
            return reject(_Unfit(f"a number of at most {_LONGEST_INTEGER} digits"))
        return int(text)

    return json.JSONDecoder(
        object_pairs_hook=pairs,
        parse_constant=lambda text: reject(_Unfit("a finite number")),
        parse_float=floating,
        parse_int=integer,
    )


def _raise(unfit: _Unfit) -> Any:
    raise _SuspectError(unfit.expected)


_FAST = _build_decoder(_raise)
_MARKING = _build_decoder(lambda unfit: unfit)
