"""Speak SQL to the journal: one statement for as many rows as a transaction has.

Each statement lets go of the interpreter's lock once, so few statements with many rows leave the
event loop in peace. Which report of a job counts is decided before (`precedence`); what earlier
ones leave is here as in `job_tracker`.
"""

import enum
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
    message_id: str
    received_at: float
    heard: float
    body: bytes


_KEEP_NEWEST = """
    ON CONFLICT (project, job_id) DO UPDATE SET
        create_ms = excluded.create_ms,
        received_at = excluded.received_at,
        since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END,
        last_error = coalesce(excluded.last_error, last_error),
        state = excluded.state,
        facts = excluded.facts,
        heard = excluded.heard
"""
_REPLACE = """
    ON CONFLICT (project, job_id) DO UPDATE SET
        create_ms = excluded.create_ms, received_at = excluded.received_at,
        state = excluded.state, since = excluded.since, last_error = excluded.last_error,
        facts = excluded.facts, heard = excluded.heard
"""
_REPORTS = (
    "INSERT INTO reports (seq, project, message_id, received_at, body, heard, pending) VALUES"
)
_JOBS = (
    "INSERT INTO jobs (project, job_id, create_ms, received_at, state, since, last_error, facts,"
    " heard) VALUES"
)


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the number of the last report stored."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM reports").fetchone()[0])


def store_reports(
    connection: sqlite3.Connection, entries: Sequence[Entry], seq: int, heard: float
) -> list[Outcome]:
    """Store reports under numbers from `seq` on, each message_id once."""
    rows = [
        (
            *(seq + index, each.project, each.message_id, each.received_at, each.body),
            *(heard, int(each.relay)),
        )
        for index, each in enumerate(entries)
    ]
    stored = _insert(connection, _REPORTS, rows, "ON CONFLICT (project, message_id) DO NOTHING")
    outcomes = [Outcome.STORED] * len(entries)
    if stored < len(entries):
        found = connection.execute("SELECT seq FROM reports WHERE seq >= ?", (seq,))
        new = {row[0] for row in found}
        for index, entry in enumerate(entries):
            if seq + index not in new:
                outcomes[index] = _compare(connection, entry)
    outbox = [
        (entry.project, seq + index)
        for index, entry in enumerate(entries)
        if entry.relay and outcomes[index] is Outcome.STORED
    ]
    _insert(connection, "INSERT INTO outbox VALUES", outbox, "")
    return outcomes


def store_jobs(connection: sqlite3.Connection, jobs: Iterable[KnownJob], heard: float) -> None:
    """Note what the newest reports say of jobs; what earlier ones have left stays."""
    rows = [_row(known, known.since, known.last_error, heard) for known in jobs]
    _insert(connection, _JOBS, rows, _KEEP_NEWEST)


def put_jobs(connection: sqlite3.Connection, jobs: Iterable["StoredJob"]) -> None:
    """Write down jobs as they are known, in place of whatever is written of them."""
    rows = [_row(each.known, each.since, each.last_error, each.heard) for each in jobs]
    _insert(connection, _JOBS, rows, _REPLACE)


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


def _row(
    known: KnownJob, since: float | None, last_error: float | None, heard: float
) -> tuple[object, ...]:
    return (
        *(known.project, known.job_id, known.create_time, known.received),
        *(known.state, since, last_error, _ENCODER.encode(known.facts), heard),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """The newest report of a job, with what earlier ones have left."""

    known: KnownJob
    since: float | None
    last_error: float | None
    heard: float
    """When it came in, by the listening time."""


def read_jobs(connection: sqlite3.Connection) -> tuple[list[StoredJob], int]:
    """Return what is known of every job, and how many rows could not be read."""
    jobs, unreadable = [], 0
    found = connection.execute(
        "SELECT project, job_id, create_ms, received_at, facts, since, last_error, heard FROM jobs"
    )
    for project, job_id, create_ms, received_at, facts, since, last_error, heard in found:
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
        jobs.append(StoredJob(known=known, since=since, last_error=last_error, heard=heard))
    return jobs, unreadable


def forget(connection: sqlite3.Connection, jobs: Sequence[KnownJob]) -> None:
    """Drop jobs unless they were reported again since."""
    connection.executemany(
        "DELETE FROM jobs WHERE project = ? AND job_id = ? AND received_at = ? AND create_ms = ?",
        [(known.project, known.job_id, known.received, known.create_time) for known in jobs],
    )


def read_pending(connection: sqlite3.Connection, project: str, most: int) -> list[Pending]:
    """Return the oldest reports of a project that are to be passed on."""
    found = connection.execute(
        "SELECT seq, message_id, received_at, heard, body FROM outbox JOIN reports USING (seq)"
        " WHERE outbox.project = ? ORDER BY seq LIMIT ?",
        (project, most),
    )
    return [
        Pending(seq=seq, message_id=message_id, received_at=at, heard=heard, body=body)
        for seq, message_id, at, heard, body in found
    ]


def count_pending(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many reports of each project are to be passed on."""
    found = connection.execute("SELECT project, count(*) FROM outbox GROUP BY project")
    return {str(project): int(count) for project, count in found}


def drop_pending(connection: sqlite3.Connection, project: str, message_ids: Sequence[str]) -> None:
    """Note that reports were passed on."""
    # By their names: in another file a number can be that of another report.
    names = [(project, message_id) for message_id in message_ids]
    connection.executemany(
        "DELETE FROM outbox WHERE project = ?1 AND seq ="
        " (SELECT seq FROM reports WHERE project = ?1 AND message_id = ?2)",
        names,
    )
    connection.executemany(
        "UPDATE reports SET pending = 0 WHERE project = ? AND message_id = ?", names
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """One row of a file, as it is carried into another."""

    seq: int
    project: str
    message_id: str
    received_at: float
    body: bytes
    heard: float
    pending: int


def fetch_reports(connection: sqlite3.Connection, after: int, most: int) -> list[StoredReport]:
    """Return reports with numbers beyond one, in order."""
    found = connection.execute(
        "SELECT seq, project, message_id, received_at, body, heard, pending FROM reports"
        " WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, most),
    )
    return [
        StoredReport(
            seq=seq,
            project=project,
            message_id=message_id,
            received_at=received_at,
            body=body,
            heard=heard,
            pending=pending,
        )
        for seq, project, message_id, received_at, body, heard, pending in found
    ]


def add_reports(
    connection: sqlite3.Connection, reports: Sequence[StoredReport], offset: int
) -> None:
    """Add reports that the file does not have, under numbers that are larger by an offset."""
    rows = [
        (
            *(each.seq + offset, each.project, each.message_id, each.received_at),
            *(each.body, each.heard, each.pending),
        )
        for each in reports
    ]
    _insert(connection, _REPORTS, rows, "ON CONFLICT (project, message_id) DO NOTHING")
    if reports:
        connection.execute(
            "INSERT INTO outbox SELECT project, seq FROM reports WHERE pending = 1 AND seq >= ?",
            (reports[0].seq + offset,),
        )


def discard(connection: sqlite3.Connection, names: Iterable[tuple[str, str]]) -> None:
    """Drop reports, by project and message_id."""
    for project, message_id in names:
        found = connection.execute(
            "DELETE FROM reports WHERE project = ? AND message_id = ? RETURNING seq",
            (project, message_id),
        ).fetchall()
        connection.executemany("DELETE FROM outbox WHERE seq = ?", found)


def fit_heard(connection: sqlite3.Connection, now: float) -> None:
    """Let nothing of another file be older than can be known, or of a time still to come."""
    for query in (
        "UPDATE reports SET heard = ?1 WHERE heard = 0 OR heard > ?1",
        "UPDATE jobs SET heard = ?1 WHERE heard = 0 OR heard > ?1",
    ):
        connection.execute(query, (now,))


def names_pending(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return project and message_id of all reports that are to be passed on."""
    return connection.execute(
        "SELECT outbox.project, message_id FROM outbox JOIN reports USING (seq)"
    ).fetchall()


def is_settled(connection: sqlite3.Connection, project: str, message_id: str) -> bool:
    """Say whether a report is there and need not be passed on."""
    found = connection.execute(
        "SELECT pending FROM reports WHERE project = ? AND message_id = ?", (project, message_id)
    ).fetchone()
    return found is not None and not found[0]


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
    connection: sqlite3.Connection, *, before: float, surplus: int, most: int, keep_pending: bool
) -> dict[str, int]:
    """Drop up to `most` of the oldest reports: those heard before a time, and a surplus of bytes.

    Those that are still to be passed on go last, and if they are kept only for the surplus. Return
    how many of each project had not been passed on.
    """
    surplus, most = _trim_settled(connection, before, surplus, most)
    if keep_pending:
        before = float("-inf")
    if most == 0 or (keep_pending and surplus <= 0):
        return {}
    lost: list[tuple[str, int]] = []
    # Whatever of these can go is still to be passed on: what is not has gone before.
    found = connection.execute(
        "SELECT project, seq, heard, length(body) FROM reports ORDER BY seq LIMIT ?", (most,)
    )
    for project, seq, heard, size in found:
        if heard >= before and surplus <= 0:
            break
        lost.append((str(project), seq))
        surplus -= size
    connection.executemany("DELETE FROM reports WHERE seq = ?", [(seq,) for _, seq in lost])
    connection.executemany("DELETE FROM outbox WHERE project = ? AND seq = ?", lost)
    return dict(Counter(project for project, _ in lost))


def _trim_settled(
    connection: sqlite3.Connection, before: float, surplus: int, most: int
) -> tuple[int, int]:
    """Drop reports that nobody waits for; return what is left of the surplus and of the most."""
    last = None
    found = connection.execute(
        "SELECT seq, heard, length(body) FROM reports INDEXED BY settled"
        " WHERE pending = 0 ORDER BY seq LIMIT ?",
        (most,),
    )
    for seq, heard, size in found:
        if heard >= before and surplus <= 0:
            break
        last = seq
        surplus -= size
        most -= 1
    if last is not None:
        connection.execute("DELETE FROM reports WHERE pending = 0 AND seq <= ?", (last,))
    return surplus, most


def listened(connection: sqlite3.Connection) -> float:
    """Return the latest moment of the listening time that the file knows of."""
    return max(
        float(connection.execute(query).fetchone()[0])
        for query in (
            "SELECT coalesce(max(seconds), 0) FROM listening",
            "SELECT coalesce(max(heard), 0) FROM jobs",
            "SELECT coalesce((SELECT heard FROM reports ORDER BY seq DESC LIMIT 1), 0)",
        )
    )


def note_listened(connection: sqlite3.Connection, seconds: float) -> None:
    """Write down how long reports could be taken so far."""
    connection.execute("INSERT OR REPLACE INTO listening VALUES (1, ?)", (seconds,))
