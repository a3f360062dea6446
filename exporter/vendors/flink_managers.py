"""Ask a Flink cluster, whichever of its JobManagers can answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from exporter.errors import FetchError, Reason
from exporter.upstream.client import ApiClient

_ELSEWHERE = frozenset({307, 308, 502, 503, 504})
"""No leader yet, a standby that points to the leader, or a proxy that reaches nobody."""


class JobManagers:
    """The JobManagers of one cluster: the next is asked when the present one cannot answer."""

    def __init__(self, apis: Sequence[ApiClient]) -> None:
        self._apis = apis
        self._present = 0

    async def ask(
        self, operation: str, segments: Sequence[str], query: Mapping[str, str] | None = None
    ) -> Any:
        """Return the decoded answer to a GET.

        Raises FetchError, once no JobManager could be reached.
        """
        pairs = tuple((query or {}).items())
        for others in reversed(range(len(self._apis))):
            present = self._present
            try:
                return await self._apis[present].get_json(operation, segments, pairs)
            except FetchError as exc:
                if not others or not _may_work_elsewhere(exc):
                    raise
                if self._present == present:
                    # Otherwise a request beside this one has moved on already.
                    self._present = (present + 1) % len(self._apis)
        raise AssertionError("unreachable: the last JobManager answers or raises")


def _may_work_elsewhere(exc: FetchError) -> bool:
    return exc.reason in (Reason.CONNECTION, Reason.TIMEOUT) or exc.status in _ELSEWHERE
