"""Ask about single applications only what may be different, and remember the answers.

An application has a status and a version. While both stay as they are nothing of what is asked here
changes, so nothing is asked; what could not be had is asked for again.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from exporter.errors import FetchError
from exporter.fields import Flaws
from exporter.pacing import Clock
from exporter.vendors.aws.applications import Summary
from exporter.vendors.aws.control_plane import ControlPlane
from exporter.vendors.aws.jobs import READY, RUNNING, Known, at_rest
from exporter.vendors.aws.operations import History

_AGAIN_AFTER = 600.0
"""Seconds after which what could not be had of an application at rest is asked for again."""
_T = TypeVar("_T")


class Inquiries:
    """What was asked about each application of one source."""

    def __init__(self, control: ControlPlane, *, monotonic: Clock) -> None:
        self._control = control
        self._monotonic = monotonic
        self._known: dict[str, Known] = {}
        self._earlier: dict[str, Known] = {}

    @property
    def earlier(self) -> Mapping[str, Known]:
        """Return what had been asked about before the last listing."""
        return self._earlier

    def listed(self, applications: Mapping[str, Summary]) -> None:
        """Hear what there is, and forget what there is not."""
        self._known = {name: each for name, each in self._known.items() if name in applications}
        self._earlier = dict(self._known)

    def of(self, name: str) -> Known | None:
        """Return what is known of an application, however old."""
        return self._known.get(name)

    def began(self, summary: Summary) -> float | None:
        """Return when the run of an application began, in epoch seconds, if that is known."""
        known = self._known.get(summary.name)
        if known is None or known.history is None or known.history.latest_start is None:
            return None
        return known.history.latest_start.ended_at

    def outdated(self, summary: Summary) -> bool:
        """Say whether something has happened to an application that was not asked about yet."""
        known = self._known.get(summary.name)
        if known is None or not known.tells(summary):
            return True
        return not known.complete and self._monotonic() - known.asked_at >= _AGAIN_AFTER

    async def known(self, summary: Summary, flaws: Flaws) -> tuple[Known, tuple[FetchError, ...]]:
        """Return what there is to know of an application, and why some of it is missing.

        Raises FetchError when the service says that there is no such application.
        """
        before = self._known.get(summary.name)
        if before is not None and before.complete and before.tells(summary):
            return before, ()
        failures: list[FetchError] = []
        description, history = await asyncio.gather(
            _part(self._control.describe(summary.name, flaws), failures),
            _part(self._control.history(summary.name, flaws), failures),
        )
        for failure in failures:
            if failure.gone:
                raise failure
        if history is None and before is not None and before.tells(summary):
            history = before.history
        known = Known(
            summary=summary,
            description=description or (None if before is None else before.description),
            history=history,
            error_text=await self._why_failed(summary.name, history, before, flaws, failures),
            resting=at_rest(summary, history, before),
            complete=not failures and not _is_unsettled(summary, history),
            asked_at=self._monotonic(),
        )
        self._known[summary.name] = known
        return known, tuple(failures)

    async def _why_failed(
        self,
        name: str,
        history: History | None,
        before: Known | None,
        flaws: Flaws,
        failures: list[FetchError],
    ) -> str:
        failure = None if history is None else history.latest_failure
        if failure is None:
            return ""
        earlier = (
            None if before is None or before.history is None else before.history.latest_failure
        )
        if before is not None and before.error_text and earlier == failure:
            return before.error_text
        asked = self._control.why_failed(name, failure.operation_id, flaws)
        return await _part(asked, failures) or ""


def _is_unsettled(summary: Summary, history: History | None) -> bool:
    """Say whether the status has arrived where it was going, and what led there has not."""
    return summary.status in (READY, RUNNING) and history is not None and history.going_on


async def _part(asked: Awaitable[_T], failures: list[FetchError]) -> _T | None:
    try:
        return await asked
    except FetchError as exc:
        failures.append(exc)
        return None
