"""State what every source has in common, whatever its platform.

The settings any source takes, and the two questions the collector asks of it: what is there
(`fetch_inventory`), and what more is there to know of one job (`fetch_details`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.attention_settings import AttentionSettings
from exporter.errors import FetchError
from exporter.expressions import Expression
from exporter.fields import Flaws
from exporter.model import ClusterCounts, Job, JobKey
from exporter.settings import (
    Duration,
    Endpoint,
    ExistingFile,
    PositiveDuration,
    Section,
    is_proxy_url,
    written_as,
)

MOST_JOBS = 200_000
"""Jobs of one source: about a kilobyte of memory each, and as much again on the page."""
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_VALUE = re.compile("[:\uff1a=].*", re.DOTALL)
"""What is a part of a key where a blank is missing, and is not quoted: it may be a secret."""
RESERVED_LABELS = frozenset(
    {
        *("source", "platform", "project", "job_id", "job_name", "job", "instance"),
        *("native_status", "graph_state", "expected_state", "job_type", "run_mode", "queue"),
        *("engine_version", "run_id", "le", "quantile"),
    }
)


def _pattern(text: str) -> str:
    try:
        Expression(text)
    except ValueError as exc:
        reason = {"reason": str(exc)}
        raise PydanticCustomError("pattern", "not a regular expression: {reason}", reason) from None
    return text


def _source_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", text):
        raise PydanticCustomError(
            "source_name", "expected up to 63 letters, digits, dots, dashes or underscores"
        )
    return text


def _labels(value: Mapping[str, str]) -> Mapping[str, str]:
    for name in value:
        if not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
            shown = {"name": _VALUE.sub("…", name)}
            raise PydanticCustomError("label", "{name}: not a label name", shown)
        if name in RESERVED_LABELS:
            raise PydanticCustomError(
                "label", "{name}: this label is the exporter's own", {"name": name}
            )
    return value


def _proxy_url(text: str) -> str:
    if not is_proxy_url(text):
        raise PydanticCustomError("proxy_url", "expected http(s)://host:port")
    return text


def _texts(value: Any) -> Any:
    # YAML reads an unquoted job id as a number; people mean its digits.
    if isinstance(value, list):
        return [str(x) if isinstance(x, int) and not isinstance(x, bool) else x for x in value]
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
SourceName = Annotated[str, AfterValidator(_source_name)]
Labels = Annotated[Mapping[str, str], AfterValidator(_labels)]
Names = Annotated[tuple[str, ...], BeforeValidator(_texts), written_as("texts")]


class TlsSettings(Section):
    """How the certificate of an API is checked, and which one we show."""

    ca_file: ExistingFile | None = None
    cert_file: ExistingFile | None = None
    key_file: ExistingFile | None = None
    insecure_skip_verify: bool = False

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise PydanticCustomError("tls", "cert_file and key_file go together")
        return self


class JobSelection(Section):
    """Which jobs of a source are shown."""

    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    ids: Names = ()
    drafts: bool = False


class SourceSettings(Section):
    """What any source can be told; each platform adds its own keys."""

    name: SourceName
    platform: str
    poll_interval: PositiveDuration = 30.0
    detail_interval: PositiveDuration = 120.0
    timeout: PositiveDuration = 10.0
    stale_after: PositiveDuration = 300.0
    rate_limit: Annotated[float, Field(gt=0, le=10000)] = 10.0
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 8
    ended_retention: Duration = 86400.0
    state_series: Literal["all", "current"] = "all"
    endpoint: Endpoint | None = None
    jobs: JobSelection = JobSelection()
    expect: tuple[Pattern, ...] = ()
    labels: Labels = Field(default_factory=dict)
    attention: AttentionSettings = AttentionSettings()
    tls: TlsSettings = TlsSettings()
    proxy_url: Annotated[str, AfterValidator(_proxy_url)] | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _stale_after_a_poll(self) -> Self:
        if self.stale_after <= self.poll_interval:
            raise PydanticCustomError(
                "stale_after", "stale_after must be longer than poll_interval: every job would go"
            )
        return self

    @cached_property
    def label_pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the configured labels in a fixed order."""
        return tuple(sorted(self.labels.items()))

    @property
    def loopback_of_others(self) -> bool | None:
        """Say whether addresses that others choose may be of this machine.

        None where the configuration names every address itself.
        """
        return None

    @property
    def connections(self) -> int:
        """Return how many connections there can be at a time, logins left out."""
        return self.concurrency


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one pass over a source's listing found.

    `jobs` are sparse rows, at most one a key. `incomplete` names the projects whose listing did
    not arrive whole, with why: their jobs are kept as they were. `failures` are the parts that
    could not be had while the listing could. `flaws` is what could not be read.

    Where projects are clusters that stand for themselves, those that cannot be listed are
    `unreached`: their jobs are kept too, but it is no failure of the source.
    """

    jobs: tuple[Job, ...]
    incomplete: tuple[tuple[str, FetchError], ...] = ()
    unreached: tuple[tuple[str, FetchError], ...] = ()
    whole: frozenset[str] | None = None
    """Projects of which everything is told, where there may be others; None when all are but
    those that are named above."""
    replaced: frozenset[JobKey] = frozenset()
    """Jobs that stood for others which are listed themselves now: they leave, and are no loss."""
    pending: bool = False
    """Whether something was never listed yet that may soon be: who is absent is not known."""
    clusters: ClusterCounts | None = None
    failures: tuple[FetchError, ...] = ()
    flaws: Flaws


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What asking for one job found: everything known of it.

    `failures` are the parts that could not be had while the job itself could. `withdrawn` names the
    fields of which nobody knows any more what they are: what was told of them before goes too.
    `withdrawn_elsewhere` names such fields of other jobs. `in_doubt` says that asking again at the
    next poll would tell more.
    """

    job: Job
    flaws: Flaws
    failures: tuple[FetchError, ...] = ()
    withdrawn: tuple[str, ...] = ()
    withdrawn_elsewhere: Mapping[JobKey, tuple[str, ...]] = field(default_factory=dict)
    in_doubt: bool = False


class Source(Protocol):
    """One configured source of jobs, as the collector sees it."""

    async def fetch_inventory(self) -> Inventory:
        """List the jobs, every page of them.

        Raises FetchError when the listing as a whole failed.
        """

    async def fetch_details(self, job: Job) -> Details:
        """Ask for everything about one job, given its latest row.

        Raises FetchError; with `gone` set when the platform says that it does not exist.
        """

    async def aclose(self) -> None:
        """Close the connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a platform charges for in what is asked of it."""

    what: str
    """What is counted, in the vendor's words: it is told to people."""
    per_details: float
    """How many for the details of one running job."""
    free_per_month: float = 0.0
    dollars_each: float
    """The list price in US dollars, of each beyond those that are free."""
    every: float | None = None
    """Seconds between two of them about one job; None where that is when details are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCost:
    """How many API calls a source of so many jobs makes."""

    per_inventory: float
    """Calls for one pass over the listing."""
    per_details: float
    """Calls for the details of one running job."""
    per_cluster: float = 0.0
    """Calls for the listing of each cluster, where a source has many."""
    every_poll: bool = False
    """Whether details are asked for at every poll, because only they tell the state."""
    per_minute: float = 0.0
    """Calls that are made whatever the listing and the details take."""
    bill: Bill | None = None
    """What of it costs money; None where nothing does."""
