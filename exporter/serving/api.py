"""Answer /api/v1/jobs and /api/v1/sources.

All of it is kept ready, see `documents`. What a query asks for is written while it is sent, a few
jobs at a time, for one reader at a time.
"""

from collections.abc import Generator, Iterator, Sequence
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from exporter.attention.by_job import Problems, job_id, problems_by_job
from exporter.collecting.store import Store, fresh
from exporter.exposition import wants_gzip
from exporter.exposition.seats import Seat, Seats
from exporter.exposition.sending import part, send_pieces
from exporter.model import Job, Snapshot
from exporter.pacing import Clock
from exporter.process.steps import Steps
from exporter.process.turns import CrowdedError, Turns
from exporter.serving.documents import Document
from exporter.serving.job_json import (
    ASKED,
    Wanted,
    as_bytes,
    encode_job,
    job_asked,
    source_asked,
)

LONGEST_ANSWER = 60.0
"""Seconds for reading an answer."""
MOST_MADE = 32
"""Answers that are written or unpacked at a time; what is compressed is ready for everybody."""
_VARY = (b"vary", b"accept-encoding")
_LOOKED_AT_ONCE = 500
_WRITTEN_AT_ONCE = 32
_Headers = Sequence[tuple[bytes, bytes]]


class DocumentEndpoint:
    """The ASGI application that sends a whole document, and the jobs that a query asks for."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        headers: _Headers,
        of_jobs: bool,
        most_made: int = MOST_MADE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._headers = headers
        self._takes_queries = of_jobs
        self._document = Document(store, clock=clock, of_jobs=of_jobs)
        self._making = Turns(most=most_made)
        self._seats = Seats(most=most_made)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        wanted = _wanted(scope["query_string"]) if self._takes_queries else {}
        if wanted or not _takes_gzip(scope):
            try:
                with self._seats.seat() as seat:
                    await self._make(wanted, seat, scope, receive, send)
            except CrowdedError:
                await _refuse(send, self._headers)
            return
        page = await self._document.current()
        length, chunks = page.gzip(self._document.packed_end)
        more = ((b"content-encoding", b"gzip"), (b"content-length", b"%d" % length), _VARY)
        await self._begin(more, send)
        if scope["method"] == "HEAD":
            await send(part(b""))
        else:
            await send_pieces(chunks, receive, send, seconds=LONGEST_ANSWER)

    async def _make(
        self, wanted: Wanted, seat: Seat, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer with what is written, or unpacked, while it is sent."""
        if wanted:
            chunks = _written(list(self._store.snapshots.values()), self._clock(), wanted)
            await self._begin((), send)
        else:
            page = await self._document.current()
            length, chunks = page.plain(self._document.end)
            await self._begin(((b"content-length", b"%d" % length), _VARY), send)
        if scope["method"] == "HEAD":
            await send(part(b""))
            return
        await send_pieces(
            chunks, receive, send, seconds=LONGEST_ANSWER, making=self._making, seat=seat
        )

    async def _begin(self, more: _Headers, send: Send) -> None:
        headers = [*self._headers, (b"content-type", b"application/json"), *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _refuse(send: Send, headers: _Headers) -> None:
    body = b"Too many requests for jobs at a time\n"
    more = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"1"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": [*headers, *more]})
    await send(part(body))


def _takes_gzip(scope: Scope) -> bool:
    given = dict(scope["headers"]).get(b"accept-encoding", b"")
    return wants_gzip(given.decode("latin-1"))


def _wanted(query: bytes) -> Wanted:
    found: dict[str, set[str]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in ASKED:
            found.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in found.items()}


def _written(snapshots: Sequence[Snapshot], now: float, wanted: Wanted) -> Iterator[bytes]:
    """Write the jobs that are asked for; an empty chunk is only a turn for others."""
    lead = b'{"jobs":['
    for snapshot in snapshots:
        if not source_asked(snapshot, wanted):
            continue
        jobs = fresh(snapshot, now).jobs
        problems = yield from _in_turns(problems_by_job(snapshot))
        for start in range(0, len(jobs), _LOOKED_AT_ONCE):
            asked = [job for job in jobs[start : start + _LOOKED_AT_ONCE] if job_asked(job, wanted)]
            yield b""
            for text in _texts(asked, snapshot, problems):
                yield lead + as_bytes(text)
                lead = b","
    yield b"]}" if lead == b"," else lead + b"]}"


def _in_turns(work: Steps[Problems]) -> Generator[bytes, None, Problems]:
    while True:
        try:
            next(work)
        except StopIteration as end:
            problems: Problems = end.value
            return problems
        yield b""


def _texts(jobs: Sequence[Job], snapshot: Snapshot, problems: Problems) -> Iterator[str]:
    for start in range(0, len(jobs), _WRITTEN_AT_ONCE):
        yield ",".join(
            encode_job(job, snapshot, problems.get(job_id(job), ()))
            for job in jobs[start : start + _WRITTEN_AT_ONCE]
        )
