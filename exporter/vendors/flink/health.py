"""Read what Flink tells of a job beside the job object: restarts, checkpoints, exceptions.

Flink documentation, "REST API": `/jobs/:jobid/metrics`, `/jobs/:jobid/checkpoints` and
`/jobs/:jobid/exceptions`. Everything here is pure.
"""

import re
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Any

from exporter.fields import Flaws, Record

RESTART_METRICS = ("numRestarts", "fullRestarts")
"""In order of preference: versions before 1.10 know the second only, 2.0 dropped it."""

LONGEST_ERROR_TEXT = 16384
"""Bytes of an exception's text that are kept, for people: four times a usual stack trace."""

_WRAPPERS = frozenset(
    {
        "java.lang.reflect.InvocationTargetException",
        "java.lang.reflect.UndeclaredThrowableException",
        "java.security.PrivilegedActionException",
        "java.util.concurrent.CompletionException",
        "java.util.concurrent.ExecutionException",
        "org.apache.flink.client.program.ProgramInvocationException",
        "org.apache.flink.runtime.JobException",
        "org.apache.flink.runtime.client.JobExecutionException",
        "org.apache.flink.runtime.client.JobInitializationException",
        "org.apache.flink.runtime.client.JobSubmissionException",
        "org.apache.flink.runtime.io.network.netty.exception.LocalTransportException",
        "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException",
        "org.apache.flink.runtime.taskmanager.AsynchronousException",
        "org.apache.flink.streaming.runtime.tasks.AsynchronousException",
        "org.apache.flink.streaming.runtime.tasks.ExceptionInChainedOperatorException",
        "org.apache.flink.util.SerializedThrowable",
        "org.apache.flink.util.WrappingRuntimeException",
    }
)
"""Exceptions that tell where another one was caught, and nothing of what is wrong."""

_PLAIN = frozenset({"java.lang.Exception", "java.lang.RuntimeException", "java.lang.Throwable"})
"""Made of a cause alone, these repeat it as their message: then they are wrappers as well."""

_CAUSE = re.compile(r"^Caused by: ([^\n]{0,2000})", re.MULTILINE)
_MOST_CAUSES = 50
_CLASS_NAME = re.compile(r"[A-Za-z_$][\w$]{0,99}(?:\.[A-Za-z_$][\w$]{0,99}){0,15}", re.ASCII)
_LONGEST_CLASS_NAME = 200
_LONGEST_LINE = 2000
_MOST_NESTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """The last completed checkpoint of a job, how many were, and how many failed."""

    completed: int | None = None
    failed: int | None = None
    completed_timestamp: float | None = None
    duration_seconds: float | None = None
    size_bytes: float | None = None

    def facts(self) -> dict[str, Any]:
        """Return what a Job says of them."""
        return {
            "checkpoints_completed": self.completed,
            "checkpoints_failed": self.failed,
            "last_checkpoint_completed_timestamp": self.completed_timestamp,
            "last_checkpoint_duration_seconds": self.duration_seconds,
            "last_checkpoint_size_bytes": self.size_bytes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The latest exception of a job; Flink keeps it while the job runs again."""

    timestamp: float | None = None
    error_type: str = ""
    text: str = ""

    def facts(self) -> dict[str, Any]:
        """Return what a Job says of it."""
        return {
            "last_error_timestamp": self.timestamp,
            "error_type": self.error_type,
            "error_text": self.text,
        }


def parse_restarts(document: object, flaws: Flaws) -> int | None:
    """Read how often a job restarted; the list of metrics is empty until Flink has some."""
    metrics = Record({"metrics": document}, "job", flaws).records("metrics")
    found = {metric.text("id"): metric.count("value") for metric in metrics}
    known = (found.get(name) for name in RESTART_METRICS)
    return next((number for number in known if number is not None), None)


def parse_checkpoints(document: object, flaws: Flaws) -> Checkpoints:
    """Read a job's checkpoint statistics.

    Flink counts for every job that streams. Where none was ever begun but for savepoints, which
    somebody asks for, the job takes none as far as anybody can tell: zeros would say that all is
    well, or that the first one is overdue.
    """
    statistics = Record(document, "checkpoints", flaws)
    completed = statistics.record("latest").record("completed")
    counts = statistics.record("counts")
    failed, in_progress = counts.count("failed"), counts.count("in_progress")
    if failed == 0 and in_progress == 0 and not completed:
        return Checkpoints()
    return Checkpoints(
        completed=counts.count("completed"),
        failed=failed,
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
    """Return the first exception of a stack trace, from the outside in, that is no wrapper."""
    if named not in _WRAPPERS and named not in _PLAIN:
        return named
    causes = (cause[1] for cause in islice(_CAUSE.finditer(text), _MOST_CAUSES))
    for line in chain((text.partition("\n")[0],), causes):
        for wrapped, following in pairwise([*_classes(line), ""]):
            if wrapped not in _WRAPPERS and not (wrapped in _PLAIN and following):
                return wrapped
    return named


def _classes(line: str) -> list[str]:
    """Return the exceptions that a line of a stack trace begins with.

    An exception made of its cause alone has as its message what the cause says of itself.
    """
    found: list[str] = []
    for part in line[:_LONGEST_LINE].split(":")[:_MOST_NESTED]:
        name = _class_name(part.strip())
        # Who is told by a message may be a host as well; classes begin with a capital letter.
        if "." not in name or (found and not name.rpartition(".")[2][:1].isupper()):
            break
        found.append(name)
    return found


def _class_name(text: str) -> str:
    if len(text) > _LONGEST_CLASS_NAME or not _CLASS_NAME.fullmatch(text):
        return ""
    return text
