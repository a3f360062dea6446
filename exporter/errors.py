"""Name everything that can go wrong.

ExporterError
├── ConfigError          the configuration cannot be used; carries every problem found
├── CredentialError      no usable credentials, or using them is paused
│   └── UnusableError    credentials that somebody set up cannot be used: no others will do
├── FetchError           a request to a platform's API failed; carries the reason
├── JournalError         reports of edge jobs cannot be made durable, or the file cannot be used
├── ReportError          a report of edge jobs is not acceptable; names the field
├── SlowExpressionError  an expression of the configuration takes too long on a name; names it
└── UnreadableError      an answer is not what the vendor documents at all

Every message may be logged and shown: none carries a URL, a header, a body or a secret.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a poll failed: the values of the `reason` label."""

    AUTH = "auth"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    SERVER = "server"
    NOT_FOUND = "not_found"
    INVALID_RESPONSE = "invalid_response"
    MONITORING = "monitoring"
    """Of what a cloud's monitoring service measures, beside the platform itself."""


class ExporterError(Exception):
    """Be the root of every error this program raises on purpose."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Say what is wrong at one place of the configuration."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(ExporterError):
    """The configuration cannot be used; `problems` lists every reason at once."""

    def __init__(self, problems: tuple[ConfigProblem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class CredentialError(ExporterError):
    """No usable credentials were found, or their use is paused to protect the key."""


class UnusableError(CredentialError):
    """Credentials that somebody set up cannot be used; others would be another identity."""


class UnreadableError(ExporterError):
    """An answer does not have the documented shape; the message names place and expectation."""


class ReportError(ExporterError):
    """A report of edge jobs is not acceptable; `place` is the field, `expected` what it lacks."""

    def __init__(self, place: str, expected: str) -> None:
        self.place = place
        self.expected = expected
        super().__init__(f"{place}: {expected}")


class SlowExpressionError(ExporterError):
    """An expression of the configuration cannot be matched in time."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        shown = expression if len(expression) <= 100 else f"{expression[:100]}…"
        super().__init__(f"the expression {shown!r} takes too long to match a name: simplify it")


class JournalError(ExporterError):
    """The journal of edge reports cannot be opened, or did not take what was to be written."""


class FetchError(ExporterError):
    """A request to a platform's API failed.

    `operation` is the vendor's name of the call, `status` the HTTP status (None when there was no
    answer), `code` the vendor's error code, `detail` a short harmless text, `retry_after` the
    seconds the platform asked us to stay away. `gone` says that the platform knows the thing asked
    for does not exist; a bare 404 of some proxy does not say so. `local` says that it concerns one
    of many places that are asked, and that the others may well answer.
    """

    def __init__(
        self,
        reason: Reason,
        operation: str,
        *,
        status: int | None = None,
        code: str = "",
        detail: str = "",
        retry_after: float | None = None,
        gone: bool = False,
        retryable: bool = False,
        local: bool = False,
    ) -> None:
        self.reason = reason
        self.operation = operation
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.gone = gone
        self.retryable = retryable
        self.local = local
        parts = [f"{operation} failed: {reason}"]
        if status is not None:
            parts.append(f"HTTP {status}")
        if code:
            parts.append(code)
        if detail:
            parts.append(detail)
        super().__init__(", ".join(parts))

    def bare(self) -> "FetchError":
        """Return it without its trace and causes, whose frames hold whole answers, to be kept."""
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self
