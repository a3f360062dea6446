"""Read paged listings of Oceanus whole: `Offset` and `Limit`, and a count that cannot be trusted.

TotalCount counts other things than the rows at times, so that only rows end a listing: a page that
is shorter than asked for, or an empty one. A last page that happens to be full would cost an empty
one more at every poll; where one has shown that a listing ends after so many rows, and the count
says so too, it is believed for an hour.
"""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.errors import FetchError, UnreadableError
from exporter.pacing import Clock
from exporter.source import MOST_JOBS
from exporter.upstream.client import NOT_THE_API
from exporter.vendors.tencent.api import invalid

PAGE_SIZE = 100
"""The most rows that a page may have; without a limit pages have twenty."""
_MOST_PAGES = MOST_JOBS // PAGE_SIZE
_BELIEVED_SECONDS = 3600.0

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page: rows by what identifies them, how many there were in all, and the count beside."""

    rows: tuple[tuple[Hashable, Row], ...]
    size: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[Row]):
    """The rows that arrived, each once, and why there may be others."""

    rows: tuple[Row, ...]
    failure: FetchError | None = None


FetchPage = Callable[[int], Awaitable[Page[Row]]]


class Listings:
    """The listings of one source; `monotonic` tells how long ago an end was seen."""

    def __init__(self, monotonic: Clock, *, page_size: int = PAGE_SIZE) -> None:
        self._monotonic = monotonic
        self._page_size = page_size
        self._ends: dict[str, tuple[int, int, float]] = {}

    async def read(self, operation: str, place: str, fetch: FetchPage[Row]) -> Reading[Row]:
        """Read a listing, given what fetches the page at an offset.

        What arrived before a page failed is returned with the failure. Raises FetchError when not
        even the first page arrived.
        """
        found: dict[Hashable, Row] = {}
        offset, pages, barren = 0, 0, 0
        count: int | None = None
        try:
            while True:
                page = await self._turn(operation, fetch, offset, pages)
                pages += 1
                fresh = {key for key, _ in page.rows} - found.keys()
                found.update(page.rows)
                # A server that repeats its last page beyond the end has said that it is one.
                repeated = bool(page.rows) and not fresh
                if page.size == 0 or (repeated and count is not None and count <= len(found)):
                    self._note_end(place, offset, count)
                    break
                barren += not fresh
                if repeated or barren > 1:
                    raise invalid(operation, f"the listing repeats itself after {len(found)} rows")
                if len(found) > MOST_JOBS:
                    raise invalid(operation, f"the listing has more than {MOST_JOBS} rows")
                offset, count = offset + page.size, page.total
                if self._ended(place, page, offset):
                    break
        except FetchError as exc:
            if not pages:
                raise
            return Reading(rows=tuple(found.values()), failure=exc)
        return Reading(rows=tuple(found.values()))

    async def _turn(
        self, operation: str, fetch: FetchPage[Row], offset: int, pages: int
    ) -> Page[Row]:
        if pages >= _MOST_PAGES:
            raise invalid(operation, f"the listing has not ended after {_MOST_PAGES} pages")
        try:
            return await fetch(offset)
        except UnreadableError as exc:
            raise invalid(operation, f"{exc}; {NOT_THE_API}") from exc

    def _ended(self, place: str, page: Page[Row], offset: int) -> bool:
        short = page.size < self._page_size
        if short and (page.total is None or page.total <= offset):
            return True
        if not short and (page.total is None or page.total > offset):
            # All that there is says that more may follow, whatever followed the last time.
            return False
        # Full beside a count that agrees, or short beside a greater one, as of a server with
        # smaller pages.
        rows, count, seen = self._ends.get(place, (-1, -1, 0.0))
        believed = 0 <= self._monotonic() - seen < _BELIEVED_SECONDS
        return believed and (rows, count) == (offset, page.total)

    def _note_end(self, place: str, offset: int, count: int | None) -> None:
        if count is not None:
            self._ends[place] = (offset, count, self._monotonic())
