"""Foretell how many API calls a configuration costs: arithmetic over the polling rules."""

import math
from dataclasses import dataclass

from exporter.source import CallCost, SourceSettings

_SPREAD = 0.25
"""The share of detail_interval over which the ledger spreads its questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The calls of one source, as steady state."""

    source: str
    platform: str
    jobs: int
    calls_per_minute: float
    limit_per_minute: float

    @property
    def calls_per_day(self) -> float:
        """Return the calls of a day."""
        return self.calls_per_minute * 60 * 24

    @property
    def fits(self) -> bool:
        """Say whether rate_limit lets so many calls through."""
        return self.calls_per_minute <= self.limit_per_minute


def forecast(settings: SourceSettings, cost: CallCost, jobs: int) -> Forecast:
    """Return what a source with so many running jobs costs."""
    per_minute = 60 / settings.poll_interval * cost.per_inventory
    per_minute += 60 / detail_period(settings) * cost.per_details * jobs
    return Forecast(
        source=settings.name,
        platform=settings.platform,
        jobs=jobs,
        calls_per_minute=per_minute,
        limit_per_minute=settings.rate_limit * 60,
    )


def detail_period(settings: SourceSettings) -> float:
    """Return the seconds between two questions about a job that does not change.

    Details become due between (1 - spread) and 1 times detail_interval after the last ones, and
    are asked for at the next poll, so the mean is over that range, rounded up to whole polls.
    """
    poll, latest = settings.poll_interval, settings.detail_interval
    earliest = latest * (1 - _SPREAD)
    if latest <= 0:
        return poll
    total = 0.0
    start = earliest
    while start < latest:
        ticks = math.floor(start / poll) + 1
        end = min(latest, ticks * poll)
        total += (end - start) * ticks * poll
        start = end
    return max(poll, total / (latest - earliest))
