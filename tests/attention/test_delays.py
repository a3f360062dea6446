"""A delay grows when it was told to, through all of a time, however often its platform tells it."""

from collections.abc import Callable
from random import Random

import pytest

from exporter.attention.delays import Delays
from tests.virtual_time import EPOCH

LIMIT = 0.05
_Truth = Callable[[float], float]


def told(truth: _Truth, *, every: float, until: float, step: float = 0.0) -> list[tuple[int, bool]]:
    """Return when it was said that a delay grows, and that it no longer does.

    It is asked for `every` so many seconds; a service behind the platform has a new one only each
    `step`.
    """
    delays, changes, grows, now = Delays(), list[tuple[int, bool]](), False, 0.0
    while now <= until:
        delays.note(truth(now // step * step if step else now), EPOCH + now, EPOCH + now)
        says = delays.grow(LIMIT)
        if says is not None and says is not grows:
            grows = says
            changes.append((int(now), grows))
        now += every
    return changes


def _grows(seconds: float) -> _Truth:
    """Return a delay that grows by a second a second for so long, and then wavers a little."""
    return lambda now: 700 + min(now, seconds) + (now % 7 if now > seconds else 0)


@pytest.mark.parametrize(
    ("every", "begins"),
    [(5, 600), (7, 609), (10, 600), (30, 600), (120, 600), (280, 1120), (300, 1200), (600, 2400)],
)
def test_delay_that_grows_is_told_after_ten_minutes_or_four_tellings(
    every: float, begins: int
) -> None:
    (since, first), (until, second) = told(_grows(7200), every=every, until=14400)
    assert (first, second) == (True, False)
    assert begins <= since <= begins + every
    # Two of three parts without growth.
    assert 7200 < until <= 7200 + max(600, 4 * every)


@pytest.mark.parametrize("every", [5, 30, 120, 280])
@pytest.mark.parametrize("step", [60, 180, 300, 600])
def test_delay_that_a_service_renews_more_seldom_grows_in_steps(every: float, step: float) -> None:
    (since, first), (until, second) = told(
        lambda now: 700 + min(now, 10800), every=every, step=step, until=21600
    )
    assert (first, second) == (True, False)
    longest = max(every, step) + min(every, step)
    assert 600 <= since <= max(600, 4 * longest) + every
    # It stands still to a hair: seen so once the next step is overdue.
    assert 10800 < until <= 10800 + max(600, 4 * longest)


@pytest.mark.parametrize("every", [5, 30, 120, 280])
def test_growth_is_measured_exactly_and_in_steps_nearly_so(every: float) -> None:
    assert told(lambda now: 700 + 0.049 * now, every=every, until=7200) == []
    assert told(lambda now: 700 + 0.051 * now, every=every, until=7200) != []
    assert told(lambda now: 700 + 0.035 * now, every=every, step=300, until=7200) == []
    assert told(lambda now: 700 + 0.07 * now, every=every, step=300, until=7200) != []


@pytest.mark.parametrize("every", [5, 30, 120, 280, 600])
@pytest.mark.parametrize("wavers", [0, 4])
def test_jump_is_no_growth(every: float, wavers: int) -> None:
    chance = Random(1)

    def truth(now: float) -> float:
        return 700 + 1800 * (now // 5400) + chance.uniform(-wavers, wavers)

    assert told(truth, every=every, until=3 * 5400) == []


def test_jump_in_an_outage_is_no_growth_and_ends_none() -> None:
    delays = Delays()
    for now in range(0, 1201, 120):
        delays.note(700 + now, EPOCH + now, EPOCH + now)
    assert delays.grow(LIMIT) is True
    says = []
    for after in range(0, 601, 120):
        delays.note(5000 - after, EPOCH + 6000 + after, EPOCH + 6000 + after)
        says.append(delays.grow(LIMIT))
    # Of the time in between nobody knows anything: only what comes after it says that it is over.
    assert (says[0], says[-1]) == (None, False)
    assert True not in says


def test_growth_that_was_seen_before_an_outage_goes_on_until_something_else_is() -> None:
    delays = Delays()
    for now in [*range(0, 1201, 120), *range(6000, 6601, 120)]:
        delays.note(700 + now, EPOCH + now, EPOCH + now)
        if now > 1200:
            assert delays.grow(LIMIT) is not False, now
    assert delays.grow(LIMIT) is True


def test_older_view_and_what_was_told_already_are_not_news() -> None:
    delays = Delays()
    for now in range(0, 601, 60):
        delays.note(700 + now, EPOCH + now, EPOCH + now)
        delays.note(700 + now, EPOCH + now, EPOCH + now + 30)
        delays.note(500, EPOCH + now - 20, EPOCH + now + 30)
    assert delays.grow(LIMIT) is True


def test_clock_that_is_put_back_begins_anew() -> None:
    delays = Delays()
    for now in range(3600, 4201, 60):
        delays.note(700 + now, EPOCH + now, EPOCH + now)
    assert delays.grow(LIMIT) is True
    for now in range(0, 541, 60):
        delays.note(5000 + now, EPOCH + now, EPOCH + now)
        assert delays.grow(LIMIT) is None
    delays.note(5600, EPOCH + 600, EPOCH + 600)
    assert delays.grow(LIMIT) is True


@pytest.mark.parametrize("every", [1, 5, 30, 600])
def test_little_is_remembered_however_often_it_is_told(every: int) -> None:
    delays, chance = Delays(), Random(1)
    for now in range(0, 100_000, every):
        delays.note(700 + now + chance.random(), EPOCH + now, EPOCH + now)
        assert len(delays._told) <= 32
    assert delays
    delays.clear()
    assert not delays
    assert delays.grow(LIMIT) is None
