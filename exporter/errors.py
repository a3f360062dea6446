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


class About(StrEnum):
    """What a problem of the configuration is about, and so what may be told of it."""

    KEY = "key"
    VALUE = "value"
    """A value that may be a secret."""
    KIND = "kind"
    """A value of another kind than the one that belongs there."""
    PUBLIC = "public"
    """A word that a vendor publishes, such as the code of a region."""
    PLAIN = "plain"
    """A number, a duration or a word out of a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Say where in a file a problem is, and what is there."""

    file: str = ""
    line: int = 0
    """From 1; 0 for the whole file."""
    column: int = 0
    source: str = ""
    """The name of the source that it concerns."""
    found: str = ""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Say what is wrong at one place of the configuration."""

    path: str
    message: str
    about: About = About.VALUE
    place: Place | None = None

    def __str__(self) -> str:
        """Write it as compilers do, for people and editors, once it is known where it is."""
        return self.headed("")

    def headed(self, word: str) -> str:
        """Write it with a word that says how bad it is, where compilers and editors have that."""
        where = self.place
        if where is None:
            return ": ".join(filter(None, (word, self.path, self.message)))
        numbers = (where.line, where.column) if where.line else ()
        lead = ":".join((where.file, *map(str, numbers)))
        if not where.file:
            lead = f"line {where.line}, column {where.column}"
        path: tuple[str, ...] = (self.path,)
        if where.source:
            index, _, rest = self.path.partition(".")
            path = (f'{index} "{where.source}"', rest)
        found = f", found {where.found}" if where.found else ""
        return ": ".join(filter(None, (lead, word, *path, f"{self.message}{found}")))


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
