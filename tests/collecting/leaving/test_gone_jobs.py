"""A job that lived, and is gone without an end that anybody told, is told as gone."""

from typing import Any

import pytest

from exporter.collecting.gone_jobs import GoneJobs
from exporter.collecting.job_tracker import JobTracker
from exporter.model import GoneJob, Job, State
from exporter.process.steps import finished
from tests.collecting.job_trackers import DAY, asked, job_tracker, key, listing
from tests.jobs import job
from tests.virtual_time import EPOCH

ALIVE = [State.STARTING, State.RUNNING, State.RESTARTING, State.STOPPING]
NOT_ALIVE = [State.CREATED, State.FAILED, State.STOPPED, State.FINISHED, State.SUSPENDED]


def told(tracker: JobTracker, now: float = EPOCH) -> dict[str, GoneJob]:
    """Return what is told as gone, by name."""
    return {gone.job_name: gone for gone in finished(tracker.show(now)).gone}


def lost(*jobs: Job, **settings: Any) -> JobTracker:
    """Return a tracker of jobs that two listings lack."""
    tracker = job_tracker(**settings)
    for at, rows in ((0, jobs), (30, ()), (60, ())):
        tracker.note_inventory(listing(*rows), EPOCH + at)
    return tracker


@pytest.mark.parametrize("state", ALIVE)
def test_job_that_lived_and_vanished_is_told(state: State) -> None:
    tracker = lost(job("a", state), job("b", state))
    assert tracker.jobs(EPOCH + 60) == ()
    assert told(tracker, EPOCH + 60) == {
        name: GoneJob(
            key=key(name),
            job_name=name,
            last_state=state,
            last_seen_timestamp=EPOCH,
            gone_timestamp=EPOCH + 60,
        )
        for name in ("a", "b")
    }


@pytest.mark.parametrize("state", NOT_ALIVE)
def test_job_that_did_not_live_is_not_told(state: State) -> None:
    """It had ended, was a draft, or was deleted while nothing of it ran."""
    assert told(lost(job("a", state), selection={"drafts": True})) == {}


def test_job_that_ended_before_it_vanished_is_not_told() -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_inventory(listing(), EPOCH + 30)
    tracker.note_details(job("a", State.FINISHED).at(EPOCH + 30), EPOCH + 30)
    tracker.note_inventory(listing(), EPOCH + 60)
    assert told(tracker) == {}


@pytest.mark.parametrize(("first", "gone"), [(State.RUNNING, ["a"]), (State.STOPPED, [])])
def test_unknown_state_says_neither(first: State, gone: list[str]) -> None:
    tracker = job_tracker()
    for at, state in ((0, first), (30, State.UNKNOWN)):
        row = job("a", state, native_status="?" if at else "X").at(EPOCH + at)
        tracker.note_inventory(listing(row), EPOCH + at)
    for at in (60, 90):
        tracker.note_inventory(listing(), EPOCH + at)
    assert list(told(tracker)) == gone


def test_job_nobody_ever_told_the_state_of_is_not_told() -> None:
    assert told(lost(job("a", State.UNKNOWN, native_status=""))) == {}


def test_missing_job_that_is_unknown_by_its_id_is_told_at_once() -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_inventory(listing(), EPOCH + 30)
    assert told(tracker) == {}
    tracker.note_gone(key("a"), EPOCH + 31)
    assert told(tracker)["a"].gone_timestamp == EPOCH + 31


@pytest.mark.parametrize(("rows", "gone"), [((), ["a"]), ((job("a"),), [])])
def test_listed_job_that_is_unknown_by_its_id_is_for_the_next_listing(
    rows: tuple[Job, ...], gone: list[str]
) -> None:
    tracker = job_tracker()
    tracker.note_inventory(listing(job("a")), EPOCH)
    tracker.note_gone(key("a"), EPOCH + 1)
    assert told(tracker) == {}
    tracker.note_inventory(listing(incomplete="p"), EPOCH + 30)
    assert told(tracker) == {}
    tracker.note_inventory(listing(*rows), EPOCH + 60)
    assert list(told(tracker)) == gone


def test_job_that_comes_back_is_not_gone() -> None:
    tracker = lost(job("a"))
    tracker.note_inventory(listing(job("a").at(EPOCH + 90)), EPOCH + 90)
    assert told(tracker) == {}
    assert [each.job_name for each in tracker.jobs(EPOCH + 90)] == ["a"]


def test_job_that_is_renamed_out_of_the_selection_is_not_gone() -> None:
    tracker = job_tracker(selection={"exclude": ["hidden"]})
    tracker.note_inventory(listing(job("a")), EPOCH)
    for at in (30, 60):
        row = job("a", job_name="hidden").at(EPOCH + at)
        assert asked(tracker.note_inventory(listing(row), EPOCH + at)) == []
    assert (told(tracker), tracker.jobs(EPOCH + 60)) == ({}, ())


@pytest.mark.parametrize(
    ("begins", "supersedes", "gone"),
    [
        (90.0, True, []),
        (-30.0, True, []),
        (-300.0, True, ["orders"]),
        (None, True, ["orders"]),
        (90.0, False, ["orders"]),
    ],
)
def test_run_that_has_a_successor_is_not_gone(
    begins: float | None, supersedes: bool, gone: list[str]
) -> None:
    """A run that has been beside it for long is none."""
    tracker = lost(job("a", job_name="orders"), supersedes=supersedes)
    started = None if begins is None else EPOCH + begins
    later = job("b", job_name="orders", start_timestamp=started).at(EPOCH + 90)
    other = job("c", start_timestamp=EPOCH + 90).at(EPOCH + 90)
    tracker.note_inventory(listing(later, other), EPOCH + 90)
    assert list(told(tracker)) == gone


def test_names_that_were_cut_make_no_successor() -> None:
    tracker = lost(job("a", job_name="orders", name_digest="1"), supersedes=True)
    later = job("b", job_name="orders", name_digest="2", start_timestamp=EPOCH + 90)
    tracker.note_inventory(listing(later.at(EPOCH + 90)), EPOCH + 90)
    assert list(told(tracker)) == ["orders"]


def test_gone_is_told_for_its_retention() -> None:
    tracker = lost(job("a"))
    assert list(told(tracker, EPOCH + 60 + DAY)) == ["a"]
    assert told(tracker, EPOCH + 61 + DAY) == {}
    short = GoneJobs(10.0)
    short.note(job("a"), EPOCH, confirmed=True)
    assert (len(short.told(EPOCH + 10)), short.told(EPOCH + 11)) == (1, ())


def test_reload_takes_over_what_is_still_chosen() -> None:
    gone = told(lost(job("a"), job("b"))).values()
    tracker = job_tracker(selection={"exclude": ["b"]})
    tracker.adopt((), gone)
    assert list(told(tracker)) == ["a"]


def test_adopted_job_that_lived_is_told_when_it_is_gone() -> None:
    tracker = job_tracker()
    tracker.adopt([job("a"), job("b", State.FAILED)])
    for at in (30, 60):
        tracker.note_inventory(listing(), EPOCH + at)
    assert list(told(tracker)) == ["a"]


def test_facts_are_bounded() -> None:
    """A cluster that forgets everything, over and over, is not remembered for ever."""
    gone = GoneJobs()
    for number in range(10_050):
        gone.note(job(f"j{number:05}"), EPOCH, confirmed=True)
    names = [each.job_name for each in gone.told(EPOCH)]
    assert (len(names), names[0]) == (10_000, "j00050")
