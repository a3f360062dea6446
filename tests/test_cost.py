"""What a configuration is foretold to cost."""

import pytest

from exporter.cost import detail_period, forecast
from exporter.source import CallCost, SourceSettings


def settings(**values: float) -> SourceSettings:
    return SourceSettings.model_validate({"name": "s", "platform": "x", **values})


def test_calls_are_those_of_the_listing_and_of_the_details() -> None:
    told = forecast(
        settings(poll_interval=60, detail_interval=60, stale_after=300),
        CallCost(per_inventory=5, per_details=2),
        500,
    )
    assert told.calls_per_minute == pytest.approx(5 + 1000)
    assert told.calls_per_day == pytest.approx(1005 * 1440)
    assert not told.fits


def test_source_without_running_jobs_costs_its_listing_alone() -> None:
    told = forecast(settings(poll_interval=30), CallCost(per_inventory=1, per_details=2), 0)
    assert told.calls_per_minute == 2
    assert told.fits


@pytest.mark.parametrize(
    ("poll", "detail", "expected"),
    [
        # Due between 90 and 120 s after the last, asked for at the next of the polls at 30 s.
        (30, 120, 120),
        (60, 120, 120),
        # Due within a single poll: at every one.
        (60, 60, 60),
        (60, 1, 60),
        # Due between 75 and 100 s: at the poll at 80 s for a fifth of them, else at 100 s.
        (20, 100, 0.2 * 80 + 0.8 * 100),
    ],
)
def test_details_are_asked_for_at_the_next_poll_after_they_are_due(
    poll: float, detail: float, expected: float
) -> None:
    told = detail_period(settings(poll_interval=poll, detail_interval=detail))
    assert told == pytest.approx(expected)
