"""Turn what an agent reports of a job into the common vocabulary. Everything here is pure.

What `metrics` and `plan` look like is documented nowhere. Numbers are known by the names DLI uses
for the same things elsewhere: its batch metrics (dli_02_0238), its Cloud Eye metrics
(dli_01_0445), its job details. Numbers under other names are kept for /api/v1/jobs; nothing else
is. Times without a zone are UTC: in the vendor's example `error_time` is `create_time` in UTC.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from exporter.collecting.merging import finish
from exporter.edge.decoding import open_text
from exporter.edge.report import Free, ReportedJob
from exporter.fields import Flaws, Record, as_number
from exporter.model import Job, State, look_up
from exporter.process.steps import Steps, finished
from exporter.vendors.dli_states import STATES
from exporter.vendors.flink.graph import parse_graph

PLATFORM = "edge"
UNIDENTIFIED = "unidentified"
"""Name of the one job a project can have that is reported without an id."""

Facts = Mapping[str, Any]
"""What a report says of a job: fields of `model.Job` that JSON can hold, those that are known."""

_CODE = re.compile(r"[A-Za-z0-9_.:$-]{1,128}")
_LONGEST_ERROR = 4096
_MOST_METRICS = 100
_LONGEST_METRIC = 128
_MOST_NAMES = 2_000
"""So many names and values of `metrics` are looked at."""
_MOST_PARTS = 1_000
"""Sources or sinks of one job: a list of more is no account of them."""
_MOST_VERTICES, _LARGEST_PLAN = 500, 20_000
"""Vertices, and names and values, of a plan: a larger one is not read. Flink's own have dozens."""

_Reader = Callable[[Record, str], float | int | None]


def _positive(record: Record, name: str) -> float | None:
    number = record.number(name)
    return None if number is None or number < 0 else number


def _sum(record: Record, name: str) -> float | None:
    """Read the sum of the `records` of each source or sink."""
    counts = [_positive(part, "records") for part in record.records(name)]
    known = [count for count in counts if count is not None]
    total = sum(known)
    # Of numbers that are each too large to be true the sum can be none.
    return total if known and math.isfinite(total) else None


_METRICS: Mapping[str, tuple[str, _Reader]] = {
    "total_read_rate": ("read_records_per_second", _positive),
    "flink_read_records_per_second": ("read_records_per_second", _positive),
    "total_write_rate": ("written_records_per_second", _positive),
    "flink_write_records_per_second": ("written_records_per_second", _positive),
    "flink_read_records_total": ("read_records", _positive),
    "read_records": ("read_records", _positive),
    "sources": ("read_records", _sum),
    "flink_write_records_total": ("written_records", _positive),
    "write_records": ("written_records", _positive),
    "sinks": ("written_records", _sum),
    "input_delay": ("input_delay_seconds", lambda record, name: record.milliseconds(name)),
    "restart_times": ("restart_times", lambda record, name: record.count(name)),
}
"""The names of numbers that are known, what each becomes, and how it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownJob:
    """What one report says of one job, ready to be stored and compared."""

    project: str
    job_id: str
    create_time: int
    """The time of the report by the agent's clock, in milliseconds."""
    received: float
    facts: Facts

    @property
    def key(self) -> tuple[str, str]:
        """Return what identifies the job."""
        return self.project, self.job_id

    @property
    def state(self) -> str:
        """Return the state in the common vocabulary."""
        return str(self.facts["state"])

    @property
    def since(self) -> float | None:
        """Return when the state began, if this is the first report of it."""
        return self.facts.get("state_since_timestamp")

    @property
    def last_error(self) -> float | None:
        """Return when the job last failed, if this report says so."""
        return self.facts.get("last_error_timestamp")


def read_job(project: str, reported: ReportedJob, received: float, flaws: Flaws) -> KnownJob:
    """Return what one entry of a report says of a job, as received at a time."""
    known: KnownJob = finished(read_job_in_turns(project, reported, received, flaws))
    return known


def read_job_in_turns(
    project: str, reported: ReportedJob, received: float, flaws: Flaws
) -> Steps[KnownJob]:
    """Read a job like `read_job`, yielding while a text that holds a large object is read."""
    state = look_up(STATES, reported.status)
    if state is State.UNKNOWN:
        flaws.note_state(reported.status)
    moment = reported.create_time / 1000
    facts: dict[str, Any] = {
        "state": state.value,
        "native_status": reported.status,
        "updated_timestamp": moment,
        "state_since_timestamp": moment,
    }
    if reported.exceptions:
        found, text = yield from _open(reported.exceptions)
        _add_exceptions(facts, found, text, flaws)
    if reported.metrics:
        found, _ = yield from _open(reported.metrics)
        _add_metrics(facts, found or {}, flaws)
    if reported.plan:
        found, _ = yield from _open(reported.plan)
        _add_plan(facts, found or {})
    _bound_times(facts, received)
    return KnownJob(
        project=project,
        job_id="" if reported.job_id is None else str(reported.job_id),
        create_time=reported.create_time,
        received=received,
        facts={name: value for name, value in facts.items() if value not in _UNKNOWN},
    )


_UNKNOWN: tuple[object, ...] = (None, "", ())
_TIMES = (
    *("updated_timestamp", "state_since_timestamp", "last_error_timestamp"),
    *("start_timestamp", "end_timestamp"),
)
_TOLD = "told_times"
"""Which times cannot be, as they were told; not a field of any job."""


def _bound_times(facts: dict[str, Any], received: float) -> None:
    """Put times that are still to come at when the report came in: they were not after that."""
    told = {}
    for name in _TIMES:
        moment = facts.get(name)
        if moment is not None and moment > received:
            told[name] = moment
            facts[name] = received
    if told:
        facts[_TOLD] = told


def keep_times(known: KnownJob, before: KnownJob | None) -> KnownJob:
    """Return what a report says, with times that cannot be as they were bounded the first time.

    The same wrong time in each report would otherwise be another one each time: an error that
    happened again, a job that was started again.
    """
    before_told = None if before is None else before.facts.get(_TOLD)
    if before is None or not before_told:
        return known
    facts, told = dict(known.facts), dict(known.facts.get(_TOLD, {}))
    for name, moment in before_told.items():
        if name in before.facts and told.get(name, facts.get(name)) == moment:
            facts[name] = before.facts[name]
            told[name] = moment
    if told:
        facts[_TOLD] = told
    return replace(known, facts=facts)


def _add_exceptions(facts: dict[str, Any], found: Facts | None, text: str, flaws: Flaws) -> None:
    if text:
        facts["error_text"] = text[:_LONGEST_ERROR]
    if found:
        record = Record(found, "exceptions", flaws)
        parts = (record.long_text("error_cause"), record.long_text("exception"))
        facts["error_id"] = _code(record.text("error_id"))
        facts["error_type"] = _code(record.text("error_type"))
        facts["error_text"] = "\n".join(part for part in parts if part)[:_LONGEST_ERROR]
        facts["last_error_timestamp"] = record.time_either("error_time")


def _add_metrics(facts: dict[str, Any], found: Facts, flaws: Flaws) -> None:
    record = Record(found, "metrics", flaws)
    others = False
    for name in islice(found, _MOST_NAMES):
        known = _METRICS.get(name)
        if known is None or known[1] is _sum:
            others = True
        if known is not None and facts.get(known[0]) is None:
            value = found[name]
            if isinstance(value, list) and len(value) > _MOST_PARTS:
                flaws.note(f"metrics.{name}", f"a list of at most {_MOST_PARTS}")
            else:
                facts[known[0]] = known[1](record, name)
    if others:
        facts["other_metrics"] = _others(found)


def _add_plan(facts: dict[str, Any], found: Facts) -> None:
    # What is unreadable here is no flaw: no page says what belongs here.
    inner = found.get("execute_graph")
    graph_object = inner if isinstance(inner, Mapping) and inner else found
    vertices = graph_object.get("vertices")
    if isinstance(vertices, list) and len(vertices) > _MOST_VERTICES:
        return
    if sum(1 for _ in islice(_values(graph_object), _LARGEST_PLAN + 1)) > _LARGEST_PLAN:
        return
    graph = parse_graph(Record(graph_object, "plan", Flaws()), Flaws())
    facts["finer_state"] = None if graph.state is None else graph.state.value
    facts["graph_state"] = graph.native_state
    facts["run_id"] = graph.jid
    facts["duration_seconds"] = graph.duration_seconds
    facts["start_timestamp"] = graph.start_timestamp
    facts["end_timestamp"] = graph.end_timestamp
    facts["parallelism"] = graph.parallelism
    facts["tasks"] = graph.tasks


def _open(value: Free) -> Steps[tuple[Facts | None, str]]:
    """Return the object that a free field holds, as such or as text; else its text."""
    if isinstance(value, str):
        found = yield from open_text(value)
        return found, "" if found is not None else value
    return value, ""


def _code(text: str) -> str:
    """Return a text that may be a label: a code or a class name, never a sentence."""
    return text if _CODE.fullmatch(text) else ""


def _others(metrics: Facts) -> tuple[tuple[str, float], ...]:
    """Return the numbers under names that are not known, by their path, sorted."""
    found: dict[str, float] = {}
    for path, value in islice(_values(metrics), _MOST_NAMES):
        if path and path not in _METRICS and (number := as_number(value)) is not None:
            found[path] = number
            if len(found) == _MOST_METRICS:
                break
    return tuple(sorted(found.items()))


def _values(value: object) -> Iterator[tuple[str, object]]:
    """Yield all that is in an object, each with its path, the parts of a part right after it.

    Nothing is yielded of what is below a path that is too long to be kept: were it spelt out for
    each value, many values under one long name would take as much memory as their product.
    """
    inner = [iter((("", value),))]
    while inner:
        for path, found in inner[-1]:
            if len(path) > _LONGEST_METRIC:
                continue
            yield path, found
            if isinstance(found, Mapping | list):
                inner.append(_below(path, found))
                break
        else:
            inner.pop()


def _below(path: str, value: Facts | list[object]) -> Iterator[tuple[str, object]]:
    if isinstance(value, list):
        return ((f"{path}[{index}]", entry) for index, entry in enumerate(value))
    return ((f"{path}.{name}" if path else name, entry) for name, entry in value.items())


_FACTS = frozenset(name for name in Job._field_defaults if name not in ("nodes", "stale")) | {
    "state"
}


def build_job(
    known: KnownJob, *, since: float | None, last_error: float | None, stale: bool
) -> Job:
    """Return the job to show, with what is carried over from earlier reports.

    Facts that only another version knows are left out. Raises ValueError or TypeError when the
    facts are not those of any version.
    """
    facts = {name: value for name, value in known.facts.items() if name in _FACTS}
    for name in ("state", "finer_state"):
        if name in facts:
            facts[name] = State(facts[name])
    for name in ("tasks", "other_metrics"):
        if name in facts:
            facts[name] = tuple((str(key), value) for key, value in facts[name])
    facts["state_since_timestamp"] = since
    facts["last_error_timestamp"] = last_error
    job = Job(
        project=known.project,
        job_id=known.job_id,
        job_name=known.job_id or UNIDENTIFIED,
        observed_timestamp=known.received,
        stale=stale,
        **facts,
    )
    return finish(job) if job.start_timestamp or job.finer_state else job
