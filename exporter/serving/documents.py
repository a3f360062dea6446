"""Keep the JSON of all jobs, and of all sources, ready for whoever asks.

It is written when somebody asks and something has changed since, in turns of the event loop; all
who ask meanwhile share it. Only the compressed form is kept, some dozens of jobs at a time: what
did not change is not written again.
"""

import asyncio
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.attention.by_job import Problems, job_id, problems_by_job, problems_unseen
from exporter.collecting.store import Store, expires_at, fresh
from exporter.exposition.blocks import cut
from exporter.exposition.deflated_text import DeflatedText, Deflater
from exporter.exposition.page import Page, build
from exporter.model import Job, Problem, Snapshot
from exporter.pacing import Clock
from exporter.process.steps import Steps, in_steps
from exporter.serving.job_json import as_bytes, encode_job, encode_source

KEPT_SECONDS = 120.0
"""How long a document is kept after somebody has asked for it."""
_TICK = 0.001
_ENCODED_A_STEP = 32
_FREED_A_STEP = 32

_Frame = tuple[str, str, tuple[tuple[str, str], ...]]
_Told = tuple[Sequence[Problem], ...]
"""The problems of each job of a block; none at all where none of them has any."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Some jobs of a source, and their JSON with commas in between."""

    frame: _Frame
    jobs: tuple[Job, ...]
    told: _Told
    piece: DeflatedText

    def shows(self, frame: _Frame, jobs: tuple[Job, ...], told: _Told) -> bool:
        """Say whether this is the JSON of these jobs with these problems."""
        same = len(jobs) == len(self.jobs) and all(map(operator.is_, jobs, self.jobs))
        return same and frame == self.frame and told == self.told


_Key = tuple[str, str, str]
"""The source, project and id of the first job of a block."""


class Document:
    """One JSON document about everything that is in the store: its jobs, or its sources."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        of_jobs: bool,
        kept_seconds: float = KEPT_SECONDS,
        deflater: Deflater | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._of_jobs = of_jobs
        self._deflater = deflater or Deflater()
        self._comma = self._deflater.piece(b",")
        self._head = self._deflater.piece(b'{"jobs":[' if of_jobs else b'{"sources":[')
        self.end = b"]}"
        self.packed_end = (self._deflater.piece(self.end),)
        self._blocks: dict[_Key, _Block] = {}
        self._page = Page()
        self._of: Mapping[str, Snapshot] | None = None
        self._begun = self._finished = 0
        self._asked = False
        self._kept_seconds = kept_seconds
        self._building = asyncio.Lock()
        self._forgetting: asyncio.Task[None] | None = None

    async def current(self) -> Page:
        """Return the document of what is known now, without its end."""
        begun = self._begun
        self._asked = True
        if not self._is_current():
            async with self._building:
                # What somebody else began to write after we asked is as new as we want it.
                if self._finished <= begun and not self._is_current():
                    self._begun += 1
                    await in_steps(self._build())
                    self._finished = self._begun
            if self._forgetting is None or self._forgetting.done():
                self._forgetting = asyncio.create_task(self._forget_unused(), name="forget JSON")
        return self._page

    async def _forget_unused(self) -> None:
        """Let go of everything when nobody has asked for a while: it holds jobs that were."""
        while self._asked:
            self._asked = False
            await asyncio.sleep(self._kept_seconds)
        async with self._building:
            blocks, self._blocks = self._blocks, {}
            self._page, self._of = Page(), None
            for _ in _let_go(blocks, {}):
                await asyncio.sleep(0)

    def _is_current(self) -> bool:
        stale_at = self._page.stale_at
        return self._of is self._store.snapshots and (stale_at is None or self._clock() <= stale_at)

    def _build(self) -> Steps[None]:
        now, known = self._clock(), self._store.snapshots
        before, blocks = self._blocks, dict[_Key, _Block]()
        strips: list[list[DeflatedText]] = [[self._head]]
        ends: list[float] = []
        for snapshot in known.values():
            shown = fresh(snapshot, now)
            if (end := expires_at(shown)) is not None:
                ends.append(end)
            yield
            for piece in self._pieces(shown, blocks):
                if piece is not None:
                    strips.append([self._comma, piece] if len(strips) > 1 else [piece])
                yield
        stale_at = min(ends) + _TICK if ends else None
        for page in build(strips, stale_at, self._page):
            if page is not None:
                self._page, self._of, self._blocks = page, known, blocks
            yield
        yield from _let_go(before, blocks)

    def _pieces(
        self, snapshot: Snapshot, blocks: dict[_Key, _Block]
    ) -> Iterator[DeflatedText | None]:
        problems = yield from problems_by_job(snapshot)
        if not self._of_jobs:
            unseen = yield from problems_unseen(snapshot.jobs, problems)
            yield self._deflater.piece(as_bytes(encode_source(snapshot, unseen)))
            return
        frame = (snapshot.source, snapshot.platform, snapshot.labels)
        for jobs in cut(snapshot.jobs):
            key = (snapshot.source, jobs[0].project, jobs[0].job_id)
            block = self._blocks.get(key)
            told = _told(jobs, problems)
            if block is None or not block.shows(frame, jobs, told):
                texts = []
                for place, job in enumerate(jobs):
                    texts.append(encode_job(job, snapshot, told[place] if told else ()))
                    if len(texts) % _ENCODED_A_STEP == 0:
                        yield None
                piece = self._deflater.piece(as_bytes(",".join(texts)))
                block = _Block(frame, jobs, told, piece)
            blocks[key] = block
            yield block.piece


def _told(jobs: Sequence[Job], problems: Problems) -> _Told:
    told = tuple(problems.get(job_id(job), ()) for job in jobs) if problems else ()
    return told if any(told) else ()


def _let_go(before: dict[_Key, _Block], kept: dict[_Key, _Block]) -> Iterator[None]:
    """Free what is no longer shown little by little: of many jobs it takes long, all at once."""
    while before and before is not kept:
        for _ in range(min(_FREED_A_STEP, len(before))):
            before.popitem()
        yield
