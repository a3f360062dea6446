"""Ask a Flink cluster, whichever of its JobManagers can answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from exporter.errors import FetchError, Reason
from exporter.upstream.client import GIVE_UP_AFTER, ApiClient
from exporter.upstream.large_json import RowReader

_ONE_HANGS = 0.5
"""Time-outs after which somebody else is asked."""
_ELSEWHERE = frozenset({307, 308, 502, 503, 504})
"""No leader yet, a standby that points to the leader, or a proxy that reaches nobody."""


class Managers(Protocol):
    """Anything that passes a question on to a Flink cluster."""

    async def ask(
        self,
        operation: str,
        segments: Sequence[str],
        query: Mapping[str, str] | None = None,
        rows: RowReader | None = None,
    ) -> Any:
        """Return the decoded answer to a GET, in whose place of rows may be what was read of them.

        Raises FetchError.
        """


class JobManagers:
    """The JobManagers of one cluster: the next is asked when the present one cannot answer."""

    def __init__(self, apis: Sequence[ApiClient], *, patient: bool = True) -> None:
        """Take a client of each; without patience one that hangs is not asked a second time."""
        self._apis = apis
        self._patient = patient
        self._present = 0

    async def ask(
        self,
        operation: str,
        segments: Sequence[str],
        query: Mapping[str, str] | None = None,
        rows: RowReader | None = None,
    ) -> Any:
        """Return the decoded answer to a GET, in whose place of rows may be what was read of them.

        Raises FetchError, once no JobManager could be reached.
        """
        pairs = tuple((query or {}).items())
        # Who may ask somebody else does not ask one that hangs a second time.
        alone = len(self._apis) == 1 and self._patient
        give_up_after = GIVE_UP_AFTER if alone else _ONE_HANGS
        for others in reversed(range(len(self._apis))):
            present = self._present
            try:
                return await self._apis[present].get_json(
                    operation, segments, pairs, give_up_after=give_up_after, rows=rows
                )
            except FetchError as exc:
                if not _may_work_elsewhere(exc):
                    raise
                if self._present == present:
                    # Otherwise a request beside this one has moved on already.
                    self._present = (present + 1) % len(self._apis)
                if not others or _no_time_is_left(exc):
                    # The next poll begins where this one has not come to.
                    raise
        raise AssertionError("unreachable: the last JobManager answers or raises")


def _no_time_is_left(exc: FetchError) -> bool:
    """Say whether the listing was broken off, and not one request alone."""
    return exc.reason is Reason.TIMEOUT and not exc.retryable


def _may_work_elsewhere(exc: FetchError) -> bool:
    return exc.reason in (Reason.CONNECTION, Reason.TIMEOUT) or exc.status in _ELSEWHERE
