"""A job is shown from its first listing until it is gone, replaced or long ended."""

import pytest

from exporter.model import State
from tests.collecting.job_trackers import DAY, asked, job_tracker, key, listing, names
from tests.jobs import job
from tests.virtual_time import EPOCH


def test_missing_job_is_asked_about_and_goes_when_the_platform_says_so() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a"), job("b")), EPOCH)
    detail_queue = book.note_inventory(listing(job("a")), EPOCH + 30)
    assert names(detail_queue.missing) == ["b"]
    assert names(book.jobs(EPOCH + 30)) == ["a", "b"]
    book.note_gone(key("b"), EPOCH)
    assert names(book.jobs(EPOCH + 30)) == ["a"]


def test_missing_job_goes_when_a_second_complete_listing_lacks_it() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_inventory(listing(), EPOCH + 30)
    book.note_failure(key("a"), EPOCH)
    assert names(book.jobs(EPOCH + 30)) == ["a"]
    book.note_inventory(listing(), EPOCH + 60)
    assert book.jobs(EPOCH + 60) == ()


def test_job_that_comes_back_after_one_listing_has_never_been_missing() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_inventory(listing(), EPOCH + 30)
    book.note_inventory(listing(job("a")), EPOCH + 60)
    book.note_inventory(listing(), EPOCH + 90)
    assert names(book.jobs(EPOCH + 90)) == ["a"]


def test_job_of_a_project_whose_listing_failed_is_neither_missing_nor_gone() -> None:
    book = job_tracker()
    other = job("b", project="q")
    book.note_inventory(listing(job("a"), other), EPOCH)
    for _ in range(3):
        detail_queue = book.note_inventory(listing(other, incomplete="p"), EPOCH + 30)
        assert detail_queue.missing == ()
    assert names(book.jobs(EPOCH + 30)) == ["a", "b"]


def test_selection_is_by_whole_names() -> None:
    book = job_tracker(selection={"include": ["prod_.*", "x"], "exclude": ["prod_test"]})
    rows = [job(name) for name in ("prod_a", "prod_test", "my_prod_a", "x", "xx")]
    book.note_inventory(listing(*rows), EPOCH)
    assert names(book.jobs(EPOCH)) == ["prod_a", "x"]


def test_drafts_are_neither_shown_nor_asked_about_unless_wanted() -> None:
    row = job("a", State.CREATED)
    hidden, shown = job_tracker(), job_tracker(selection={"drafts": True})
    assert asked(hidden.note_inventory(listing(row), EPOCH)) == []
    assert hidden.jobs(EPOCH) == ()
    assert asked(shown.note_inventory(listing(row), EPOCH)) == ["a"]
    assert names(shown.jobs(EPOCH)) == ["a"]


def test_draft_that_is_expected_to_run_is_shown() -> None:
    book = job_tracker(expect=("a",))
    book.note_inventory(listing(job("a", State.CREATED), job("b", State.CREATED)), EPOCH)
    assert [(each.job_name, each.expected_running) for each in book.jobs(EPOCH)] == [("a", True)]


def test_job_asked_for_by_id_is_shown_whatever_its_state() -> None:
    book = job_tracker(selection={"ids": [104, "90634"], "include": ["nothing"]})
    rows = [job("a", State.CREATED), job("b", State.STOPPED, updated_timestamp=5.0)]
    book.note_inventory(listing(*rows), EPOCH)
    assert names(book.jobs(EPOCH)) == ["a", "b"]


@pytest.mark.parametrize("state", [State.STOPPED, State.FINISHED])
@pytest.mark.parametrize("ended", ["end_timestamp", "updated_timestamp", "state_since_timestamp"])
def test_ended_run_leaves_after_the_retention(state: State, ended: str) -> None:
    book = job_tracker(ended_retention=DAY)
    row = job("a", state, **{ended: EPOCH})
    book.note_inventory(listing(row), EPOCH)
    book.note_details(row, EPOCH)
    assert names(book.jobs(EPOCH + DAY)) == ["a"]
    assert book.jobs(EPOCH + DAY + 1) == ()


def test_failed_job_stays_as_long_as_it_is_listed() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a", State.FAILED, end_timestamp=5.0)), EPOCH)
    assert names(book.jobs(EPOCH + 365 * DAY)) == ["a"]


def test_long_stopped_job_does_not_flash_up_at_the_start() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a", State.STOPPED)), EPOCH)
    assert book.jobs(EPOCH) == ()
    book.note_details(job("a", State.STOPPED, updated_timestamp=EPOCH - 2 * DAY), EPOCH)
    assert book.jobs(EPOCH) == ()


def test_stopped_job_without_any_date_is_shown_from_when_it_was_first_seen() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a", State.STOPPED)), EPOCH)
    book.note_details(job("a", State.STOPPED), EPOCH)
    assert names(book.jobs(EPOCH + DAY)) == ["a"]
    assert book.jobs(EPOCH + DAY + 1) == ()


def test_later_run_of_the_same_name_replaces_an_ended_one() -> None:
    book = job_tracker(supersedes=True)
    old = job("a", State.FAILED, job_id="1", start_timestamp=10.0)
    new = job("a", State.RUNNING, job_id="2", start_timestamp=20.0)
    other = job("b", State.FAILED, job_id="3", start_timestamp=5.0)
    detail_queue = book.note_inventory(listing(new, old, other), EPOCH)
    assert [each.job_id for each in book.jobs(EPOCH)] == ["2", "3"]
    assert [each.job_id for each in detail_queue.urgent] == ["2", "3"]


def test_running_job_is_never_replaced_by_another_of_its_name() -> None:
    book = job_tracker(supersedes=True)
    old = job("a", State.RUNNING, job_id="1", start_timestamp=10.0)
    new = job("a", State.FAILED, job_id="2", start_timestamp=20.0)
    book.note_inventory(listing(old, new), EPOCH)
    assert [each.job_id for each in book.jobs(EPOCH)] == ["1", "2"]


def test_names_are_no_keys_where_ids_outlive_runs() -> None:
    book = job_tracker(supersedes=False)
    old = job("a", State.FAILED, job_id="1", start_timestamp=10.0)
    new = job("a", State.RUNNING, job_id="2", start_timestamp=20.0)
    book.note_inventory(listing(old, new), EPOCH)
    assert [each.job_id for each in book.jobs(EPOCH)] == ["1", "2"]


def test_job_that_ends_after_a_long_time_without_a_change_stays_for_its_retention() -> None:
    book = job_tracker(ended_retention=DAY)
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", updated_timestamp=EPOCH - 2 * DAY), EPOCH)
    now = EPOCH + 30
    book.note_inventory(listing(job("a", State.FINISHED).at(now)), now)
    assert names(book.jobs(now)) == ["a"]
