"""Read what Flink tells of a job beside the job object: restarts, checkpoints, exceptions.

Flink documentation, "REST API": `/jobs/:jobid/metrics`, `/jobs/:jobid/checkpoints` and
`/jobs/:jobid/exceptions`. Everything here is pure.
"""

import re
from dataclasses import dataclass

from exporter.fields import Flaws, Record

RESTART_METRICS = ("numRestarts", "fullRestarts")
"""In order of preference: versions before 1.10 know the second only, 2.0 dropped it."""

LONGEST_ERROR_TEXT = 16384
"""Bytes of an exception's text that are kept, for people: four times a usual stack trace."""

_WRAPPER = "org.apache.flink.runtime.JobException"
"""What Flink wraps around the exception that ended a job: Recovery is suppressed by ..."""

_CAUSE = re.compile(r"^Caused by: ([^:\s]+)", re.MULTILINE)
_CLASS_NAME = re.compile(r"[A-Za-z_$][\w$]{0,99}(?:\.[A-Za-z_$][\w$]{0,99}){0,15}", re.ASCII)
_LONGEST_CLASS_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """The last completed checkpoint of a job, and how many failed."""

    failed: int | None = None
    completed_timestamp: float | None = None
    duration_seconds: float | None = None
    size_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The latest exception of a job; Flink keeps it while the job runs again."""

    timestamp: float | None = None
    error_type: str = ""
    text: str = ""


def parse_restarts(document: object, flaws: Flaws) -> int | None:
    """Read how often a job restarted; the list of metrics is empty until Flink has some."""
    metrics = Record({"metrics": document}, "job", flaws).records("metrics")
    found = {metric.text("id"): metric.count("value") for metric in metrics}
    known = (found.get(name) for name in RESTART_METRICS)
    return next((number for number in known if number is not None), None)


def parse_checkpoints(document: object, flaws: Flaws) -> Checkpoints:
    """Read a job's checkpoint statistics."""
    statistics = Record(document, "checkpoints", flaws)
    completed = statistics.record("latest").record("completed")
    return Checkpoints(
        failed=statistics.record("counts").count("failed"),
        completed_timestamp=completed.time_milliseconds("latest_ack_timestamp"),
        duration_seconds=completed.milliseconds("end_to_end_duration"),
        # What this checkpoint wrote, as in Flink's own gauge lastCheckpointSize; versions before
        # 1.15 tell the size of the whole state only.
        size_bytes=completed.count("checkpointed_size", "state_size"),
    )


def parse_exceptions(document: object, flaws: Flaws) -> LastError:
    """Read a job's latest exception, from the history or, before 1.13, from the root exception."""
    exceptions = Record(document, "exceptions", flaws)
    entries = exceptions.record("exceptionHistory").records("entries")
    if entries:
        latest = entries[0]
        text = latest.long_text("stacktrace")
        error_type = _error_type(_class_name(latest.text("exceptionName")), text)
    else:
        latest = exceptions
        text = latest.long_text("root-exception")
        # A sentence may come in place of an exception, but no sentence looks like a package.
        named = _class_name(text.partition("\n")[0].partition(":")[0].strip())
        error_type = _error_type(named, text) if "." in named else ""
    return LastError(
        timestamp=latest.time_milliseconds("timestamp"),
        error_type=error_type,
        text=text.encode("utf-8")[:LONGEST_ERROR_TEXT].decode("utf-8", "ignore"),
    )


def _error_type(named: str, text: str) -> str:
    cause = _CAUSE.search(text) if named == _WRAPPER else None
    return (_class_name(cause[1]) if cause else "") or named


def _class_name(text: str) -> str:
    if len(text) > _LONGEST_CLASS_NAME or not _CLASS_NAME.fullmatch(text):
        return ""
    return text
