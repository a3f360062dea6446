"""What the last looks at the metrics of a job tell: how often it restarted, whether time stands."""

from itertools import pairwise
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


def believes(looks: Looks, job_id: str, moment: float, delay: float) -> bool:
    """Take in a delay of the one job of a cluster, and say whether it is believed."""
    return looks.believes(job_id, moment, delay, gathered_before=None)


def test_looks_are_forgotten_with_the_job() -> None:
    looks = Looks()
    entered = parse_entered(Record(graph(), "job", Flaws()))
    assert entered == Entered(running=EPOCH - 3600)
    for job_id in (JID, OTHER_JID):
        assert looks.restarts(job_id, 3, entered, EPOCH) == 3
        assert believes(looks, job_id, EPOCH, 3.0)
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
    assert believes(looks, JID, 0.0, 10.0)
    assert believes(looks, JID, 3.0, 10.0)
    assert not believes(looks, JID, 20.0, 30.0)
    assert not believes(looks, JID, 22.0, 30.0)
    assert believes(looks, JID, 40.0, 50.0)
    assert believes(looks, JID, 30.0, 99.0)


@pytest.mark.parametrize("pause", [1.0, 4.0, 7.0, 30.0])
def test_delay_that_really_grows_stays_once_it_is_believed(pause: float) -> None:
    looks = Looks()
    told = [believes(looks, JID, moment, moment) for moment in moments(0.0, 200.0, pause)]
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
    assert all(believes(looks, JID, each, 10 * each) for each in moments(0.0, 200.0, pause))


@pytest.mark.parametrize(
    ("growth", "gathered_before", "told"),
    [
        # As much as went by since figures were gathered for another job.
        (20.0, 20.0, False),
        (21.5, 20.0, False),
        (18.5, 20.0, False),
        (17.5, 20.0, True),
        (22.5, 20.0, True),
        # Nearly all of the time since the last look.
        (31.0, 20.0, False),
        (29.0, 20.0, True),
        (31.0, None, False),
        (29.0, None, True),
        (20.0, None, True),
        # More than that is no seeming.
        (42.0, 20.0, True),
        # That gathering was before the last look.
        (20.0, -2.0, True),
    ],
)
def test_growth_that_a_gathering_in_vain_would_show_is_looked_at_twice(
    growth: float, gathered_before: float | None, *, told: bool
) -> None:
    looks = Looks()
    assert believes(looks, JID, 0.0, 120.0)
    delay = 120.0 + growth
    assert looks.believes(JID, 40.0, delay, gathered_before=gathered_before) is told
    assert looks.needs_another(JID) is not told
    assert looks.believes(JID, 60.0, delay + 5.0, gathered_before=40.0)
    assert not looks.needs_another(JID)


def test_delay_that_a_job_had_just_lately_is_no_growth() -> None:
    """What comes once a minute is late by up to a minute, up and down."""
    looks, told = Looks(), []
    for number in range(60):
        told.append(believes(looks, JID, 50.0 * number, 50.0 * number % 60))
        looks.needs_another(JID)
    assert told.count(False) <= 1
    assert not believes(looks, JID, 3050.0, 100.0)


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.9])
def test_job_that_falls_behind_is_doubted_once(rate: float) -> None:
    """The second look comes soon, and shows a growth of its own that proves nothing."""
    looks, told, before = Looks(), [], None
    for moment in (0.0, 120.0, 150.0, 270.0, 390.0, 510.0):
        told.append(looks.believes(JID, moment, rate * moment, gathered_before=before))
        before = moment - moment % 30
    assert told[2:] == [True] * 4


@pytest.mark.parametrize("interval", [600.0, 3600.0])
def test_delay_that_grows_is_told_however_seldom_one_looks(interval: float) -> None:
    looks = Looks()
    told = [believes(looks, JID, interval * number, interval * number) for number in range(8)]
    assert told == [True, False, False, *[True] * 5]


def test_doubt_stays_until_figures_were_gathered_anew() -> None:
    """With polls of 5 s the next one finds the same figures still."""
    looks = Looks()
    assert believes(looks, JID, 0.0, 10.0)
    assert not looks.needs_another(JID)
    for _ in range(3):
        assert not believes(looks, JID, 120.0, 130.0)
        assert looks.needs_another(JID)
    assert believes(looks, JID, 130.0, 140.0)
    assert not looks.needs_another(JID)


def test_another_look_is_wanted_seldom_where_delays_grow_and_are_made_up_for() -> None:
    """Each climbs higher than those before, so that none of them was there just lately."""
    looks, wanted = Looks(), []
    for number in range(200):
        climb, step = divmod(number, 2)
        believes(looks, JID, 40.0 * number, 10.0 * climb + 40.0 * step)
        wanted.append(looks.needs_another(JID))
    places = [number for number, each in enumerate(wanted) if each]
    assert 2 < len(places) <= 10
    assert min(later - earlier for earlier, later in pairwise(places)) > 20


def test_no_other_look_is_wanted_of_a_job_that_nobody_knows() -> None:
    looks = Looks()
    assert not looks.needs_another(JID)
    for _ in range(2):
        believes(looks, JID, 0.0, 10.0)
        believes(looks, JID, 40.0, 50.0)
        assert looks.needs_another(JID)
        looks.keep_only([])
