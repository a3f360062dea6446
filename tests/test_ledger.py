"""What is remembered of a source's jobs, what is asked next, and what is shown."""

from random import Random
from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.ledger import Agenda, Ledger
from exporter.model import Job, JobKey, State
from exporter.reading import Flaws
from exporter.source import Inventory, JobSelection, SourceSettings
from tests.jobs import job
from tests.virtual_time import EPOCH

DAY = 86400.0


def ledger(*, supersedes: bool = False, selection: Any = None, **settings: Any) -> Ledger:
    return Ledger(
        SourceSettings(
            name="s", platform="x", jobs=JobSelection.model_validate(selection or {}), **settings
        ),
        supersedes=supersedes,
        random=Random(1),
    )


def listing(*jobs: Job, incomplete: str = "") -> Inventory:
    failed = ((incomplete, FetchError(Reason.SERVER, "List")),) if incomplete else ()
    return Inventory(jobs=jobs, incomplete=failed, flaws=Flaws())


def names(jobs: tuple[Job, ...]) -> list[str]:
    return [each.job_name for each in jobs]


def asked(agenda: Agenda) -> list[str]:
    return names((*agenda.missing, *agenda.urgent, *agenda.routine))


def key(name: str) -> JobKey:
    return JobKey(project="p", job_id=name)


def test_new_job_is_asked_about_at_once_and_shown_before_the_answer() -> None:
    book = ledger()
    assert asked(book.note_inventory(listing(job("a")), EPOCH)) == ["a"]
    assert names(book.jobs(EPOCH)) == ["a"]


def test_running_job_is_asked_about_again_within_the_detail_interval() -> None:
    book = ledger(detail_interval=120.0)
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a"), EPOCH)
    at_89, at_120 = (
        job("a", observed_timestamp=EPOCH + 89),
        job("a", observed_timestamp=EPOCH + 120),
    )
    assert asked(book.note_inventory(listing(at_89), EPOCH + 89)) == []
    assert asked(book.note_inventory(listing(at_120), EPOCH + 120)) == ["a"]


def test_changed_job_comes_before_a_job_whose_details_are_old() -> None:
    book = ledger(detail_interval=120.0)
    rows = [job("a"), job("b")]
    book.note_inventory(listing(*rows), EPOCH)
    for row in rows:
        book.note_details(row, EPOCH)
    later = EPOCH + 600
    agenda = book.note_inventory(
        listing(
            job("a", observed_timestamp=later),
            job("b", State.FAILED, observed_timestamp=later),
        ),
        later,
    )
    assert names(agenda.urgent) == ["b"]
    assert names(agenda.routine) == ["a"]


@pytest.mark.parametrize("change", [{"run_id": "2"}, {"native_status": "job_savepointing"}])
def test_new_run_or_new_word_counts_as_changed(change: dict[str, str]) -> None:
    book = ledger()
    first: dict[str, Any] = {"run_id": "1", "native_status": "job_running"}
    book.note_inventory(listing(job("a", **first)), EPOCH)
    book.note_details(job("a", **first), EPOCH)
    row = job("a", **{**first, **change}, observed_timestamp=EPOCH + 30)
    assert names(book.note_inventory(listing(row), EPOCH + 30).urgent) == ["a"]


def test_ended_job_is_asked_about_once_more_and_then_never() -> None:
    book = ledger()
    book.note_inventory(listing(job("a", State.FAILED)), EPOCH)
    book.note_details(job("a", State.FAILED), EPOCH)
    row = job("a", State.FAILED, observed_timestamp=EPOCH + DAY)
    assert asked(book.note_inventory(listing(row), EPOCH + DAY)) == []


def test_job_whose_details_failed_is_asked_about_again() -> None:
    book = ledger()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_failure(key("a"))
    assert asked(book.note_inventory(listing(job("a")), EPOCH + 30)) == ["a"]


@pytest.mark.parametrize("state", [State.STARTING, State.RESTARTING, State.STOPPING])
def test_job_about_to_change_is_asked_about_at_every_poll(state: State) -> None:
    book = ledger()
    book.note_inventory(listing(job("a", state)), EPOCH)
    book.note_details(job("a", state), EPOCH)
    row = job("a", state, observed_timestamp=EPOCH + 1)
    assert names(book.note_inventory(listing(row), EPOCH + 1).urgent) == ["a"]


def test_job_restarting_by_its_finer_state_is_asked_about_at_every_poll() -> None:
    book = ledger()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", finer_state=State.RESTARTING), EPOCH)
    assert book.jobs(EPOCH)[0].state is State.RESTARTING
    row = job("a", observed_timestamp=EPOCH + 30)
    assert names(book.note_inventory(listing(row), EPOCH + 30).urgent) == ["a"]


def test_job_whose_listing_tells_no_state_is_asked_at_every_poll_and_shown_once_known() -> None:
    book = ledger()
    silent = job("a", State.UNKNOWN, native_status="")
    assert names(book.note_inventory(listing(silent), EPOCH).urgent) == ["a"]
    assert book.jobs(EPOCH) == ()
    book.note_details(job("a"), EPOCH)
    assert [each.state for each in book.jobs(EPOCH)] == [State.RUNNING]
    assert names(book.note_inventory(listing(silent), EPOCH).urgent) == ["a"]


def test_job_whose_state_nobody_tells_is_shown_as_unknown_after_asking() -> None:
    book = ledger()
    book.note_inventory(listing(job("a", State.UNKNOWN, native_status="")), EPOCH)
    book.note_failure(key("a"))
    assert [each.state for each in book.jobs(EPOCH)] == [State.UNKNOWN]


def test_missing_job_is_asked_about_and_goes_when_the_platform_says_so() -> None:
    book = ledger()
    book.note_inventory(listing(job("a"), job("b")), EPOCH)
    agenda = book.note_inventory(listing(job("a")), EPOCH + 30)
    assert names(agenda.missing) == ["b"]
    assert names(book.jobs(EPOCH + 30)) == ["a", "b"]
    book.note_gone(key("b"))
    assert names(book.jobs(EPOCH + 30)) == ["a"]


def test_missing_job_goes_when_a_second_complete_listing_lacks_it() -> None:
    book = ledger()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_inventory(listing(), EPOCH + 30)
    book.note_failure(key("a"))
    assert names(book.jobs(EPOCH + 30)) == ["a"]
    book.note_inventory(listing(), EPOCH + 60)
    assert book.jobs(EPOCH + 60) == ()


def test_job_that_comes_back_after_one_listing_has_never_been_missing() -> None:
    book = ledger()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_inventory(listing(), EPOCH + 30)
    book.note_inventory(listing(job("a")), EPOCH + 60)
    book.note_inventory(listing(), EPOCH + 90)
    assert names(book.jobs(EPOCH + 90)) == ["a"]


def test_job_of_a_project_whose_listing_failed_is_neither_missing_nor_gone() -> None:
    book = ledger()
    other = job("b", project="q")
    book.note_inventory(listing(job("a"), other), EPOCH)
    for _ in range(3):
        agenda = book.note_inventory(listing(other, incomplete="p"), EPOCH + 30)
        assert agenda.missing == ()
    assert names(book.jobs(EPOCH + 30)) == ["a", "b"]


def test_selection_is_by_whole_names() -> None:
    book = ledger(selection={"include": ["prod_.*", "x"], "exclude": ["prod_test"]})
    rows = [job(name) for name in ("prod_a", "prod_test", "my_prod_a", "x", "xx")]
    book.note_inventory(listing(*rows), EPOCH)
    assert names(book.jobs(EPOCH)) == ["prod_a", "x"]


def test_drafts_are_neither_shown_nor_asked_about_unless_wanted() -> None:
    row = job("a", State.CREATED)
    hidden, shown = ledger(), ledger(selection={"drafts": True})
    assert asked(hidden.note_inventory(listing(row), EPOCH)) == []
    assert hidden.jobs(EPOCH) == ()
    assert asked(shown.note_inventory(listing(row), EPOCH)) == ["a"]
    assert names(shown.jobs(EPOCH)) == ["a"]


def test_draft_that_is_expected_to_run_is_shown() -> None:
    book = ledger(expect=("a",))
    book.note_inventory(listing(job("a", State.CREATED), job("b", State.CREATED)), EPOCH)
    assert [(each.job_name, each.expected_running) for each in book.jobs(EPOCH)] == [("a", True)]


def test_job_asked_for_by_id_is_shown_whatever_its_state() -> None:
    book = ledger(selection={"ids": [104, "90634"], "include": ["nothing"]})
    rows = [job("a", State.CREATED), job("b", State.STOPPED, updated_timestamp=5.0)]
    book.note_inventory(listing(*rows), EPOCH)
    assert names(book.jobs(EPOCH)) == ["a", "b"]


@pytest.mark.parametrize("state", [State.STOPPED, State.FINISHED])
@pytest.mark.parametrize("ended", ["end_timestamp", "updated_timestamp", "state_since_timestamp"])
def test_ended_run_leaves_after_the_retention(state: State, ended: str) -> None:
    book = ledger(ended_retention=DAY)
    row = job("a", state, **{ended: EPOCH})
    book.note_inventory(listing(row), EPOCH)
    book.note_details(row, EPOCH)
    assert names(book.jobs(EPOCH + DAY)) == ["a"]
    assert book.jobs(EPOCH + DAY + 1) == ()


def test_failed_job_stays_as_long_as_it_is_listed() -> None:
    book = ledger()
    book.note_inventory(listing(job("a", State.FAILED, end_timestamp=5.0)), EPOCH)
    assert names(book.jobs(EPOCH + 365 * DAY)) == ["a"]


def test_long_stopped_job_does_not_flash_up_at_the_start() -> None:
    book = ledger()
    book.note_inventory(listing(job("a", State.STOPPED)), EPOCH)
    assert book.jobs(EPOCH) == ()
    book.note_details(job("a", State.STOPPED, updated_timestamp=EPOCH - 2 * DAY), EPOCH)
    assert book.jobs(EPOCH) == ()


def test_stopped_job_without_any_date_is_shown_from_when_it_was_first_seen() -> None:
    book = ledger()
    book.note_inventory(listing(job("a", State.STOPPED)), EPOCH)
    book.note_details(job("a", State.STOPPED), EPOCH)
    assert names(book.jobs(EPOCH + DAY)) == ["a"]
    assert book.jobs(EPOCH + DAY + 1) == ()


def test_later_run_of_the_same_name_replaces_an_ended_one() -> None:
    book = ledger(supersedes=True)
    old = job("a", State.FAILED, job_id="1", start_timestamp=10.0)
    new = job("a", State.RUNNING, job_id="2", start_timestamp=20.0)
    other = job("b", State.FAILED, job_id="3", start_timestamp=5.0)
    agenda = book.note_inventory(listing(new, old, other), EPOCH)
    assert [each.job_id for each in book.jobs(EPOCH)] == ["2", "3"]
    assert [each.job_id for each in agenda.urgent] == ["2", "3"]


def test_running_job_is_never_replaced_by_another_of_its_name() -> None:
    book = ledger(supersedes=True)
    old = job("a", State.RUNNING, job_id="1", start_timestamp=10.0)
    new = job("a", State.FAILED, job_id="2", start_timestamp=20.0)
    book.note_inventory(listing(old, new), EPOCH)
    assert [each.job_id for each in book.jobs(EPOCH)] == ["1", "2"]


def test_names_are_no_keys_where_ids_outlive_runs() -> None:
    book = ledger(supersedes=False)
    old = job("a", State.FAILED, job_id="1", start_timestamp=10.0)
    new = job("a", State.RUNNING, job_id="2", start_timestamp=20.0)
    book.note_inventory(listing(old, new), EPOCH)
    assert [each.job_id for each in book.jobs(EPOCH)] == ["1", "2"]


def test_state_since_is_when_it_was_first_seen_where_the_platform_does_not_say() -> None:
    book = ledger()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_inventory(listing(job("a", observed_timestamp=EPOCH + 30)), EPOCH + 30)
    assert book.jobs(EPOCH)[0].state_since_timestamp == EPOCH
    failed = job("a", State.FAILED, observed_timestamp=EPOCH + 60)
    book.note_inventory(listing(failed), EPOCH + 60)
    assert book.jobs(EPOCH)[0].state_since_timestamp == EPOCH + 60
    book.note_details(job("a", State.FAILED, state_since_timestamp=EPOCH + 41), EPOCH + 60)
    assert book.jobs(EPOCH)[0].state_since_timestamp == EPOCH + 41


def test_expected_entry_is_absent_only_after_a_complete_listing_without_it() -> None:
    book = ledger(expect=("orders_.*", "payments"))
    assert book.absent() == ()
    book.note_inventory(listing(job("orders_a"), incomplete="q"), EPOCH)
    assert book.absent() == ()
    book.note_inventory(listing(job("orders_a")), EPOCH)
    assert book.absent() == ("payments",)
    book.note_inventory(listing(job("orders_a"), job("payments")), EPOCH)
    assert book.absent() == ()


def test_what_the_platform_expects_goes_before_our_list() -> None:
    book = ledger(expect=("a",))
    book.note_inventory(listing(job("a", expected_running=False)), EPOCH)
    assert book.jobs(EPOCH)[0].expected_running is False


def test_adopted_jobs_are_shown_until_a_listing_confirms_or_lets_go() -> None:
    book = ledger(selection={"exclude": ["c"]})
    book.adopt((job("a", state_since_timestamp=5.0), job("b"), job("c")))
    assert names(book.jobs(EPOCH)) == ["a", "b"]
    row = job("a", observed_timestamp=EPOCH + 30)
    agenda = book.note_inventory(listing(row), EPOCH + 30)
    assert names(agenda.urgent) == ["a"]
    assert names(agenda.missing) == ["b"]
    assert book.jobs(EPOCH + 30)[0].state_since_timestamp == 5.0


def test_answer_about_a_job_that_is_no_longer_known_changes_nothing() -> None:
    book = ledger()
    book.note_details(job("a"), EPOCH)
    book.note_failure(key("a"))
    book.note_gone(key("a"))
    assert book.jobs(EPOCH) == ()
