"""Read the trace of a connector or task that failed: a Java exception as it prints itself.

Everything here is pure.
"""

import re
from dataclasses import dataclass

LONGEST_TRACE = 16384
"""Characters that are kept of a trace, for people; each task has one of its own."""

_LONGEST_CLASS = 200
_MOST_CAUSES = 50
_CLASS = re.compile(r"[A-Za-z_$][\w$]{0,99}(?:\.[A-Za-z_$][\w$]{0,99}){0,15}", re.ASCII)
_CAUSE = re.compile(r"^Caused by: ([^:\s]{1,300})", re.MULTILINE)
_FIRST = re.compile(r"\s*([^:\s]{1,300})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectError:
    """Why something failed; empty where nobody says."""

    error_id: str = ""
    """The class that Connect itself throws: mostly a ConnectException about whatever it met."""
    error_type: str = ""
    """The class of the innermost cause, which is the one that says what is wrong."""
    text: str = ""


NO_ERROR = ConnectError()


def parse_trace(trace: str) -> ConnectError:
    """Read a trace; what it does not tell stays empty."""
    first = _FIRST.match(trace)
    outer = _class_name(first[1]) if first else ""
    causes = [_class_name(match[1]) for match in _CAUSE.finditer(trace)][-_MOST_CAUSES:]
    inner = next((name for name in reversed(causes) if name), outer)
    return ConnectError(error_id=outer, error_type=inner, text=trace[:LONGEST_TRACE])


def _class_name(text: str) -> str:
    return text if len(text) <= _LONGEST_CLASS and _CLASS.fullmatch(text) else ""
