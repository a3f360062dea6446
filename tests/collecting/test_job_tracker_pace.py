"""Questions are spread evenly over the polls, and those that cannot wait come first."""

from itertools import pairwise

import pytest

from exporter.collecting.detail_queue import DetailQueue
from exporter.collecting.job_tracker import JobTracker
from exporter.model import Job, State
from exporter.process.steps import finished
from tests.collecting.job_trackers import asked, job_tracker, listing, names
from tests.jobs import job
from tests.virtual_time import EPOCH


def detailed(book: JobTracker, detail_queue: DetailQueue, now: float) -> list[str]:
    """Answer everything in a queue; return the names."""
    rows = tuple(detail_queue.in_order())
    for row in rows:
        book.note_details(row.at(now), now)
    return names(rows)


def rounds(
    book: JobTracker, rows: list[Job], *, polls: int, every: float = 30.0
) -> list[list[str]]:
    """Poll so many times, the first time at EPOCH; return whose details were asked for at each."""
    found = []
    for number in range(polls):
        now = EPOCH + number * every
        detail_queue = book.note_inventory(listing(*(row.at(now) for row in rows)), now)
        found.append(detailed(book, detail_queue, now))
    return found


def test_questions_about_running_jobs_are_spread_evenly_over_the_polls() -> None:
    rows = [job(f"j{number:02}") for number in range(40)]
    first, *others = rounds(job_tracker(detail_interval=120.0), rows, polls=21)
    assert sorted(first) == sorted(names(tuple(rows)))
    assert [len(asked_now) for asked_now in others] == [10] * 20
    # Round robin: any four polls ask about all.
    for begin in range(len(others) - 3):
        asked_about = [name for each in others[begin : begin + 4] for name in each]
        assert sorted(asked_about) == names(tuple(rows))


def test_questions_come_at_the_mean_interval_though_it_is_no_multiple_of_the_polls() -> None:
    rows = [job(f"j{number}") for number in range(7)]
    _, *others = rounds(job_tracker(detail_interval=100.0), rows, polls=1001)
    assert sum(map(len, others)) == pytest.approx(7 * 1000 * 30 / 100, abs=2)


def test_no_job_is_asked_about_twice_in_a_poll_however_short_the_interval() -> None:
    rows = [job("a"), job("b")]
    _, *others = rounds(job_tracker(detail_interval=1.0), rows, polls=5)
    assert [sorted(asked_now) for asked_now in others] == [["a", "b"]] * 4


def test_clock_that_jumps_earns_no_more_than_one_round() -> None:
    book = job_tracker(detail_interval=60.0)
    rows = [job(f"j{number}") for number in range(5)]
    rounds(book, rows, polls=2)
    for jump in (1e6, -1e6, 2e6):
        assert len(asked(book.note_inventory(listing(*rows), EPOCH + jump))) <= 5


def test_oldest_details_come_first_and_no_job_starves_when_there_is_time_for_few() -> None:
    book = job_tracker(detail_interval=60.0)
    rows = [job(f"j{number:02}") for number in range(20)]
    rounds(book, rows, polls=1)
    asked_at: dict[str, list[int]] = {row.job_name: [] for row in rows}
    for number in range(1, 201):
        now = EPOCH + number * 30
        detail_queue = book.note_inventory(listing(*(row.at(now) for row in rows)), now)
        for row in tuple(detail_queue.in_order())[:3]:
            book.note_details(row.at(now), now)
            asked_at[row.job_name].append(number)
    gaps = [b - a for at in asked_at.values() for a, b in pairwise(at)]
    assert {min(gaps), max(gaps)} <= {6, 7}
    assert book.behind(rows)


def test_restless_jobs_leave_a_share_to_those_whose_details_are_old() -> None:
    book = job_tracker(detail_interval=60.0)
    restless = [job(f"r{number:02}", State.STARTING) for number in range(30)]
    calm = [job(f"c{number:02}") for number in range(8)]
    rounds(book, restless + calm, polls=1)
    had: list[str] = []
    for number in range(1, 41):
        now = EPOCH + number * 30
        detail_queue = book.note_inventory(listing(*(r.at(now) for r in restless + calm)), now)
        for row in tuple(detail_queue.in_order())[:8]:
            book.note_details(row.at(now), now)
            had.append(row.job_name)
    for rows, least in ((restless, 7), (calm, 9)):
        assert min(had.count(row.job_name) for row in rows) >= least


def test_what_happened_comes_before_everything_else() -> None:
    book = job_tracker()
    rows = [job("old"), job("going")]
    rounds(book, rows, polls=1)
    later = EPOCH + 30
    detail_queue = book.note_inventory(
        listing(
            job("appeared", observed_timestamp=later),
            job("old", State.FAILED, observed_timestamp=later),
            job("stopping", State.STOPPING, observed_timestamp=later),
        ),
        later,
    )
    # It is not certain of a job that is not listed that anything happened to it.
    assert asked(detail_queue) == ["old", "appeared", "stopping", "going"]


def test_jobs_never_asked_about_come_after_those_about_to_change() -> None:
    book = job_tracker()
    book.adopt([job("known", State.RESTARTING)])
    detail_queue = book.note_inventory(
        listing(job("a"), job("b"), job("known", State.RESTARTING)), EPOCH
    )
    assert names(detail_queue.urgent) == ["known", "a", "b"]


def test_job_whose_details_never_come_is_asked_about_no_more_often_than_a_calm_one() -> None:
    book = job_tracker(detail_interval=300.0)
    tries = 0
    for number in range(101):
        now = EPOCH + number * 30
        for row in book.note_inventory(listing(job("a").at(now)), now).in_order():
            book.note_failure(row.key, now)
            tries += 1
    assert 3 <= tries <= 14


def test_age_is_that_of_the_oldest_details_of_a_job_that_lives() -> None:
    book = job_tracker()
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
    book = job_tracker()
    rows = [job(f"j{number:05}") for number in range(5000)]
    taking = book.take(listing(*rows), EPOCH)
    assert sum(1 for _ in taking) >= 25
    assert sum(1 for _ in book.show(EPOCH)) >= 5
    assert len(book.jobs(EPOCH)) == 5000
