"""A job that is gone is told as such, until a run that came after it has taken its place."""

import pytest

from exporter.collecting.gone_jobs import GoneJobs
from exporter.model import JobKind
from tests.jobs import job
from tests.virtual_time import EPOCH

NAME = ("p", "orders", "")


def _gone(start: float | None) -> GoneJobs:
    gone = GoneJobs()
    gone.note(job(start_timestamp=start, job_type="BATCH"), EPOCH + 30, confirmed=True)
    return gone


@pytest.mark.parametrize(
    ("began", "start", "stays"),
    [
        (EPOCH - 100, EPOCH - 20, False),
        (EPOCH - 100, EPOCH + 10, False),
        # It ran beside it: before it began, at once with it, or long before it was last seen.
        (EPOCH - 100, EPOCH - 101, True),
        (EPOCH - 10, EPOCH - 11, True),
        (EPOCH - 10, EPOCH - 10, True),
        (EPOCH - 100, EPOCH - 70, True),
        (None, EPOCH - 20, False),
    ],
)
def test_only_a_later_run_takes_its_place(began: float | None, start: float, stays: bool) -> None:
    gone = _gone(began)
    gone.note_successor(gone.names()[NAME], start)
    assert bool(gone.told(EPOCH + 40)) is stays


def test_what_is_told_says_what_kind_of_job_it_was_and_when_it_began() -> None:
    (told,) = _gone(EPOCH - 5).told(EPOCH + 40)
    assert (told.job_kind, told.start_timestamp) == (JobKind.BATCH, EPOCH - 5)
    assert (told.last_seen_timestamp, told.gone_timestamp) == (EPOCH, EPOCH + 30)


def test_it_is_told_for_its_retention() -> None:
    gone = _gone(None)
    assert len(gone.told(EPOCH + 30 + 86400)) == 1
    assert gone.told(EPOCH + 31 + 86400) == ()
