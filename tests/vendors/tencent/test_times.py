"""Times without a zone are dated by running jobs, or as somebody says, or not at all."""

import pytest

from exporter.vendors.tencent.times import Zone, agree, read_moment, read_offset
from tests.vendors.tencent.rows import EAST_EIGHT, NOW, text


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("+08:00", 28800), ("-03:30", -12600), ("+00:00", 0), ("+14:00", 50400), ("-12:00", -43200)],
)
def test_offset_is_read_as_seconds_east(told: str, seconds: int) -> None:
    assert read_offset(told) == seconds


@pytest.mark.parametrize("told", ["8", "08:00", "+8:00", "+14:15", "-12:15", "+08:01", "CST", ""])
def test_what_is_no_offset_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="offset from UTC"):
        read_offset(told)


@pytest.mark.parametrize(
    "told",
    [
        *("", "success", "2023-11-15", "2023-02-30 00:00:00", "0000-00-00 00:00:00"),
        *("1970-01-01 00:00:00", "0001-01-01 00:00:00", "2023-11-15T06:13:20"),
    ],
)
def test_what_is_no_time_is_none(told: str) -> None:
    assert read_moment(told, 0) is None


def test_running_job_tells_the_zone_of_all_others() -> None:
    zone = Zone()
    assert zone.read(text(NOW)) is None
    zone.note(text(NOW - 100), NOW - 130)
    assert zone.offset == EAST_EIGHT
    assert zone.read(text(NOW)) == NOW


@pytest.mark.parametrize("offset", [-12600, 0, 20700, 50400])
def test_zone_can_be_any_quarter_of_an_hour(offset: int) -> None:
    zone = Zone()
    zone.note(text(NOW, offset), NOW)
    assert zone.offset == offset


def test_most_jobs_decide_and_of_two_zones_the_eastern_one() -> None:
    """A run that the platform began anew seems to be in a zone further west."""
    zone = Zone()
    zone.note(text(NOW - 3600), NOW)
    assert zone.offset == EAST_EIGHT - 3600
    zone.note(text(NOW), NOW)
    assert zone.offset == EAST_EIGHT
    zone.note(text(NOW - 3600), NOW)
    zone.note(text(NOW), NOW)
    zone.note(text(NOW), NOW)
    assert zone.offset == EAST_EIGHT


@pytest.mark.parametrize(
    ("start", "began"),
    [("no time", NOW), (text(NOW, 0), NOW + 400), (text(NOW, 15 * 3600), NOW)],
)
def test_job_that_agrees_with_no_zone_tells_none(start: str, began: float) -> None:
    zone = Zone()
    zone.note(start, began)
    assert zone.offset is None


def test_zone_that_somebody_set_is_not_found_out() -> None:
    zone = Zone(0)
    zone.note(text(NOW), NOW)
    assert zone.offset == 0


def test_times_agree_within_a_minute() -> None:
    assert agree(NOW, NOW + 60)
    assert not agree(NOW, NOW + 61)
    assert not agree(None, NOW)
    assert not agree(NOW, None)
