"""Foretell how many API calls a configuration costs: arithmetic over the polling rules."""

from dataclasses import dataclass

from exporter.source import Bill, CallCost, SourceSettings

_LEAST_DETAIL_SHARE = 1 / 4
"""What the details get of the calls allowed where listing alone takes longer than poll_interval:
a poll then lasts a third longer than its listing."""
_DAYS_OF_A_MONTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a month of a source costs in money, by the list price."""

    what: str
    per_month: float
    free_per_month: float
    dollars_per_month: float

    @property
    def per_day(self) -> float:
        """Return how many are asked for in a day."""
        return self.per_month / _DAYS_OF_A_MONTH

    @property
    def dollars_per_day(self) -> float:
        """Return what a day costs, where the free ones are spread over the month."""
        return self.dollars_per_month / _DAYS_OF_A_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The calls of one source, as steady state: nothing changes, nothing fails."""

    source: str
    platform: str
    jobs: int
    """Running jobs of the whole source, whatever share of them this exporter asks about."""
    wanted_per_minute: float
    """What asking as often as configured would take."""
    limit_per_minute: float
    detail_seconds: float
    """Time between two questions about a job that does not change."""
    charge: Charge | None = None
    """What it costs in money; None where nothing does."""

    @property
    def calls_per_minute(self) -> float:
        """Return the calls that will be made."""
        return min(self.wanted_per_minute, self.limit_per_minute)

    @property
    def calls_per_day(self) -> float:
        """Return the calls of a day."""
        return self.calls_per_minute * 60 * 24

    @property
    def fits(self) -> bool:
        """Say whether rate_limit lets through as many calls as are wanted."""
        return self.wanted_per_minute <= self.limit_per_minute


def forecast(
    settings: SourceSettings,
    cost: CallCost,
    jobs: int,
    shards: int = 1,
    clusters: int | None = None,
) -> Forecast:
    """Return what a source with so many running jobs costs in one of so many shards.

    Where nobody has counted its clusters each is taken to have one job.
    """
    counted = max(1, jobs) if clusters is None else clusters
    limit = settings.rate_limit * 60
    calls = cost.per_inventory + cost.per_cluster * counted
    listing = calls * 60 / settings.poll_interval + cost.per_minute
    asked = cost.per_details * jobs / shards
    # Nothing is asked more than once in a poll; beyond that the mean is detail_interval exactly.
    interval = 0.0 if cost.every_poll else settings.detail_interval
    period = max(settings.poll_interval, interval)
    wanted = listing + asked * 60 / period
    if wanted > limit and asked > 0:
        period = asked * 60 / max(limit - listing, limit * _LEAST_DETAIL_SHARE)
    return Forecast(
        source=settings.name,
        platform=settings.platform,
        jobs=jobs,
        wanted_per_minute=wanted,
        limit_per_minute=limit,
        detail_seconds=period,
        charge=None if cost.bill is None else _charge(cost.bill, jobs / shards, period),
    )


def _charge(bill: Bill, jobs: float, period: float) -> Charge:
    per_second = bill.per_details * jobs / (bill.every or period)
    per_month = per_second * 86400 * _DAYS_OF_A_MONTH
    return Charge(
        what=bill.what,
        per_month=per_month,
        free_per_month=bill.free_per_month,
        dollars_per_month=max(0.0, per_month - bill.free_per_month) * bill.dollars_each,
    )
