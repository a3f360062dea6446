"""The garbage collector looks at everything at times, and otherwise only at what is young."""

import gc
import weakref

import pytest

from exporter.process.garbage_collection import FULL_EVERY, GarbageCollection
from tests.virtual_time import EPOCH


class Clock:
    def __init__(self) -> None:
        self.now = EPOCH

    def __call__(self) -> float:
        return self.now


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def collection(clock: Clock) -> GarbageCollection:
    return GarbageCollection(monotonic=clock)


def test_cycle_that_grew_old_is_found_when_it_is_time(
    collection: GarbageCollection, clock: Clock
) -> None:
    with collection.in_charge():
        cycle = Cycle()
        left = weakref.ref(cycle)
        gc.collect()
        del cycle
        gc.collect(1)
        clock.now += FULL_EVERY - 1
        collection.rendered()
        assert left() is not None
        clock.now += 1
        collection.rendered()
        assert left() is None


def test_cycle_that_is_young_is_found_as_ever(collection: GarbageCollection) -> None:
    with collection.in_charge():
        left = weakref.ref(Cycle())
        gc.collect(1)
        assert left() is None


def test_old_objects_are_never_looked_at_by_themselves_while_in_charge(
    collection: GarbageCollection,
) -> None:
    with collection.in_charge():
        old = gc.get_stats()[2]["collections"]
        kept = [[number] for number in range(50_000)]
        collection.rendered()
        assert gc.get_stats()[2]["collections"] == old
        assert len(kept) == 50_000


def test_thresholds_are_as_before_when_it_ends(collection: GarbageCollection) -> None:
    before = gc.get_threshold()
    with collection.in_charge():
        assert gc.get_threshold() != before
    assert gc.get_threshold() == before
