"""Bound how long a listing waits while nothing arrives, whatever its requests do.

One time-out bounds one request. A listing makes many, at the same time or one after the other: the
pages, the projects, the next JobManager, a login, second tries. When a platform hangs, all of these
together may take no longer than a listing of one request would.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from exporter.errors import FetchError, Reason


class StallLimit:
    """Break off the requests of a listing once nothing has arrived for so many seconds.

    Only the time counts in which a request is under way, or about to be tried again: to wait for
    our own `rate_limit`, or until a key may be used, is no fault of the platform. Each answer that
    brings something begins the count anew, so that a long listing may take as long as it needs.
    Outside of a listing there is no such limit.
    """

    def __init__(self, seconds: float, *, told: Callable[[], None] = lambda: None) -> None:
        """Call `told` whenever an answer has arrived that brings something."""
        self._told = told
        self.seconds = seconds
        self.answers = 0
        """How many answers have arrived that bring something, in listings or not."""
        self._listing = False
        self._stalled = False
        self._under_way = 0
        self._counted_at = 0.0
        self._waited = 0.0
        """Seconds counted until `_counted_at`."""
        self._scopes: set[asyncio.Timeout] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def stalled(self) -> bool:
        """Say whether the listing that goes on was broken off."""
        return self._stalled

    @contextmanager
    def listing(self) -> Iterator[None]:
        """Count for as long as the context is entered, from nothing."""
        self._listing, self._stalled, self._waited = True, False, 0.0
        self._counted_at = _now()
        try:
            yield
        finally:
            self._listing = self._stalled = False
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    @asynccontextmanager
    async def bounding(self, operation: str) -> AsyncIterator[None]:
        """Break off whatever is done in the context when the listing stalls, or has stalled.

        Raises FetchError then, as a time-out that is of no use to try again.
        """
        if not self._listing:
            yield
            return
        if self._stalled:
            raise self._error(operation)
        try:
            async with asyncio.timeout(None) as scope:
                self._scopes.add(scope)
                try:
                    yield
                finally:
                    self._scopes.discard(scope)
        except TimeoutError:
            if not scope.expired():
                raise
            raise self._error(operation) from None

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count the time in the context: a request waits for its answer, or to be tried again."""
        self._count()
        self._under_way += 1
        if self._listing and self._timer is None:
            self._look_later()
        try:
            yield
        finally:
            self._count()
            self._under_way -= 1

    def heard(self) -> None:
        """Note that an answer arrived that brings something."""
        self.answers += 1
        self._told()
        self._count()
        self._waited = 0.0

    def _count(self) -> None:
        now = _now()
        if self._under_way:
            self._waited += now - self._counted_at
        self._counted_at = now

    def _look_later(self) -> None:
        pause = max(0.0, self.seconds - self._waited)
        self._timer = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        self._timer = None
        self._count()
        # A timer can come a hair early.
        if self._waited < self.seconds - 1e-3:
            if self._under_way:
                self._look_later()
            return
        self._stalled = True
        for scope in self._scopes:
            scope.reschedule(_now())

    def _error(self, operation: str) -> FetchError:
        detail = f"nothing has arrived for {self.seconds:g} s"
        return FetchError(Reason.TIMEOUT, operation, detail=detail)


def _now() -> float:
    return asyncio.get_running_loop().time()
