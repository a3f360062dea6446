"""A run takes the place of another of its name only if it can have come after it."""

from typing import Any

import pytest

from exporter.model import Job, State
from tests.collecting.job_trackers import job_tracker, listing
from tests.jobs import job
from tests.virtual_time import EPOCH

SQL = "insert into wide"


def _run(name: str, state: State, start: float, end: float | None = None, **more: Any) -> Job:
    return job(
        name,
        state,
        job_name=more.pop("job_name", SQL),
        start_timestamp=EPOCH + start,
        end_timestamp=None if end is None else EPOCH + end,
        **more,
    )


def _shown(*runs: Job) -> set[str]:
    """Return who is shown, whatever the order of the listing."""
    found = []
    for rows in (runs, runs[::-1]):
        tracker = job_tracker(supersedes=True)
        tracker.note_inventory(listing(*rows), EPOCH)
        found.append({each.job_id for each in tracker.jobs(EPOCH)})
    assert found[0] == found[1]
    return found[0]


def test_run_that_was_listed_before_it_began_takes_the_place_of_one_that_failed_then() -> None:
    tracker = job_tracker(supersedes=True)
    before = (_run("a", State.RUNNING, -60), job("b", State.CREATED, job_name=SQL))
    tracker.note_inventory(listing(*before), EPOCH)
    failed, begun = _run("a", State.FAILED, -60, 8), _run("b", State.RUNNING, 8)
    other = _run("c", State.RUNNING, 7)
    tracker.note_inventory(
        listing(*(each.at(EPOCH + 30) for each in (failed, begun, other))), EPOCH + 30
    )
    assert {each.job_id for each in tracker.jobs(EPOCH + 30)} == {"b", "c"}


@pytest.mark.parametrize(
    ("runs", "shown"),
    [
        # Two jobs of one default name: one failed while the other ran.
        ([("a", State.FAILED, -3600, -60), ("b", State.RUNNING, -1800)], "ab"),
        ([("a", State.FAILED, -3600, -60), ("b", State.FAILED, -1800, -90)], "ab"),
        ([("a", State.FAILED, -3600, -60), ("b", State.STOPPED, -1800, -9)], "ab"),
        # The next run began after the failure, at the earliest in the same moment.
        ([("a", State.FAILED, -3600, -60), ("b", State.RUNNING, -60)], "b"),
        ([("a", State.FAILED, -3600, -60), ("b", State.FAILED, -50, -40)], "b"),
        (
            [
                ("a", State.FAILED, -3600, -60),
                ("b", State.RUNNING, -1800),
                ("c", State.RUNNING, -50),
            ],
            "bc",
        ),
        # Nobody says when it failed.
        ([("a", State.FAILED, -3600, None), ("b", State.RUNNING, -1800)], "b"),
        # Deployed anew while the old one was still being stopped.
        ([("a", State.STOPPED, -3600, -60), ("b", State.RUNNING, -70)], "b"),
    ],
    ids=range(8),
)
def test_failure_is_shown_until_a_run_began_after_it(runs: list[Any], shown: str) -> None:
    assert _shown(*(_run(*each) for each in runs)) == set(shown)


@pytest.mark.parametrize(("one", "other", "shown"), [("1", "2", "ab"), ("1", "1", "b")])
def test_names_that_were_cut_are_compared_as_a_whole(one: str, other: str, shown: str) -> None:
    """Statements that begin with the same thousand characters are two jobs."""
    failed = _run("a", State.FAILED, -3600, -60, name_digest=one)
    assert _shown(failed, _run("b", State.RUNNING, -10, name_digest=other)) == set(shown)


def test_details_that_leave_the_name_out_keep_what_tells_it_apart() -> None:
    tracker = job_tracker(supersedes=True)
    failed = _run("a", State.FAILED, -3600, -60, name_digest="1")
    tracker.note_inventory(listing(failed, _run("b", State.RUNNING, -10, name_digest="2")), EPOCH)
    tracker.note_details(_run("a", State.FAILED, -3600, -60, job_name=""), EPOCH)
    assert {each.job_id: each.name_digest for each in tracker.jobs(EPOCH)} == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    "pattern", ["insert.*wide select", "(?i)INSERT INTO.wide.*", r"insert[^;]+select"]
)
def test_patterns_match_across_line_breaks(pattern: str) -> None:
    tracker = job_tracker(selection={"include": [pattern]}, expect=[pattern])
    tracker.note_inventory(listing(job("a", job_name="insert into\nwide select")), EPOCH)
    [shown] = tracker.jobs(EPOCH)
    assert (shown.expected_running, tracker.absent()) == (True, ())
    hidden = job_tracker(selection={"exclude": [pattern]})
    hidden.note_inventory(listing(job("a", job_name="insert into\nwide select")), EPOCH)
    assert hidden.jobs(EPOCH) == ()


def test_run_that_was_replaced_is_shown_again_when_the_later_one_was_never_there() -> None:
    tracker = job_tracker(supersedes=True)
    failed = _run("1", State.FAILED, -900, -600)
    tracker.note_inventory(listing(failed, _run("2", State.RUNNING, -500)), EPOCH)
    assert {each.job_id for each in tracker.jobs(EPOCH)} == {"2"}
    for seconds in (10, 20):
        tracker.note_inventory(listing(failed.at(EPOCH + seconds)), EPOCH + seconds)
    assert {each.job_id for each in tracker.jobs(EPOCH + 20)} == {"1"}


def test_run_is_replaced_as_soon_as_details_tell_when_the_later_one_began() -> None:
    tracker = job_tracker(supersedes=True)
    failed = _run("1", State.FAILED, -900, -600)
    tracker.note_inventory(listing(failed, job("2", State.RUNNING, job_name=SQL)), EPOCH)
    assert {each.job_id for each in tracker.jobs(EPOCH)} == {"1", "2"}
    tracker.note_details(_run("2", State.RUNNING, -500).at(EPOCH + 1), EPOCH + 1)
    assert {each.job_id for each in tracker.jobs(EPOCH + 1)} == {"2"}
