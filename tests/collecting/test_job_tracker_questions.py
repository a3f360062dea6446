"""A job is asked about when it is new, changed, restless or long unheard of."""

from typing import Any

import pytest

from exporter.model import State
from tests.collecting.job_trackers import DAY, asked, job_tracker, key, listing, names
from tests.jobs import job
from tests.virtual_time import EPOCH


def test_new_job_is_asked_about_at_once_and_shown_before_the_answer() -> None:
    book = job_tracker()
    assert asked(book.note_inventory(listing(job("a")), EPOCH)) == ["a"]
    assert names(book.jobs(EPOCH)) == ["a"]


def test_running_job_is_asked_about_again_within_the_detail_interval() -> None:
    book = job_tracker(detail_interval=120.0)
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a"), EPOCH)
    at_89, at_120 = (
        job("a", observed_timestamp=EPOCH + 89),
        job("a", observed_timestamp=EPOCH + 120),
    )
    assert asked(book.note_inventory(listing(at_89), EPOCH + 89)) == []
    assert asked(book.note_inventory(listing(at_120), EPOCH + 120)) == ["a"]


def test_changed_job_comes_before_a_job_whose_details_are_old() -> None:
    book = job_tracker(detail_interval=120.0)
    rows = [job("a"), job("b")]
    book.note_inventory(listing(*rows), EPOCH)
    for row in rows:
        book.note_details(row, EPOCH)
    later = EPOCH + 600
    detail_queue = book.note_inventory(
        listing(
            job("a", observed_timestamp=later),
            job("b", State.FAILED, observed_timestamp=later),
        ),
        later,
    )
    assert names(detail_queue.news) == ["b"]
    assert names(detail_queue.routine) == ["a"]


@pytest.mark.parametrize("change", [{"run_id": "2"}, {"native_status": "job_savepointing"}])
def test_new_run_or_new_word_counts_as_changed(change: dict[str, str]) -> None:
    book = job_tracker()
    first: dict[str, Any] = {"run_id": "1", "native_status": "job_running"}
    book.note_inventory(listing(job("a", **first)), EPOCH)
    book.note_details(job("a", **first), EPOCH)
    row = job("a", **{**first, **change}, observed_timestamp=EPOCH + 30)
    assert names(book.note_inventory(listing(row), EPOCH + 30).news) == ["a"]


def test_job_whose_figures_are_in_doubt_is_asked_about_at_the_next_poll() -> None:
    book = job_tracker(detail_interval=120.0)
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a"), EPOCH, in_doubt=True)
    rows = [job("a", observed_timestamp=EPOCH + poll) for poll in (30, 60)]
    assert names(book.note_inventory(listing(rows[0]), EPOCH + 30).urgent) == ["a"]
    book.note_details(rows[0], EPOCH + 30)
    assert asked(book.note_inventory(listing(rows[1]), EPOCH + 60)) == []


def test_ended_job_is_asked_about_once_more_and_then_never() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a", State.FAILED)), EPOCH)
    book.note_details(job("a", State.FAILED), EPOCH)
    row = job("a", State.FAILED, observed_timestamp=EPOCH + DAY)
    assert asked(book.note_inventory(listing(row), EPOCH + DAY)) == []


def test_details_older_than_the_change_are_asked_for_again_a_few_times() -> None:
    book = job_tracker()
    failed = job("a", State.FAILED)
    book.note_inventory(listing(failed), EPOCH)
    for poll in range(3):
        book.note_details(job("a"), EPOCH + poll)
        assert asked(book.note_inventory(listing(failed), EPOCH + poll)) == ["a"]
    book.note_details(job("a"), EPOCH + 3)
    assert asked(book.note_inventory(listing(failed), EPOCH + 3)) == []


def test_details_that_tell_the_state_of_the_listing_are_the_last_of_an_ended_job() -> None:
    book = job_tracker()
    failed = job("a", State.FAILED)
    book.note_inventory(listing(failed), EPOCH)
    book.note_details(job("a"), EPOCH)
    book.note_details(failed, EPOCH + 1)
    assert asked(book.note_inventory(listing(failed), EPOCH + 1)) == []


def test_job_whose_details_failed_is_asked_about_again() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_failure(key("a"), EPOCH)
    assert asked(book.note_inventory(listing(job("a")), EPOCH + 30)) == ["a"]


@pytest.mark.parametrize("state", [State.STARTING, State.RESTARTING, State.STOPPING])
def test_job_about_to_change_is_asked_about_at_every_poll(state: State) -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a", state)), EPOCH)
    book.note_details(job("a", state), EPOCH)
    row = job("a", state, observed_timestamp=EPOCH + 1)
    assert names(book.note_inventory(listing(row), EPOCH + 1).urgent) == ["a"]


def test_job_restarting_by_its_finer_state_is_asked_about_at_every_poll() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", finer_state=State.RESTARTING), EPOCH)
    assert book.jobs(EPOCH)[0].state is State.RESTARTING
    row = job("a", observed_timestamp=EPOCH + 30)
    assert names(book.note_inventory(listing(row), EPOCH + 30).urgent) == ["a"]


def test_job_whose_listing_tells_no_state_is_asked_at_every_poll_and_shown_once_known() -> None:
    book = job_tracker()
    silent = job("a", State.UNKNOWN, native_status="")
    assert names(book.note_inventory(listing(silent), EPOCH).urgent) == ["a"]
    assert book.jobs(EPOCH) == ()
    book.note_details(job("a"), EPOCH)
    assert [each.state for each in book.jobs(EPOCH)] == [State.RUNNING]
    assert names(book.note_inventory(listing(silent), EPOCH).urgent) == ["a"]


def test_job_whose_state_nobody_tells_is_shown_as_unknown_after_asking() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a", State.UNKNOWN, native_status="")), EPOCH)
    book.note_failure(key("a"), EPOCH)
    assert [each.state for each in book.jobs(EPOCH)] == [State.UNKNOWN]


def test_draft_is_asked_about_once_its_row_no_longer_says_that_it_is_one() -> None:
    # It ran and failed twice between two listings, and the row does not say how it is.
    book = job_tracker()
    draft = job("a", State.CREATED)
    assert asked(book.note_inventory(listing(draft), EPOCH)) == []
    silent = job("a", State.UNKNOWN, native_status="", observed_timestamp=EPOCH + 30)
    assert asked(book.note_inventory(listing(silent), EPOCH + 30)) == ["a"]
    book.note_details(job("a", State.FAILED, observed_timestamp=EPOCH + 31), EPOCH + 31)
    assert [each.state for each in book.jobs(EPOCH + 31)] == [State.FAILED]
