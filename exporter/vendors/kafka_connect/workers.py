"""Ask a worker of a Kafka Connect cluster, whichever is well: each of them answers for all.

A worker that has lost its brokers goes on to list everything as RUNNING, and only `GET /health`
(3.9 and later, KIP-1017) tells: so the two questions go together, and to one worker.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from exporter.errors import FetchError, Reason
from exporter.upstream.client import GIVE_UP_AFTER, ApiClient
from exporter.upstream.large_json import RowReader
from exporter.upstream.refusals.kafka_connect import API

HEALTH = "/health"
LISTING = "/connectors"
ROOT = "/"

_HEALTHY = "healthy"
_ONE_HANGS = 0.5
"""Time-outs after which somebody else is asked."""
_ELSEWHERE = frozenset({Reason.CONNECTION, Reason.TIMEOUT, Reason.TLS, Reason.SERVER})


class Workers:
    """The workers of one cluster: the next is asked when the present one cannot answer."""

    def __init__(self, apis: Sequence[ApiClient], *, has_health: bool = True) -> None:
        """Take a client of each; `has_health` says whether there is a `/health` at all."""
        self._apis = apis
        self._has_health = has_health
        self._present = 0
        # Who may ask somebody else does not ask one that hangs a second time.
        self._give_up_after = GIVE_UP_AFTER if len(apis) == 1 else _ONE_HANGS

    async def list_all(self, query: Sequence[tuple[str, str]], rows: RowReader) -> Any:
        """Return the decoded listing of the first worker that is well.

        Raises FetchError, that of the last one asked, when none is.
        """
        for others in reversed(range(len(self._apis))):
            try:
                return await self._list(query, rows)
            except FetchError as exc:
                if exc.reason not in _ELSEWHERE:
                    raise
                # The next poll begins where this one has not come to.
                self._present = (self._present + 1) % len(self._apis)
                if not others or _no_time_is_left(exc):
                    raise
        raise AssertionError("unreachable: the last worker answers or raises")

    async def ask(self, operation: str, segments: Sequence[str]) -> Any:
        """Return what the worker that answered last says. Raises FetchError."""
        return await self._apis[self._present].get_json(
            operation, segments, give_up_after=self._give_up_after
        )

    async def _list(self, query: Sequence[tuple[str, str]], rows: RowReader) -> Any:
        if self._has_health:
            await self._check_health()
        return await self._apis[self._present].get_json(
            LISTING, ("connectors",), query, give_up_after=self._give_up_after, rows=rows
        )

    async def _check_health(self) -> None:
        """Make sure that the worker is well, as far as its version can tell. Raises FetchError."""
        try:
            document = await self.ask(HEALTH, ("health",))
        except FetchError as exc:
            if exc.reason is Reason.NOT_FOUND:
                # In Connect's own words: it is older than this question.
                return
            raise
        if not isinstance(document, Mapping) or document.get("status") != _HEALTHY:
            detail = f"this is no {API}: expected an object with its health; check endpoint"
            raise FetchError(Reason.INVALID_RESPONSE, HEALTH, detail=detail)


def _no_time_is_left(exc: FetchError) -> bool:
    """Say whether the listing was broken off, and not one request alone."""
    return exc.reason is Reason.TIMEOUT and not exc.retryable
