"""Work out pages beside the event loop: one at a time, once for all who ask for the same.

While a thread works on a page, the loop has to wait for the interpreter's lock again and again. So
pages have half of the time at most, few may wait for theirs, and who asks for what somebody else
asked for a moment ago gets the same.
"""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from exporter.collecting.store import Store
from exporter.exposition.sending import part, send_pieces
from exporter.pacing import Clock
from exporter.process.turns import CrowdedError, Turns

MOST_WAITING = 16
"""Pages that wait to be worked out; more are asked to come again."""
_MOST_KEPT = 16
_KEPT_SECONDS = 1.0
"""How long a page is as good as new: it tells ages in whole seconds."""
_REST = 1.0
"""Rest after a page, as a share of the time it took."""
_LONGEST_ANSWER = 60.0
_UNPACKED_AT_ONCE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """A page, compressed, since that is all that is kept for those who read it slowly."""

    packed: bytes
    size: int
    status: int


@dataclass(frozen=True, slots=True)
class _Order:
    """A page that is worked out, or was a moment ago."""

    known: object
    """What was known then: the view of the store, which never changes."""
    moment: float
    page: "asyncio.Task[Page]"


class Workshop:
    """Where pages are worked out."""

    def __init__(self, store: Store, *, clock: Clock, most_waiting: int = MOST_WAITING) -> None:
        self._store = store
        self._clock = clock
        self._turns = Turns(most=most_waiting)
        self._free_at = 0.0
        self._orders: dict[str, _Order] = {}

    async def page(self, address: str, make: Callable[[], tuple[str, int]]) -> Page:
        """Return the page of an address, of what is known now. Raises CrowdedError."""
        order = self._orders.get(address)
        if order is None or not self._is_new(order):
            if self._turns.crowded:
                raise CrowdedError
            task = asyncio.create_task(self._work(make), name="page")
            order = _Order(self._store.snapshots, self._clock(), task)
            self._orders.pop(address, None)
            self._orders[address] = order
            self._forget_old()
        # Who leaves must not take the page from others who wait for it.
        return await asyncio.shield(order.page)

    def _is_new(self, order: _Order) -> bool:
        if order.known is not self._store.snapshots:
            return False
        task = order.page
        failed = task.done() and (task.cancelled() or task.exception() is not None)
        return not failed and 0 <= self._clock() - order.moment < _KEPT_SECONDS

    def _forget_old(self) -> None:
        for address in list(self._orders):
            if len(self._orders) <= _MOST_KEPT:
                return
            if self._orders[address].page.done():
                del self._orders[address]

    async def _work(self, make: Callable[[], tuple[str, int]]) -> Page:
        loop = asyncio.get_running_loop()
        async with self._turns:
            await asyncio.sleep(max(0.0, self._free_at - loop.time()))
            started = loop.time()
            try:
                return await run_in_threadpool(_packed, make)
            finally:
                ended = loop.time()
                self._free_at = ended + _REST * (ended - started)


class PageResponse(Response):
    """Send a page in the form that is asked for, as its reader takes it."""

    def __init__(self, page: Page, headers: dict[str, str], *, zipped: bool) -> None:
        length = len(page.packed) if zipped else page.size
        more = {"content-encoding": "gzip"} if zipped else {}
        more["content-length"] = str(length)
        super().__init__(status_code=page.status, headers={**headers, **more})
        self._chunks = iter((page.packed,)) if zipped else _unpacked(page.packed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        if scope["method"] == "HEAD":
            await send(part(b""))
        else:
            await send_pieces(self._chunks, receive, send, seconds=_LONGEST_ANSWER)


def _packed(make: Callable[[], tuple[str, int]]) -> Page:
    text, status = make()
    body = text.encode()
    # Without the time, for which there are 32 bits: a clock beyond 2106 would leave no page.
    return Page(gzip.compress(body, 1, mtime=0), len(body), status)


def _unpacked(packed: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    while text := unpacker.decompress(packed, _UNPACKED_AT_ONCE):
        yield text
        packed = unpacker.unconsumed_tail
