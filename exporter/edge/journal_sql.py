"""Speak SQL to the journal: one statement for as many rows as a transaction has.

Each statement lets go of the interpreter's lock once, so few statements with many rows leave the
event loop in peace. The rules of `job_tracker` about which report of a job wins are here once more,
as SQL, for what is on the disk.
"""

import enum
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporter.edge.jobs import KnownJob
from exporter.edge.report import same_content

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_ROWS_AT_ONCE = 1000
"""SQLite takes 32,766 values in one statement."""


class Outcome(enum.Enum):
    """What became of a report that was to be stored."""

    STORED = enum.auto()
    DUPLICATE = enum.auto()
    """The same report is stored already."""
    CONFLICT = enum.auto()
    """A different report with this message_id is stored already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One report to store, with the jobs it speaks of."""

    project: str
    message_id: str
    received_at: float
    body: bytes
    jobs: tuple[KnownJob, ...]
    relay: bool = False
    """Whether it is to be passed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One report that is to be passed on."""

    seq: int
    received_at: float
    body: bytes


_KEEP_NEWEST = """
    ON CONFLICT (project, job_id) DO UPDATE SET
        create_ms = excluded.create_ms,
        received_at = excluded.received_at,
        since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END,
        last_error = coalesce(excluded.last_error, last_error),
        state = excluded.state,
        facts = excluded.facts
    WHERE excluded.create_ms >= create_ms
"""


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the number of the last report stored."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM reports").fetchone()[0])


def store(connection: sqlite3.Connection, entries: Sequence[Entry], seq: int) -> list[Outcome]:
    """Store reports under numbers from `seq` on, each message_id once, and their jobs."""
    rows = [
        (seq + index, each.project, each.message_id, each.received_at, each.body)
        for index, each in enumerate(entries)
    ]
    stored = _insert(
        connection,
        "INSERT INTO reports VALUES",
        rows,
        "ON CONFLICT (project, message_id) DO NOTHING",
    )
    outcomes = [Outcome.STORED] * len(entries)
    if stored < len(entries):
        found = connection.execute("SELECT seq FROM reports WHERE seq >= ?", (seq,))
        new = {row[0] for row in found}
        for index, entry in enumerate(entries):
            if seq + index not in new:
                outcomes[index] = _compare(connection, entry)
    new_ones = [
        (seq + index, entry)
        for index, entry in enumerate(entries)
        if outcomes[index] is Outcome.STORED
    ]
    jobs = [_row(known) for _, entry in new_ones for known in entry.jobs]
    _insert(connection, "INSERT INTO jobs VALUES", jobs, _KEEP_NEWEST)
    outbox = [(entry.project, number) for number, entry in new_ones if entry.relay]
    _insert(connection, "INSERT INTO outbox VALUES", outbox, "")
    return outcomes


def _compare(connection: sqlite3.Connection, entry: Entry) -> Outcome:
    found = connection.execute(
        "SELECT body FROM reports WHERE project = ? AND message_id = ?",
        (entry.project, entry.message_id),
    ).fetchone()
    return Outcome.DUPLICATE if same_content(found[0], entry.body) else Outcome.CONFLICT


def _insert(
    connection: sqlite3.Connection, lead: str, rows: Sequence[tuple[object, ...]], end: str
) -> int:
    """Insert rows with as few statements as possible; return how many were inserted or changed."""
    count = 0
    for part in _parts(rows):
        marks = ",".join([f"({','.join('?' * len(part[0]))})"] * len(part))
        values = [value for row in part for value in row]
        count += connection.execute(f"{lead} {marks} {end}", values).rowcount
    return count


def _parts(rows: Sequence[tuple[object, ...]]) -> Iterator[Sequence[tuple[object, ...]]]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[start : start + _ROWS_AT_ONCE]


def _row(known: KnownJob) -> tuple[object, ...]:
    facts = _ENCODER.encode(known.facts)
    return (
        *(known.project, known.job_id, known.create_time, known.received),
        *(known.state, known.since, known.last_error, facts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """The newest report of a job, with what earlier ones have left."""

    known: KnownJob
    since: float | None
    last_error: float | None


def read_jobs(connection: sqlite3.Connection) -> tuple[list[StoredJob], int]:
    """Return what is known of every job, and how many rows could not be read."""
    jobs, unreadable = [], 0
    found = connection.execute(
        "SELECT project, job_id, create_ms, received_at, facts, since, last_error FROM jobs"
    )
    for project, job_id, create_ms, received_at, facts, since, last_error in found:
        try:
            known = KnownJob(
                project=project,
                job_id=job_id,
                create_time=create_ms,
                received=received_at,
                facts=json.loads(facts),
            )
        except ValueError:
            unreadable += 1
            continue
        jobs.append(StoredJob(known=known, since=since, last_error=last_error))
    return jobs, unreadable


def forget(connection: sqlite3.Connection, jobs: Sequence[KnownJob]) -> None:
    """Drop jobs unless they were reported again since."""
    connection.executemany(
        "DELETE FROM jobs WHERE project = ? AND job_id = ? AND received_at = ?",
        [(known.project, known.job_id, known.received) for known in jobs],
    )


def read_pending(connection: sqlite3.Connection, project: str, most: int) -> list[Pending]:
    """Return the oldest reports of a project that are to be passed on."""
    found = connection.execute(
        "SELECT seq, received_at, body FROM outbox JOIN reports USING (seq)"
        " WHERE outbox.project = ? ORDER BY seq LIMIT ?",
        (project, most),
    )
    return [Pending(seq=seq, received_at=at, body=body) for seq, at, body in found]


def count_pending(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many reports of each project are to be passed on."""
    found = connection.execute("SELECT project, count(*) FROM outbox GROUP BY project")
    return {str(project): int(count) for project, count in found}


def drop_pending(connection: sqlite3.Connection, project: str, seqs: Sequence[int]) -> None:
    """Note that reports were passed on."""
    connection.executemany(
        "DELETE FROM outbox WHERE project = ? AND seq = ?", [(project, seq) for seq in seqs]
    )


def probe(connection: sqlite3.Connection, now: float) -> None:
    """Write something."""
    connection.execute("INSERT OR REPLACE INTO probe VALUES (1, ?)", (now,))


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes of the file that are in use."""
    pages, free, page = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * page


def trim(
    connection: sqlite3.Connection, *, before: float, surplus: int, most: int
) -> dict[str, int]:
    """Drop up to `most` of the oldest reports: those of before a time, and the surplus of bytes.

    Return how many of each project had not been passed on.
    """
    last = None
    found = connection.execute(
        "SELECT seq, received_at, length(body) FROM reports ORDER BY seq LIMIT ?", (most,)
    )
    for seq, received_at, size in found:
        if received_at >= before and surplus <= 0:
            break
        last = seq
        surplus -= size
    if last is None:
        return {}
    connection.execute("DELETE FROM reports WHERE seq <= ?", (last,))
    lost = connection.execute("DELETE FROM outbox WHERE seq <= ? RETURNING project", (last,))
    return dict(Counter(str(row[0]) for row in lost))
