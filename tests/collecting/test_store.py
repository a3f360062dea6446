"""What is kept of each source, and for how long."""

import asyncio

import pytest

from exporter.collecting.store import Store, expires_at, fresh
from exporter.model import Snapshot
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH


def test_published_snapshot_takes_the_place_of_the_last_one_of_its_source() -> None:
    store = Store()
    store.put(snapshot(job("a")))
    store.put(snapshot(job("b")))
    store.put(snapshot(source="b-other"))
    assert list(store.snapshots) == ["b-other", "dli"]
    assert [each.job_name for each in store.snapshots["dli"].jobs] == ["b"]


def test_view_taken_before_a_publication_does_not_change() -> None:
    store = Store()
    view = store.snapshots
    store.put(snapshot())
    assert dict(view) == {}
    with pytest.raises(TypeError):
        store.snapshots["x"] = snapshot()  # type: ignore[index]


def test_removed_source_is_gone() -> None:
    store = Store()
    store.put(snapshot())
    store.remove("dli")
    store.remove("never-there")
    assert dict(store.snapshots) == {}


def test_waiting_ends_with_the_next_publication_and_starts_anew() -> None:
    async def scenario() -> None:
        store = Store()
        store.put(snapshot())
        await asyncio.wait_for(store.changed(), 1)
        waiting = asyncio.create_task(store.changed())
        await asyncio.sleep(0)
        assert not waiting.done()
        store.remove("dli")
        await asyncio.wait_for(waiting, 1)

    asyncio.run(scenario())


def test_job_not_confirmed_for_stale_after_is_withdrawn_and_the_others_stay() -> None:
    old, new = job("old"), job("new", observed_timestamp=EPOCH + 10)
    held = snapshot(old, new, stale_after=300.0)
    assert fresh(held, EPOCH + 300) is held
    assert fresh(held, EPOCH + 300.5).jobs == (new,)


@pytest.mark.parametrize(("last_success", "shown"), [(EPOCH, ("x",)), (EPOCH - 1, ()), (None, ())])
def test_absence_is_claimed_only_while_the_last_listing_is_fresh(
    last_success: float | None, shown: tuple[str, ...]
) -> None:
    held = snapshot(absent=("x",), last_success_timestamp=last_success)
    assert fresh(held, EPOCH + 300).absent == shown


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (snapshot(), None),
        (snapshot(job("a"), job("b", observed_timestamp=EPOCH - 5)), EPOCH + 295),
        (snapshot(absent=("x",)), EPOCH + 300),
        (snapshot(absent=("x",), last_success_timestamp=None), None),
    ],
)
def test_next_expiry_is_that_of_the_oldest_value(held: Snapshot, expected: float | None) -> None:
    assert expires_at(held) == expected
