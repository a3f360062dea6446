"""What answers for itself, and lives, is not gone, whatever listings leave out."""

import pytest

from exporter.model import State
from tests.collecting.job_trackers import asked, job_tracker, key, listing
from tests.jobs import job
from tests.virtual_time import EPOCH

ALIVE = [State.RUNNING, State.RESTARTING, State.STARTING, State.UNKNOWN]


@pytest.mark.parametrize("state", ALIVE)
def test_job_that_answers_stays_however_often_listings_lack_it(state: State) -> None:
    """Flink's listing lacks a job whose JobMaster is busy."""
    tracker = job_tracker(supersedes=True)
    tracker.note_inventory(listing(job("a"), job("b")), EPOCH)
    for poll in range(1, 20):
        now = EPOCH + 30 * poll
        queue = tracker.note_inventory(listing(job("b").at(now)), now)
        assert asked(queue)[0] == "a"
        tracker.note_details(job("a", state).at(now), now)
        shown = {each.job_name: each for each in tracker.jobs(now)}
        assert (shown["a"].state, shown["a"].observed_timestamp) == (state, now)


@pytest.mark.parametrize("state", [State.FINISHED, State.FAILED, State.STOPPED])
def test_job_that_ended_and_is_not_listed_any_more_goes(state: State) -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_inventory(listing(), EPOCH + 30)
    tracker.note_details(job("a", state).at(EPOCH + 30), EPOCH + 30)
    tracker.note_inventory(listing(), EPOCH + 60)
    assert tracker.jobs(EPOCH + 60) == ()


@pytest.mark.parametrize("answer", ["nothing", "failure", "silent"])
def test_answer_that_says_nothing_does_not_hold_a_job(answer: str) -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_inventory(listing(), EPOCH + 30)
    if answer == "failure":
        tracker.note_failure(key("a"), EPOCH + 30)
    elif answer == "silent":
        tracker.note_details(job("a", State.UNKNOWN, native_status=""), EPOCH + 30)
    tracker.note_inventory(listing(), EPOCH + 60)
    assert tracker.jobs(EPOCH + 60) == ()


def test_job_goes_as_soon_as_it_no_longer_answers() -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    for poll in range(1, 5):
        tracker.note_inventory(listing(), EPOCH + 30 * poll)
        tracker.note_details(job("a").at(EPOCH + 30 * poll), EPOCH + 30 * poll)
    tracker.note_inventory(listing(), EPOCH + 150)
    assert [each.job_name for each in tracker.jobs(EPOCH + 150)] == ["a"]
    tracker.note_inventory(listing(), EPOCH + 180)
    assert tracker.jobs(EPOCH + 180) == ()
