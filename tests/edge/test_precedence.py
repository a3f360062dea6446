"""Late reports bring nothing back, and no wrong clock hides what comes after it."""

from typing import Any

import pytest

from exporter.edge.jobs import KnownJob
from exporter.edge.precedence import Precedence
from tests.virtual_time import EPOCH

MINUTE, HOUR, DAY, YEAR = 60.0, 3600.0, 86400.0, 365 * 86400.0
Times = tuple[float, float]
"""When a report comes in, and the time that its agent says it was made, both from the start."""


def known(number: int, times: Times) -> KnownJob:
    at, created = times
    return KnownJob(
        project="p",
        job_id="1",
        create_time=round((EPOCH + created) * 1000),
        received=EPOCH + at,
        facts={"state": "running", "number": number},
    )


def counting(*reports: Times, together: bool = False) -> list[int]:
    """Return which reports counted when they came in."""
    precedence, counted = Precedence(), []
    for number, times in enumerate(reports):
        judged = precedence.round(times[0])
        counted += [each.facts["number"] for each in judged.take((known(number, times),))]
        precedence.keep(judged)
    return counted


@pytest.mark.parametrize("late", [0.001, 1.0, 30.0, 10 * MINUTE, 5 * HOUR, 23 * HOUR])
@pytest.mark.parametrize("ahead", [-DAY, -MINUTE, 0.0, 2.0])
def test_late_report_does_not_count(late: float, ahead: float) -> None:
    assert counting((0, ahead), (1, ahead + 1 - late - 0.001)) == [0] if late > 1 else [0, 1]


@pytest.mark.parametrize("ahead", [2.0, 12.0, MINUTE, 4 * MINUTE, HOUR, DAY, YEAR])
@pytest.mark.parametrize("apart", [0.001, 1.0, 4.0])
def test_two_reports_of_a_clock_that_is_ahead_keep_their_order(ahead: float, apart: float) -> None:
    assert counting((0, ahead), (apart, ahead + apart)) == [0, 1]
    assert counting((0, ahead), (apart, ahead - apart)) == [0]


@pytest.mark.parametrize("ahead", [7.0, MINUTE, 4 * MINUTE, HOUR, 20 * HOUR, DAY, 40 * YEAR])
@pytest.mark.parametrize("after", [0.5, 30.0, 10 * MINUTE])
def test_report_of_a_clock_put_right_counts_at_once(ahead: float, after: float) -> None:
    assert counting((0, ahead), (after, after)) == [0, 1]


@pytest.mark.parametrize("back", [-10.0, -5 * MINUTE, -DAY, -10 * YEAR])
@pytest.mark.parametrize("ahead", [0.0, 3.0, MINUTE, DAY, YEAR])
def test_whatever_a_clock_does_arrival_wins_in_the_end(ahead: float, back: float) -> None:
    reports = [(0.0, ahead)] + [(at, at + back) for at in (30.0, 60.0, 90.0)]
    assert counting(*reports)[-2:] == [2, 3]


def test_clock_put_back_again_and_again_hides_nothing_for_long() -> None:
    reports = [(30.0 * n, 30.0 * n - HOUR * (n // 10)) for n in range(100)]
    assert len(counting(*reports)) >= 90


def test_report_that_nobody_can_have_held_so_long_counts() -> None:
    assert counting((0, 0), (1, -DAY - 1)) == [0, 1]
    assert counting((0, 0), (1, 1.0 - EPOCH)) == [0, 1]


def test_burst_of_what_was_held_up_brings_nothing_back() -> None:
    held_up = [(10 + 0.1 * n, -3 * HOUR + 30.0 * n) for n in range(200)]
    assert counting((0, 0), *held_up) == [0]
    # Nor when they come slowly, one a second.
    slowly = [(10.0 + n, -3 * HOUR + 30.0 * n) for n in range(200)]
    assert counting((0, 0), *slowly) == [0]


def test_late_reports_between_new_ones_do_not_count() -> None:
    new = [(30.0 * n, 30.0 * n) for n in range(20)]
    late = [(30.0 * n + 1, 30.0 * n - 1000) for n in range(20)]
    both = sorted(new + late)
    counted = counting(*both)
    assert [both[number] for number in counted] == new


@pytest.mark.parametrize("moment", [0.0, -10.0, DAY])
def test_later_of_two_reports_of_the_same_time_counts(moment: float) -> None:
    assert counting((0, moment), (1, moment), (2, moment)) == [0, 1, 2]


def test_what_a_failed_transaction_judged_is_forgotten() -> None:
    precedence = Precedence()
    precedence.round(0).take((known(0, (0, 100.0)),))
    assert precedence.round(1).take((known(1, (1, 1.0)),)) != ()


def test_forgotten_job_begins_anew() -> None:
    precedence = Precedence()
    first = known(0, (0, 100.0))
    judged = precedence.round(0)
    judged.take((first,))
    precedence.keep(judged)
    stays = precedence.round(1)
    stays.forget([known(0, (5, 100.0))])
    precedence.keep(stays)
    assert precedence.round(1).take((known(1, (1, 50.0)),)) == ()
    gone = precedence.round(1)
    gone.forget([first])
    assert gone.take((known(1, (1, 50.0)),)) != ()


def test_job_twice_in_one_report_counts_as_it_stands() -> None:
    jobs: Any = (known(0, (0, 20.0)), known(1, (0, 15.0)))
    assert Precedence().round(0).take(jobs) == jobs[:1]
    assert Precedence().round(0).take(jobs[::-1]) == jobs[::-1]
