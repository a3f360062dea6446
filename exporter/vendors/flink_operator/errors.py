"""Read `.status.error` of the Flink operator: JSON in a text, mostly.

Flink Kubernetes Operator, FlinkResourceExceptionUtils and ExceptionUtils: `type`, `message`,
`additionalMetadata`, `throwableList`. Older versions and some places write a sentence, or a Java
exception as it prints itself. Everything here is pure.
"""

import json
import re
from dataclasses import dataclass

from exporter.fields import Flaws, Record

LONGEST_TEXT = 16384
"""Characters that are kept of an error, for people."""
JOB_NOT_FOUND = "JobNotFound"

_MOST_READ = 256 * 1024
_MOST_CAUSES = 20
_REASON = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_CLASS = re.compile(r"[A-Za-z_$][\w$]{0,99}(?:\.[A-Za-z_$][\w$]{0,99}){1,15}", re.ASCII)
_NAMED_CLASS = re.compile(
    r"\b[a-z_][\w$]{0,99}(?:\.[A-Za-z_$][\w$]{0,99}){1,15}(?:Exception|Error)\b", re.ASCII
)
_CAUSE = re.compile(r"^Caused by: ([^:\s]{1,300})", re.MULTILINE)
_LONGEST_CLASS = 200
_LOOKED_AT = 4096
_NO_MANAGER = re.compile(r"MissingJobManagerException|Missing JobManager deployment")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorError:
    """What the operator says is wrong; empty where it says nothing."""

    error_id: str = ""
    """The reason Kubernetes gives, or the class of the operator's own exception."""
    error_type: str = ""
    """The class of the innermost cause."""
    text: str = ""

    @property
    def names_missing_manager(self) -> bool:
        """Say whether it is about a JobManager that is not there."""
        return bool(_NO_MANAGER.search(f"{self.error_id} {self.text[:_LOOKED_AT]}"))


def parse_error(text: str, flaws: Flaws) -> OperatorError:
    """Read an error in whatever shape it comes; what it is not stays empty."""
    if not text.strip():
        return OperatorError()
    document = _decoded(text)
    if document is None:
        return _parse_sentence(text)
    error = Record(document, "status.error", flaws)
    reason = error.record("additionalMetadata").text("reason")
    outer = _class_name(error.text("type"))
    causes = error.records("throwableList")[:_MOST_CAUSES]
    classes = [outer, *(_class_name(cause.text("type")) for cause in causes)]
    messages = [error.long_text("message"), *(cause.long_text("message") for cause in causes)]
    lines = [error.text("type"), *(cause.text("type") for cause in causes)]
    told = "\nCaused by: ".join(
        ": ".join(part for part in pair if part) for pair in zip(lines, messages, strict=True)
    )
    stack = error.long_text("stackTrace", "stacktrace")
    return OperatorError(
        error_id=reason if _REASON.fullmatch(reason) else outer,
        error_type=next((name for name in reversed(classes) if name), ""),
        text="\n".join(part for part in (told, stack) if part)[:LONGEST_TEXT],
    )


def _decoded(text: str) -> dict[str, object] | None:
    if not text.lstrip().startswith("{") or len(text) > _MOST_READ:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _parse_sentence(text: str) -> OperatorError:
    kept = text.encode("utf-8", "replace").decode("utf-8")[:LONGEST_TEXT]
    if text.strip().casefold() == "job not found":
        return OperatorError(error_id=JOB_NOT_FOUND, text=kept)
    named = _NAMED_CLASS.search(text[:_LOOKED_AT])
    outer = _class_name(named[0]) if named else ""
    causes = [_class_name(each) for each in _CAUSE.findall(text[:_MOST_READ])[:_MOST_CAUSES]]
    inner = next((name for name in reversed(causes) if name), outer)
    return OperatorError(error_id=outer, error_type=inner, text=kept)


def _class_name(text: str) -> str:
    return text if len(text) <= _LONGEST_CLASS and _CLASS.fullmatch(text) else ""
