"""A delay is dated by when its platform told it, however long the listing goes on without it."""

from typing import Any

import pytest

from exporter.collecting.merging import merge
from exporter.model import Job
from tests.collecting.job_trackers import job_tracker, listing
from tests.jobs import job
from tests.virtual_time import EPOCH


def _seen(shown: tuple[Job, ...]) -> tuple[float | None, float | None, float]:
    [found] = shown
    told_at = found.input_delay_observed_timestamp
    ago = None if told_at is None else told_at - EPOCH
    return found.input_delay_seconds, ago, found.observed_timestamp - EPOCH


def test_delay_of_details_keeps_its_date_while_rows_move_on() -> None:
    tracker = job_tracker(detail_interval=120.0)
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_details(job("a", input_delay_seconds=700.0).at(EPOCH + 1), EPOCH + 1)
    assert _seen(tracker.jobs(EPOCH + 1)) == (700.0, None, 1)
    for after in (30, 60, 90):
        now = EPOCH + after
        tracker.note_inventory(listing(job("a").at(now)), now)
        assert _seen(tracker.jobs(now)) == (700.0, 1, after)
    # Details whose part that tells it failed.
    tracker.note_details(job("a", queue="q").at(EPOCH + 100), EPOCH + 100)
    assert _seen(tracker.jobs(EPOCH + 100)) == (700.0, 1, 100)
    tracker.note_details(job("a", input_delay_seconds=820.0).at(EPOCH + 121), EPOCH + 121)
    assert _seen(tracker.jobs(EPOCH + 121)) == (820.0, None, 121)


def test_delay_of_rows_is_as_old_as_they_are_whatever_details_have_told() -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_details(job("a", input_delay_seconds=700.0).at(EPOCH + 1), EPOCH + 1)
    for after in (30, 60):
        now = EPOCH + after
        tracker.note_inventory(listing(job("a", input_delay_seconds=720.0).at(now)), now)
        assert _seen(tracker.jobs(now)) == (720.0, None, after)


def test_delay_that_its_own_source_dates_keeps_that_date() -> None:
    older = job(input_delay_seconds=700.0, input_delay_observed_timestamp=EPOCH - 60)
    assert merge(older, job().at(EPOCH + 30)).input_delay_observed_timestamp == EPOCH - 60
    newer = older._replace(input_delay_seconds=1.0, observed_timestamp=EPOCH + 30)
    assert merge(job(input_delay_seconds=9.0), newer) == newer


def test_reload_keeps_the_date() -> None:
    before, after = job_tracker(), job_tracker()
    before.note_inventory(listing(job("a")), EPOCH)
    before.note_details(job("a", input_delay_seconds=700.0).at(EPOCH + 1), EPOCH + 1)
    before.note_inventory(listing(job("a").at(EPOCH + 30)), EPOCH + 30)
    after.adopt(before.jobs(EPOCH + 30), remembered=before.remembered)
    assert _seen(after.jobs(EPOCH + 30)) == (700.0, 1, 30)
    after.note_inventory(listing(job("a").at(EPOCH + 60)), EPOCH + 60)
    assert _seen(after.jobs(EPOCH + 60)) == (700.0, 1, 60)


@pytest.mark.parametrize(
    ("withdrawn", "row"),
    [(("input_delay_seconds",), {}), ((), {"native_status": "job_other"}), ((), {"run_id": "b"})],
    ids=str,
)
def test_date_goes_with_the_delay(withdrawn: tuple[str, ...], row: dict[str, Any]) -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a", run_id="a")), EPOCH)
    first = job("a", input_delay_seconds=700.0, run_id="a").at(EPOCH + 1)
    tracker.note_details(first, EPOCH + 1)
    tracker.note_details(job("a", queue="q", run_id="a").at(EPOCH + 2), EPOCH + 2)
    assert _seen(tracker.jobs(EPOCH + 2)) == (700.0, 1, 2)
    if withdrawn:
        told = job("a", run_id="a").at(EPOCH + 3)
        tracker.note_details(told, EPOCH + 3, withdrawn=withdrawn)
    else:
        told = job("a", **{"run_id": "a", **row}).at(EPOCH + 3)
        tracker.note_inventory(listing(told), EPOCH + 3)
    assert _seen(tracker.jobs(EPOCH + 3)) == (None, None, 3)


def test_date_goes_with_a_delay_that_no_details_confirm() -> None:
    tracker = job_tracker(detail_interval=60.0, stale_after=120.0)
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_details(job("a", input_delay_seconds=700.0).at(EPOCH), EPOCH)
    for after in range(30, 211, 30):
        now = EPOCH + after
        tracker.note_inventory(listing(job("a").at(now)), now)
        tracker.note_details(job("a", tasks=(("running", 2),)).at(now), now)
    assert _seen(tracker.jobs(EPOCH + 210)) == (None, None, 210)
