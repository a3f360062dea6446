"""What is remembered of a source's jobs, what is asked next, and what is shown."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from exporter.agenda import Agenda
from exporter.errors import FetchError, Reason
from exporter.ledger import Ledger, finished
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
    return names(tuple(agenda.in_order()))


def key(name: str) -> JobKey:
    return JobKey(project="p", job_id=name)


def detailed(book: Ledger, agenda: Agenda, now: float) -> list[str]:
    """Answer everything on an agenda; return the names."""
    rows = tuple(agenda.in_order())
    for row in rows:
        book.note_details(row.at(now), now)
    return names(rows)


def rounds(book: Ledger, rows: list[Job], *, polls: int, every: float = 30.0) -> list[list[str]]:
    """Poll so many times, the first time at EPOCH; return whose details were asked for at each."""
    found = []
    for number in range(polls):
        now = EPOCH + number * every
        agenda = book.note_inventory(listing(*(row.at(now) for row in rows)), now)
        found.append(detailed(book, agenda, now))
    return found


def test_questions_about_running_jobs_are_spread_evenly_over_the_polls() -> None:
    rows = [job(f"j{number:02}") for number in range(40)]
    first, *others = rounds(ledger(detail_interval=120.0), rows, polls=21)
    assert sorted(first) == sorted(names(tuple(rows)))
    assert [len(asked_now) for asked_now in others] == [10] * 20
    # Round robin: any four polls ask about all.
    for begin in range(len(others) - 3):
        asked_about = [name for each in others[begin : begin + 4] for name in each]
        assert sorted(asked_about) == names(tuple(rows))


def test_questions_come_at_the_mean_interval_though_it_is_no_multiple_of_the_polls() -> None:
    rows = [job(f"j{number}") for number in range(7)]
    _, *others = rounds(ledger(detail_interval=100.0), rows, polls=1001)
    assert sum(map(len, others)) == pytest.approx(7 * 1000 * 30 / 100, abs=2)


def test_no_job_is_asked_about_twice_in_a_poll_however_short_the_interval() -> None:
    rows = [job("a"), job("b")]
    _, *others = rounds(ledger(detail_interval=1.0), rows, polls=5)
    assert [sorted(asked_now) for asked_now in others] == [["a", "b"]] * 4


def test_clock_that_jumps_earns_no_more_than_one_round() -> None:
    book = ledger(detail_interval=60.0)
    rows = [job(f"j{number}") for number in range(5)]
    rounds(book, rows, polls=2)
    for jump in (1e6, -1e6, 2e6):
        assert len(asked(book.note_inventory(listing(*rows), EPOCH + jump))) <= 5


def test_oldest_details_come_first_and_no_job_starves_when_there_is_time_for_few() -> None:
    book = ledger(detail_interval=60.0)
    rows = [job(f"j{number:02}") for number in range(20)]
    rounds(book, rows, polls=1)
    asked_at: dict[str, list[int]] = {row.job_name: [] for row in rows}
    for number in range(1, 201):
        now = EPOCH + number * 30
        agenda = book.note_inventory(listing(*(row.at(now) for row in rows)), now)
        for row in tuple(agenda.in_order())[:3]:
            book.note_details(row.at(now), now)
            asked_at[row.job_name].append(number)
    gaps = [b - a for at in asked_at.values() for a, b in pairwise(at)]
    assert {min(gaps), max(gaps)} <= {6, 7}
    assert book.behind(rows)


def test_restless_jobs_leave_a_share_to_those_whose_details_are_old() -> None:
    book = ledger(detail_interval=60.0)
    restless = [job(f"r{number:02}", State.STARTING) for number in range(30)]
    calm = [job(f"c{number:02}") for number in range(8)]
    rounds(book, restless + calm, polls=1)
    had: list[str] = []
    for number in range(1, 41):
        now = EPOCH + number * 30
        agenda = book.note_inventory(listing(*(r.at(now) for r in restless + calm)), now)
        for row in tuple(agenda.in_order())[:8]:
            book.note_details(row.at(now), now)
            had.append(row.job_name)
    for rows, least in ((restless, 7), (calm, 9)):
        assert min(had.count(row.job_name) for row in rows) >= least


def test_what_happened_comes_before_everything_else() -> None:
    book = ledger()
    rows = [job("old"), job("going")]
    rounds(book, rows, polls=1)
    later = EPOCH + 30
    agenda = book.note_inventory(
        listing(
            job("appeared", observed_timestamp=later),
            job("old", State.FAILED, observed_timestamp=later),
            job("stopping", State.STOPPING, observed_timestamp=later),
        ),
        later,
    )
    # It is not certain of a job that is not listed that anything happened to it.
    assert asked(agenda) == ["old", "appeared", "stopping", "going"]


def test_jobs_never_asked_about_come_after_those_about_to_change() -> None:
    book = ledger()
    book.adopt([job("known", State.RESTARTING)])
    agenda = book.note_inventory(listing(job("a"), job("b"), job("known", State.RESTARTING)), EPOCH)
    assert names(agenda.urgent) == ["known", "a", "b"]


def test_job_whose_details_never_come_is_asked_about_no_more_often_than_a_calm_one() -> None:
    book = ledger(detail_interval=300.0)
    tries = 0
    for number in range(101):
        now = EPOCH + number * 30
        for row in book.note_inventory(listing(job("a").at(now)), now).in_order():
            book.note_failure(row.key, now)
            tries += 1
    assert 3 <= tries <= 14


def test_age_is_that_of_the_oldest_details_of_a_job_that_lives() -> None:
    book = ledger()
    assert finished(book.show(EPOCH)).detail_age_seconds is None
    rows = [job("a"), job("b"), job("gone wrong", State.FAILED)]
    book.note_inventory(listing(*rows), EPOCH)
    book.note_details(rows[0], EPOCH + 10)
    # Until the first details come it counts from when the job was first listed.
    assert finished(book.show(EPOCH + 40)).detail_age_seconds == 40
    book.note_details(rows[1], EPOCH + 40)
    assert finished(book.show(EPOCH + 40)).detail_age_seconds == 30
    book.note_failure(rows[0].key, EPOCH + 50)
    assert finished(book.show(EPOCH + 50)).detail_age_seconds == 40


def test_work_on_very_many_jobs_comes_in_steps() -> None:
    book = ledger()
    rows = [job(f"j{number:05}") for number in range(5000)]
    taking = book.take(listing(*rows), EPOCH)
    assert sum(1 for _ in taking) >= 25
    assert sum(1 for _ in book.show(EPOCH)) == 2
    assert len(book.jobs(EPOCH)) == 5000


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
    assert names(agenda.news) == ["b"]
    assert names(agenda.routine) == ["a"]


@pytest.mark.parametrize("change", [{"run_id": "2"}, {"native_status": "job_savepointing"}])
def test_new_run_or_new_word_counts_as_changed(change: dict[str, str]) -> None:
    book = ledger()
    first: dict[str, Any] = {"run_id": "1", "native_status": "job_running"}
    book.note_inventory(listing(job("a", **first)), EPOCH)
    book.note_details(job("a", **first), EPOCH)
    row = job("a", **{**first, **change}, observed_timestamp=EPOCH + 30)
    assert names(book.note_inventory(listing(row), EPOCH + 30).news) == ["a"]


def test_ended_job_is_asked_about_once_more_and_then_never() -> None:
    book = ledger()
    book.note_inventory(listing(job("a", State.FAILED)), EPOCH)
    book.note_details(job("a", State.FAILED), EPOCH)
    row = job("a", State.FAILED, observed_timestamp=EPOCH + DAY)
    assert asked(book.note_inventory(listing(row), EPOCH + DAY)) == []


def test_details_older_than_the_change_are_asked_for_again_a_few_times() -> None:
    book = ledger()
    failed = job("a", State.FAILED)
    book.note_inventory(listing(failed), EPOCH)
    for poll in range(3):
        book.note_details(job("a"), EPOCH + poll)
        assert asked(book.note_inventory(listing(failed), EPOCH + poll)) == ["a"]
    book.note_details(job("a"), EPOCH + 3)
    assert asked(book.note_inventory(listing(failed), EPOCH + 3)) == []


def test_details_that_tell_the_state_of_the_listing_are_the_last_of_an_ended_job() -> None:
    book = ledger()
    failed = job("a", State.FAILED)
    book.note_inventory(listing(failed), EPOCH)
    book.note_details(job("a"), EPOCH)
    book.note_details(failed, EPOCH + 1)
    assert asked(book.note_inventory(listing(failed), EPOCH + 1)) == []


def test_job_whose_details_failed_is_asked_about_again() -> None:
    book = ledger()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_failure(key("a"), EPOCH)
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
    book.note_failure(key("a"), EPOCH)
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
    book.note_failure(key("a"), EPOCH)
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
    book.note_failure(key("a"), EPOCH)
    book.note_gone(key("a"))
    assert book.jobs(EPOCH) == ()


def test_delay_that_no_details_confirm_goes_after_stale_after_though_the_listing_works() -> None:
    book = ledger(detail_interval=60.0, stale_after=120.0)
    book.note_inventory(listing(job("a")), EPOCH)
    full = job("a", finer_state=State.RESTARTING, input_delay_seconds=3.0, restart_times=7)
    book.note_details(full, EPOCH)
    for later, state in ((180, State.RESTARTING), (210, State.RUNNING)):
        now = EPOCH + later
        book.note_inventory(listing(job("a").at(now)), now)
        assert book.jobs(now)[0].state is state
    shown = book.jobs(EPOCH + 210)[0]
    assert (shown.input_delay_seconds, shown.restart_times) == (None, 7)


def test_delay_goes_though_other_parts_of_the_details_go_on_to_arrive() -> None:
    book = ledger(detail_interval=60.0, stale_after=120.0)
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", input_delay_seconds=3.0), EPOCH)
    for later, delay in ((150, 3.0), (210, None)):
        now = EPOCH + later
        book.note_inventory(listing(job("a").at(now)), now)
        book.note_details(job("a").at(now), now)
        assert book.jobs(now)[0].input_delay_seconds == delay


def test_duration_of_an_ended_run_stays_however_old_its_details_are() -> None:
    book = ledger(detail_interval=60.0, stale_after=120.0)
    book.note_inventory(listing(job("a", State.FAILED)), EPOCH)
    book.note_details(job("a", State.FAILED, duration_seconds=9.0), EPOCH)
    now = EPOCH + DAY
    book.note_inventory(listing(job("a", State.FAILED).at(now)), now)
    assert book.jobs(now)[0].duration_seconds == 9.0


def test_silent_row_does_not_bring_back_what_was_told_before_its_predecessor() -> None:
    book = ledger()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", queue="q"), EPOCH)
    book.note_inventory(listing(job("a", State.STOPPING).at(EPOCH + 30)), EPOCH + 30)
    silent = job("a", State.UNKNOWN, native_status="", observed_timestamp=EPOCH + 60)
    book.note_inventory(listing(silent), EPOCH + 60)
    shown = book.jobs(EPOCH + 60)[0]
    assert (shown.state, shown.queue) == (State.STOPPING, "q")
    assert shown.observed_timestamp == EPOCH + 30


def test_adopted_state_stays_while_rows_are_silent() -> None:
    book = ledger()
    book.adopt([job("a", State.FAILED)])
    silent = job("a", State.UNKNOWN, native_status="", observed_timestamp=EPOCH + 30)
    book.note_inventory(listing(silent), EPOCH + 30)
    assert [each.state for each in book.jobs(EPOCH + 30)] == [State.FAILED]


def test_details_of_a_run_before_the_last_two_rows_are_let_go() -> None:
    book = ledger()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", restart_times=9, start_timestamp=4.0), EPOCH)
    for later, state in ((30, State.STOPPED), (60, State.RUNNING)):
        now = EPOCH + later
        book.note_inventory(listing(job("a", state).at(now)), now)
        book.note_failure(key("a"), now)
    shown = book.jobs(EPOCH + 60)[0]
    assert (shown.restart_times, shown.start_timestamp) == (None, None)


def test_job_that_ends_after_a_long_time_without_a_change_stays_for_its_retention() -> None:
    book = ledger(ended_retention=DAY)
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", updated_timestamp=EPOCH - 2 * DAY), EPOCH)
    now = EPOCH + 30
    book.note_inventory(listing(job("a", State.FINISHED).at(now)), now)
    assert names(book.jobs(now)) == ["a"]
