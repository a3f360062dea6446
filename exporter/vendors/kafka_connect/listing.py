"""Read what a worker says of all connectors: `GET /connectors?expand=status&expand=info`.

Of `info` the number of tasks and the class are read and nothing else: its configuration holds
passwords as plain text. Everything here is pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from exporter.errors import UnreadableError
from exporter.fields import Flaws, ReadRows, Record, read_rows
from exporter.process.steps import Steps, finished
from exporter.vendors.kafka_connect.errors import NO_ERROR, ConnectError, parse_trace

FAILED_WORDS = frozenset({"failed", "degraded"})
"""States in which a trace says what is wrong: it stays beside a task that is restarted since."""
_ROWS_PER_STEP = 1000
_LONGEST_TRACE_READ = 64 * 1024
_CLASS_SETTING = "connector.class"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """One task of a connector."""

    task_id: int | None
    """None when it could not be read: such a task counts, and cannot be shown by itself."""
    word: str
    worker_id: str
    error: ConnectError = NO_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorStatus:
    """One connector as a worker shows it."""

    job_id: str
    """Its name, or what stands for one that is too long."""
    name: str
    name_digest: str = ""
    """Tells apart long names whose beginnings are equal."""
    word: str = ""
    """Connect's own word for its state; empty when there is none that could be read."""
    worker_id: str = ""
    kind: str = ""
    """source or sink; unknown when its plugin is not there, or it is being deleted."""
    version: str = ""
    """That of its plugin, which 4.3 and later tell."""
    class_name: str = ""
    tasks: tuple[TaskStatus, ...] | None = None
    """None when they could not be read."""
    configured_tasks: int | None = None
    """How many tasks it has decided to have; None when nobody says."""
    error: ConnectError = NO_ERROR


def entry_reader(flaws: Flaws) -> Callable[[int, object], ConnectorStatus | None]:
    """Return what reads one entry of the listing, a name and what belongs to it.

    None, and noted, for an entry that is none.
    """

    def read_entry(number: int, pair: object) -> ConnectorStatus | None:
        place = f"connectors[{number}]"
        name, entry = pair if isinstance(pair, tuple) else ("", None)
        if not name or not isinstance(entry, Mapping):
            flaws.note(place, "a name with an object")
            return None
        return _parse_entry(name, entry, place, flaws)

    return read_entry


def parse_listing(document: Any, flaws: Flaws) -> tuple[ConnectorStatus, ...]:
    """Read the listing, of which the entries may have been read already.

    Raises UnreadableError when it is not a listing of connectors with their states: what knows
    nothing of `expand` answers with a list of names, or leaves the states out.
    """
    return finished(listing_in_steps(document, flaws))


def listing_in_steps(document: Any, flaws: Flaws) -> Steps[tuple[ConnectorStatus, ...]]:
    """Do the same in steps, since a listing may be long."""
    if isinstance(document, Mapping):
        # Small enough to be decoded at once; else its entries were read while it was decoded.
        entries = read_rows(list(document.items()), entry_reader(flaws))
    elif isinstance(document, ReadRows):
        entries = document
    else:
        raise UnreadableError("expected an object of connectors, as since Kafka 2.3")
    found: dict[str, ConnectorStatus] = {}
    tells_states = not entries
    for count, each in enumerate(entries, start=1):
        if each is not None:
            found[each.job_id] = each
            tells_states = tells_states or bool(each.word)
        if count % _ROWS_PER_STEP == 0:
            yield
    if not tells_states:
        raise UnreadableError("expected the status of each connector, and there is not one")
    return tuple(found.values())


def workers_in_steps(found: Sequence[ConnectorStatus]) -> Steps[frozenset[str]]:
    """Return the workers that connectors and tasks are said to be on."""
    ids: set[str] = set()
    for count, each in enumerate(found, start=1):
        ids.add(each.worker_id)
        ids.update(task.worker_id for task in each.tasks or ())
        if count % _ROWS_PER_STEP == 0:
            yield
    return frozenset(ids - {""})


def parse_status(document: Any, name: str, flaws: Flaws) -> ConnectorStatus:
    """Read what a worker says of one connector that it was asked for by name.

    Raises UnreadableError when it is about something else.
    """
    if not isinstance(document, Mapping) or document.get("name") != name:
        raise UnreadableError("expected the status of the connector that was asked for")
    return _parse_entry(name, {"status": document}, "connector", flaws)


def _parse_entry(name: str, fields: Mapping[str, Any], place: str, flaws: Flaws) -> ConnectorStatus:
    entry = Record(fields, place, flaws)
    status, info = entry.record("status"), entry.record("info")
    if not entry.has("status"):
        entry.missing("status")
    connector = status.record("connector")
    word = connector.text("state")
    if status and not word:
        status.missing("connector.state")
    # It becomes a label value, and an id: two long names must not become one.
    named = Record({"name": name}, place, flaws)
    digest = named.digest("name", cut=sha256(name.encode("utf-8", "replace")).hexdigest()[:32])
    shown = named.text("name")
    return ConnectorStatus(
        job_id=digest or shown,
        name=shown,
        name_digest=digest,
        word=word,
        worker_id=connector.text("worker_id"),
        kind=status.text("type").casefold(),
        version=connector.text("version"),
        class_name=info.record("config").text(_CLASS_SETTING),
        tasks=_parse_tasks(status, _list_in(fields, "status", "tasks")),
        configured_tasks=_count(info, _list_in(fields, "info", "tasks")),
        error=_parse_error(connector, word),
    )


def _list_in(fields: Mapping[str, Any], outer: str, inner: str) -> list[Any] | None:
    within = fields.get(outer)
    found = within.get(inner) if isinstance(within, Mapping) else None
    return found if isinstance(found, list) else None


def _count(info: Record, tasks: list[Any] | None) -> int | None:
    if tasks is None and info:
        info.missing("tasks")
    return None if tasks is None else len(tasks)


def _parse_tasks(status: Record, rows: list[Any] | None) -> tuple[TaskStatus, ...] | None:
    if rows is None:
        # Taken for a connector without tasks, it would be said to run.
        if status:
            status.missing("tasks")
        return None
    tasks: list[TaskStatus] = []
    seen: set[int] = set()
    for row in status.records("tasks"):
        task_id, word = row.count("id"), row.text("state")
        if task_id is None or task_id in seen:
            row.missing("id")
            task_id = None
        else:
            seen.add(task_id)
        if not word:
            row.missing("state")
        error, worker_id = _parse_error(row, word), row.text("worker_id")
        tasks.append(TaskStatus(task_id=task_id, word=word, worker_id=worker_id, error=error))
    unread = len(rows) - len(tasks)
    if unread:
        # What is no object was noted; of as many as there are one is enough not to be well.
        tasks.append(TaskStatus(task_id=None, word="", worker_id=""))
    return tuple(tasks)


def _parse_error(row: Record, word: str) -> ConnectError:
    if word.casefold() not in FAILED_WORDS:
        return NO_ERROR
    # Confluent Cloud calls that of a task `msg`.
    return parse_trace(row.long_text("trace", "msg", limit=_LONGEST_TRACE_READ))
