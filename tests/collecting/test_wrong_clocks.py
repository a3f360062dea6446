"""A platform whose clock was ahead does not make an ended run the latest of its name."""

import pytest

from exporter.model import State
from tests.collecting.job_trackers import DAY, job_tracker, listing
from tests.jobs import job
from tests.virtual_time import EPOCH


@pytest.mark.parametrize("ahead", [60.0, DAY, 365 * DAY])
@pytest.mark.parametrize("told", ["start_timestamp", "created_timestamp"])
def test_fixed_job_does_not_go_on_failing_by_a_start_that_cannot_be_yet(
    ahead: float, told: str
) -> None:
    book = job_tracker(supersedes=True)
    old = job("a", State.FAILED, job_id="1", **{told: EPOCH + ahead})
    book.note_inventory(listing(old), EPOCH)
    new = job("a", State.RUNNING, job_id="2", **{told: EPOCH + 30})
    book.note_inventory(listing(old, new), EPOCH + 31)
    assert [each.job_id for each in book.jobs(EPOCH + 31)] == ["2"]


@pytest.mark.parametrize("behind", [DAY, 365 * DAY])
def test_order_of_runs_is_that_of_their_starts_though_our_clock_is_behind(behind: float) -> None:
    book = job_tracker(supersedes=True)
    old = job("a", State.FAILED, job_id="1", start_timestamp=EPOCH - 20)
    new = job("a", State.FAILED, job_id="2", start_timestamp=EPOCH - 10)
    for rows in ((old, new), (new, old)):
        book.note_inventory(listing(*rows), EPOCH - behind)
        assert [each.job_id for each in book.jobs(EPOCH - behind)] == ["2"]
