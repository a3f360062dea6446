"""What the last looks at the metrics of a job tell: how often it restarted, whether time stands."""

from typing import Any

import pytest

from exporter.fields import Flaws, Record
from exporter.vendors.flink.freshness import Entered, Looks, parse_attempts, parse_entered
from tests.platforms.flink_job_manager import JID, OTHER_JID, graph
from tests.virtual_time import EPOCH


@pytest.mark.parametrize(
    ("document", "attempts"),
    [
        ({"subtasks": [{"attempt": 2}, {"attempt": 7}, {"attempt": -1}, {}]}, 7),
        ({"subtasks": []}, 0),
        ([], 0),
    ],
    ids=str,
)
def test_attempts_of_a_vertex(document: Any, attempts: int) -> None:
    assert parse_attempts(document, Flaws()) == attempts


def test_looks_are_forgotten_with_the_job() -> None:
    looks = Looks()
    entered = parse_entered(Record(graph(), "job", Flaws()))
    assert entered == Entered(running=EPOCH - 3600)
    for job_id in (JID, OTHER_JID):
        assert looks.restarts(job_id, 3, entered, EPOCH) == 3
        assert looks.believes(job_id, EPOCH, 3.0)
    looks.keep_only([JID])
    assert looks.least_restarts(JID, entered) == (3, True)
    assert looks.least_restarts(OTHER_JID, entered) == (None, False)


def test_restart_that_the_count_does_not_know_of_makes_it_old() -> None:
    """The object of a job is fresher than its metrics: they stand still, or are on their way."""
    looks, after = Looks(), Entered(running=90.0, restarting=80.0)
    assert looks.restarts(JID, 3, Entered(running=50.0), 55.0) == 3
    assert looks.restarts(JID, 3, Entered(running=60.0), 65.0) == 3
    assert looks.restarts(JID, 3, after, 95.0) is None
    assert looks.least_restarts(JID, after) == (4, False)
    assert looks.restarts(JID, 4, after, 95.0) == 4
    assert looks.restarts(JID, None, Entered(), 95.0) is None


def test_restart_that_was_counted_before_the_job_object_told_of_it_is_counted_once() -> None:
    """Flink keeps job objects for three seconds: the metrics can be fresher."""
    looks, after = Looks(), Entered(running=90.0, restarting=80.0)
    assert looks.restarts(JID, 4, Entered(running=60.0), 82.0) == 4
    assert looks.restarts(JID, 4, after, 95.0) is None
    assert looks.least_restarts(JID, after) == (4, False)
    looks.confirm_restarts(JID, 4, after, 95.0)
    assert looks.restarts(JID, 4, after, 115.0) == 4
    looks.confirm_restarts(OTHER_JID, 4, after, 95.0)
    assert looks.least_restarts(OTHER_JID, after) == (None, False)


def test_look_that_is_too_soon_changes_nothing() -> None:
    looks = Looks()
    assert looks.believes(JID, 0.0, 10.0)
    assert looks.believes(JID, 3.0, 10.0)
    assert not looks.believes(JID, 20.0, 30.0)
    assert not looks.believes(JID, 22.0, 30.0)
    assert looks.believes(JID, 40.0, 50.0)
    assert looks.believes(JID, 30.0, 99.0)


@pytest.mark.parametrize("pause", [1.0, 4.0, 7.0, 30.0])
def test_delay_that_really_grows_stays_once_it_is_believed(pause: float) -> None:
    looks = Looks()
    told = [looks.believes(JID, moment, moment) for moment in moments(0.0, 200.0, pause)]
    first = told.index(False)
    again = first + told[first:].index(True)
    assert (again - first) * pause <= 2 * max(pause, 8.0)
    assert all(told[again:])


def moments(begin: float, end: float, step: float) -> list[float]:
    """Return the moments from the first to the last."""
    return [begin + step * number for number in range(int((end - begin) / step))]


@pytest.mark.parametrize("pause", [1.0, 4.0, 30.0])
def test_delay_that_grows_by_more_than_the_time_that_goes_by_is_real(pause: float) -> None:
    """A source that begins with old data, or goes back to it, is no cluster that hangs."""
    looks = Looks()
    assert all(looks.believes(JID, each, 10 * each) for each in moments(0.0, 200.0, pause))
