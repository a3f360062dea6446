"""Keep the page ready for whoever scrapes.

The families about jobs and sources are all gauges, whose text is the same in the Prometheus text
format and in OpenMetrics, so one block serves both. The exporter's own metrics are few; they are
printed at each scrape and put behind the block.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry

from exporter.collecting.store import Store
from exporter.exposition.deflated_text import DeflatedText, Deflater
from exporter.exposition.family import JobFamily, SourceFamily
from exporter.exposition.metrics import JOB_FAMILIES, PROBLEM_FAMILY, SOURCE_FAMILIES
from exporter.exposition.negotiation import OPENMETRICS, TEXT, wants_gzip, wants_openmetrics
from exporter.exposition.page import Page, build
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.sources import SourceBlocks, render_source
from exporter.pacing import Clock
from exporter.process.condition_log import trail
from exporter.telemetry.sample_lines import LineWriter

_TICK = 0.001
_FREED_A_STEP = 32


class Exposition:
    """The page that scrapers get."""

    def __init__(
        self,
        store: Store,
        own: CollectorRegistry,
        *,
        clock: Clock,
        deflater: Deflater | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._deflater = deflater or Deflater()
        self._own = SelfMetrics(own, self._deflater)
        self._headers = {
            family.name: self._deflater.piece(_header(family).encode())
            for family in (*JOB_FAMILIES, *SOURCE_FAMILIES)
        }
        self._sources: dict[str, SourceBlocks] = {}
        self._unrendered: dict[str, str] = {}
        self._page = Page()
        self._begun = self._finished = 0
        self._withdrawing = asyncio.Lock()
        self.refresh()

    @property
    def stale_at(self) -> float | None:
        """Return when the page must be rendered again though nothing new came in."""
        return self._page.stale_at

    @property
    def unrendered(self) -> Mapping[str, str]:
        """Return what went wrong with the sources whose last good lines are still shown."""
        return self._unrendered

    def refresh(self) -> None:
        """Render what has changed in the store, or become stale, since the last time."""
        for _ in self._steps():
            pass

    async def refresh_in_turns(self) -> None:
        """Render like `refresh`, but let others have their turn every millisecond or two."""
        for _ in self._steps():
            await asyncio.sleep(0)

    async def withdraw_stale(self) -> None:
        """Render in turns if the page shows what has become stale."""
        if not self._is_stale():
            return
        async with self._withdrawing:
            # Who waited for the lock need not do the same again.
            if self._is_stale():
                await self.refresh_in_turns()

    def scrape(
        self, *, accept: str = "", accept_encoding: str = ""
    ) -> tuple[bytes, dict[str, str]]:
        """Return the page and its headers in the form that a scraper asks for."""
        headers, chunks = self.answer(accept=accept, accept_encoding=accept_encoding)
        return b"".join(chunks), headers

    def answer(
        self, *, accept: str, accept_encoding: str
    ) -> tuple[dict[str, str], Iterator[bytes]]:
        """Return the headers and the page in chunks, whose bytes all scrapers share."""
        if self._is_stale():
            self.refresh()
        as_openmetrics = wants_openmetrics(accept)
        headers = {
            "content-type": OPENMETRICS if as_openmetrics else TEXT,
            "vary": "accept, accept-encoding",
        }
        if wants_gzip(accept_encoding):
            headers["content-encoding"] = "gzip"
            tail = self._own.pieces(as_openmetrics=as_openmetrics)
            length, chunks = self._page.gzip(tail)
        else:
            text = self._own.text(as_openmetrics=as_openmetrics)
            length, chunks = self._page.plain(text)
        return headers | {"content-length": str(length)}, chunks

    def _is_stale(self) -> bool:
        stale_at = self._page.stale_at
        return stale_at is not None and self._clock() > stale_at

    def _steps(self) -> Iterator[None]:
        self._begun += 1
        turn = self._begun
        now = self._clock()
        sources: dict[str, SourceBlocks] = {}
        unrendered: dict[str, str] = {}
        for name, snapshot in self._store.snapshots.items():
            last = self._sources.get(name)
            try:
                for rendered in render_source(snapshot, now, last, self._deflater):
                    if rendered is not None:
                        sources[name] = rendered
                    yield
            except Exception as exc:
                # A fault of ours about one job must not take the page from all other sources.
                unrendered[name] = trail(exc)
                if last is not None and (last.stale_at is None or now <= last.stale_at):
                    sources[name] = last
        ends = [end for each in sources.values() if (end := each.stale_at) is not None]
        stale_at = min(ends) + _TICK if ends else None
        for page in build(self._strips(list(sources.values())), stale_at, self._page):
            if page is None:
                yield
            elif turn > self._finished:
                # Otherwise someone rendered what is newer while we took turns.
                self._finished = turn
                before, self._sources, self._page = self._sources, sources, page
                self._unrendered = unrendered
                yield from _let_go(before, sources)

    def _strips(self, sources: list[SourceBlocks]) -> Iterator[Sequence[DeflatedText]]:
        """Yield the pieces of the page in their order, several at a time."""
        for index, family in enumerate(JOB_FAMILIES):
            yield [self._headers[family.name]]
            for source in sources:
                yield [block.pieces[index] for block in source.blocks.values()]
        for source_family in SOURCE_FAMILIES:
            yield [self._headers[source_family.name]]
            writer = LineWriter(source_family.name, {}, source_family.labels)
            for source in sources:
                if source_family is PROBLEM_FAMILY:
                    yield source.problems
                    continue
                lines = (
                    writer.line(values, number)
                    for values, number in source_family.samples(source.snapshot)
                )
                yield [self._deflater.piece("".join(lines).encode())]


def _let_go(sources: dict[str, SourceBlocks], kept: dict[str, SourceBlocks]) -> Iterator[None]:
    """Free what is no longer shown little by little: of many jobs it takes long, all at once."""
    for name, source in sources.items():
        while source.blocks and source is not kept.get(name):
            for _ in range(min(_FREED_A_STEP, len(source.blocks))):
                source.blocks.popitem()
            yield


def _header(family: JobFamily | SourceFamily) -> str:
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {family.name} {text}\n# TYPE {family.name} gauge\n"
