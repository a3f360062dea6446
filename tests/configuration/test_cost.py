"""What a configuration is foretold to cost."""

import pytest

from exporter.configuration.cost import forecast
from exporter.source import CallCost, SourceSettings


def settings(**values: float) -> SourceSettings:
    return SourceSettings.model_validate({"name": "s", "platform": "x", **values})


def test_calls_are_those_of_the_listing_and_of_the_details() -> None:
    told = forecast(
        settings(poll_interval=60, detail_interval=60, stale_after=300),
        CallCost(per_inventory=5, per_details=2),
        500,
    )
    assert told.wanted_per_minute == pytest.approx(5 + 1000)
    assert not told.fits


def test_source_without_running_jobs_costs_its_listing_alone() -> None:
    told = forecast(settings(poll_interval=30), CallCost(per_inventory=1, per_details=2), 0)
    assert told.calls_per_minute == 2
    assert told.fits


@pytest.mark.parametrize(
    ("poll", "detail", "expected"), [(30, 120, 120), (60, 60, 60), (60, 1, 60), (20, 130, 130)]
)
def test_details_are_asked_for_every_detail_interval_and_no_more_than_once_a_poll(
    poll: float, detail: float, expected: float
) -> None:
    told = forecast(
        settings(poll_interval=poll, detail_interval=detail, stale_after=300),
        CallCost(per_inventory=1, per_details=2),
        100,
    )
    assert told.detail_seconds == expected
    assert told.wanted_per_minute == pytest.approx(60 / poll + 200 * 60 / expected)


def test_details_that_tell_the_state_are_asked_for_at_every_poll() -> None:
    cost = CallCost(per_inventory=3, per_details=1, every_poll=True)
    told = forecast(settings(poll_interval=60, stale_after=300), cost, 250)
    assert told.calls_per_minute == 253


def test_where_calls_are_too_few_all_are_made_and_details_come_later() -> None:
    told = forecast(
        settings(poll_interval=60, detail_interval=60, stale_after=300, rate_limit=5),
        CallCost(per_inventory=50, per_details=2),
        5000,
    )
    assert told.calls_per_minute == told.limit_per_minute == 300
    assert told.calls_per_day == 300 * 1440
    assert told.detail_seconds == pytest.approx(10_000 / 250 * 60)


def test_details_have_their_share_where_the_listing_alone_takes_too_long() -> None:
    told = forecast(
        settings(poll_interval=30, rate_limit=1), CallCost(per_inventory=100, per_details=2), 600
    )
    assert told.calls_per_minute == 60
    assert told.detail_seconds == pytest.approx(1200 / 15 * 60)


def test_shards_share_the_details_and_not_the_listing() -> None:
    told = forecast(
        settings(poll_interval=60, detail_interval=60, stale_after=300),
        CallCost(per_inventory=6, per_details=2),
        600,
        shards=4,
    )
    assert told.wanted_per_minute == pytest.approx(6 + 300)
