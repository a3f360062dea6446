"""When figures were gathered tells how old they may become, and whether a cluster still does."""

import pytest

from exporter.vendors.flink.gatherings import Gatherings


def gathered_every(interval: float, *, looks: int, pause: float) -> tuple[Gatherings, float]:
    """Return what is known of a cluster after so many looks, and of when its figures are then."""
    gatherings, moment = Gatherings(), 0.0
    for number in range(looks):
        now = number * pause
        if now - moment >= interval:
            moment = now
        assert not gatherings.note(moment, now + 0.75)
    return gatherings, moment


@pytest.mark.parametrize(
    ("interval", "looks", "pause", "oldest"),
    [
        # Flink's own interval, once it was seen often enough.
        (10.0, 20, 20.0, 15.0),
        (10.0, 4, 20.0, 30.0),
        (10.0, 100, 1.0, 15.0),
        # Set up to gather less often: looked at all the time, and seldom.
        (25.0, 400, 1.0, 30.0),
        (25.0, 40, 20.0, 30.0),
    ],
)
def test_cluster_that_gathers_promptly_is_taken_at_its_word(
    interval: float, looks: int, pause: float, oldest: float
) -> None:
    gatherings, moment = gathered_every(interval, looks=looks, pause=pause)
    assert not gatherings.is_old(moment, moment + oldest)
    assert gatherings.is_old(moment, moment + oldest + 0.1)


def test_standing_still_is_told_once_until_figures_are_gathered_again() -> None:
    gatherings, moment = gathered_every(10.0, looks=20, pause=20.0)
    told = [gatherings.note(moment, moment + age) for age in (10.0, 20.0, 40.0)]
    assert told == [False, True, False]
    # That it stood still says nothing of how often it gathers while it is well.
    told = [gatherings.note(moment + 60, moment + 60 + age) for age in (0.75, 16.0, 19.0)]
    assert told == [False, True, False]
    # It was late once, and went on: it is believed to be prompt when it has been for a while.
    told = [gatherings.note(moment + 80, moment + 80 + age) for age in (20.0, 29.0, 31.0, 90.0)]
    assert told == [False, False, True, False]


def test_gathering_before_is_that_of_any_job() -> None:
    gatherings = Gatherings()
    assert gatherings.before(20.0) is None
    gatherings.note(20.0, 21.0)
    assert gatherings.before(20.0) is None
    gatherings.note(20.4, 22.0)
    gatherings.note(40.0, 41.0)
    assert gatherings.before(40.3) == 20.0
    assert gatherings.before(20.0) is None
    # The clock of another JobManager is behind.
    gatherings.note(10.0, 11.0)
    assert gatherings.before(10.0) is None
