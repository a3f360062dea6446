"""What is remembered of a job fills what a later answer leaves out, until it is too old."""

import pytest

from exporter.collecting.job_tracker import JobTracker
from exporter.model import State
from tests.collecting.job_trackers import DAY, job_tracker, key, listing, names
from tests.jobs import job
from tests.virtual_time import EPOCH


def test_state_since_is_when_it_was_first_seen_where_the_platform_does_not_say() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_inventory(listing(job("a", observed_timestamp=EPOCH + 30)), EPOCH + 30)
    assert book.jobs(EPOCH)[0].state_since_timestamp == EPOCH
    failed = job("a", State.FAILED, observed_timestamp=EPOCH + 60)
    book.note_inventory(listing(failed), EPOCH + 60)
    assert book.jobs(EPOCH)[0].state_since_timestamp == EPOCH + 60
    book.note_details(job("a", State.FAILED, state_since_timestamp=EPOCH + 41), EPOCH + 60)
    assert book.jobs(EPOCH)[0].state_since_timestamp == EPOCH + 41


def test_expected_entry_is_absent_only_after_a_complete_listing_without_it() -> None:
    book = job_tracker(expect=("orders_.*", "payments"))
    assert book.absent() == ()
    book.note_inventory(listing(job("orders_a"), incomplete="q"), EPOCH)
    assert book.absent() == ()
    book.note_inventory(listing(job("orders_a")), EPOCH)
    assert book.absent() == ("payments",)
    book.note_inventory(listing(job("orders_a"), job("payments")), EPOCH)
    assert book.absent() == ()


def test_what_the_platform_expects_goes_before_our_list() -> None:
    book = job_tracker(expect=("a",))
    book.note_inventory(listing(job("a", expected_running=False)), EPOCH)
    assert book.jobs(EPOCH)[0].expected_running is False


def test_adopted_jobs_are_shown_until_a_listing_confirms_or_lets_go() -> None:
    book = job_tracker(selection={"exclude": ["c"]})
    book.adopt((job("a", state_since_timestamp=5.0), job("b"), job("c")))
    assert names(book.jobs(EPOCH)) == ["a", "b"]
    row = job("a", observed_timestamp=EPOCH + 30)
    detail_queue = book.note_inventory(listing(row), EPOCH + 30)
    assert names(detail_queue.urgent) == ["a"]
    assert names(detail_queue.missing) == ["b"]
    assert book.jobs(EPOCH + 30)[0].state_since_timestamp == 5.0


def test_answer_about_a_job_that_is_no_longer_known_changes_nothing() -> None:
    book = job_tracker()
    book.note_details(job("a"), EPOCH)
    book.note_failure(key("a"), EPOCH)
    book.note_gone(key("a"), EPOCH)
    assert book.jobs(EPOCH) == ()


def test_delay_that_no_details_confirm_goes_after_stale_after_though_the_listing_works() -> None:
    book = job_tracker(detail_interval=60.0, stale_after=120.0)
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
    book = job_tracker(detail_interval=60.0, stale_after=120.0)
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", input_delay_seconds=3.0), EPOCH)
    for later, delay in ((150, 3.0), (210, None)):
        now = EPOCH + later
        book.note_inventory(listing(job("a").at(now)), now)
        book.note_details(job("a").at(now), now)
        assert book.jobs(now)[0].input_delay_seconds == delay


def test_duration_of_an_ended_run_stays_however_old_its_details_are() -> None:
    book = job_tracker(detail_interval=60.0, stale_after=120.0)
    book.note_inventory(listing(job("a", State.FAILED)), EPOCH)
    book.note_details(job("a", State.FAILED, duration_seconds=9.0), EPOCH)
    now = EPOCH + DAY
    book.note_inventory(listing(job("a", State.FAILED).at(now)), now)
    assert book.jobs(now)[0].duration_seconds == 9.0


def test_silent_row_does_not_bring_back_what_was_told_before_its_predecessor() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", queue="q"), EPOCH)
    book.note_inventory(listing(job("a", State.STOPPING).at(EPOCH + 30)), EPOCH + 30)
    silent = job("a", State.UNKNOWN, native_status="", observed_timestamp=EPOCH + 60)
    book.note_inventory(listing(silent), EPOCH + 60)
    shown = book.jobs(EPOCH + 60)[0]
    assert (shown.state, shown.queue) == (State.STOPPING, "q")
    assert shown.observed_timestamp == EPOCH + 30


def test_adopted_state_stays_while_rows_are_silent() -> None:
    book = job_tracker()
    book.adopt([job("a", State.FAILED)])
    silent = job("a", State.UNKNOWN, native_status="", observed_timestamp=EPOCH + 30)
    book.note_inventory(listing(silent), EPOCH + 30)
    assert [each.state for each in book.jobs(EPOCH + 30)] == [State.FAILED]


def test_details_of_a_run_before_the_last_two_rows_are_let_go() -> None:
    book = job_tracker()
    book.note_inventory(listing(job("a")), EPOCH)
    book.note_details(job("a", restart_times=9, start_timestamp=4.0), EPOCH)
    for later, state in ((30, State.STOPPED), (60, State.RUNNING)):
        now = EPOCH + later
        book.note_inventory(listing(job("a", state).at(now)), now)
        book.note_failure(key("a"), now)
    shown = book.jobs(EPOCH + 60)[0]
    assert (shown.restart_times, shown.start_timestamp) == (None, None)


def test_delay_from_before_a_reload_does_not_outlive_a_row_that_is_silent_about_the_state() -> None:
    book = job_tracker()
    book.adopt((job("a", input_delay_seconds=3.0, restart_times=7, run_id="1"),))
    silent = job("a", State.UNKNOWN, native_status="", observed_timestamp=EPOCH + 30)
    book.note_inventory(listing(silent), EPOCH + 30)
    [shown] = book.jobs(EPOCH + 30)
    assert (shown.state, shown.restart_times, shown.run_id) == (State.RUNNING, 7, "1")
    assert shown.input_delay_seconds is None


def _expected(book: JobTracker) -> list[tuple[bool | None, bool | None]]:
    return [(each.expected_running, each.expected_by_configuration) for each in book.jobs(EPOCH)]


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("silent", [True, False])
def test_list_of_those_that_should_run_is_read_anew_at_a_reload(
    *, remembers: bool, silent: bool
) -> None:
    listed, off, again = job_tracker(expect=("a",)), job_tracker(), job_tracker(expect=("a.*",))
    row = job("a", State.SUSPENDED)
    listed.note_inventory(listing(row), EPOCH)
    assert _expected(listed) == [(True, True)]
    if silent:
        row = job("a", State.UNKNOWN, native_status="")
    for before, after, wanted in ((listed, off, (None, None)), (off, again, (True, True))):
        after.adopt(before.jobs(EPOCH), remembered=before.remembered if remembers else None)
        assert _expected(after) == [wanted]
        for seconds in (10, 20):
            after.note_inventory(listing(row.at(EPOCH + seconds)), EPOCH + seconds)
            assert _expected(after) == [wanted]


def test_what_the_platform_says_of_whether_a_job_should_run_is_not_the_list_s() -> None:
    listed, off = job_tracker(expect=("a", "b")), job_tracker()
    rows = [job("a", expected_running=True), job("b", expected_running=False)]
    listed.note_inventory(listing(*rows), EPOCH)
    off.adopt(listed.jobs(EPOCH), remembered=listed.remembered)
    assert _expected(listed) == _expected(off) == [(True, None), (False, None)]
