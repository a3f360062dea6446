"""Read the body of an edge report, or name the field that makes it unacceptable.

Vendor page: "Reporting the Flink Edge Job Status" (dli_02_0287, historical). Everything documented
is checked for its type; what is not documented is let through unread, since agents in the field
cannot be changed. `exceptions`, `metrics` and `plan` are texts in the vendor's table and objects in
its example: both are taken. A field that is null counts as absent.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.edge.decoding import BOUNDS, Bounds, decode
from exporter.edge.decoding import decode_object as decode_object
from exporter.edge.json_reader import DEEPEST as DEEPEST
from exporter.errors import ReportError
from exporter.process.steps import Steps, finished

Free = Mapping[str, Any] | str | None
"""An object or a text."""

MOST_JOBS = 10_000
"""Jobs in one report: as many as a project may have, unless it is allowed more."""

_JOBS_A_TURN = 100
_GREATEST_ID = 2**63 - 1
_LATEST = 32_503_680_000_000
"""The year 3000 in milliseconds."""
_LEAST_MILLISECONDS = 100_000_000_000
"""Below this (March 1973 in milliseconds) a timestamp is in seconds."""
_STATUS = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_NAME = 256
_EXCEPTION_TEXTS = ("error_id", "error_type", "error_cause", "exception")


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


class _MisfitError(Exception):
    """A value below an object that is being checked is unacceptable."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        self.path: list[str] = []


def read_report(body: bytes, bounds: Bounds = BOUNDS) -> Report:
    """Return the report that a body holds. Raises ReportError naming the field at fault."""
    report: Report = finished(read_in_turns(body, bounds))
    return report


def read_in_turns(body: bytes, bounds: Bounds = BOUNDS) -> Steps[Report]:
    """Read a report like `read_report`, yielding every millisecond or so."""
    document = yield from decode(body, bounds)
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
    _name(message_id, "message_id")
    if len(jobs) > MOST_JOBS:
        raise ReportError("jobs", f"expected at most {MOST_JOBS} jobs in one report")
    read = []
    for index, entry in enumerate(jobs):
        if index and index % _JOBS_A_TURN == 0:
            yield
        read.append(_job(entry, index))
    return Report(message_id=message_id, jobs=tuple(read))


def same_content(one: bytes, other: bytes) -> bool:
    """Say whether two bodies that were read before say the same, however each is written.

    Whether they are acceptable is not asked again: that takes ten times as long.
    """
    return one == other or bool(json.loads(one) == json.loads(other))


def _job(entry: object, index: int) -> ReportedJob:
    try:
        return _read_job(entry)
    except _MisfitError as misfit:
        raise ReportError(f"jobs[{index}]{_place_below(misfit)}", misfit.expected) from None


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
