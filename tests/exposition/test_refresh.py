"""The page follows what is published, at once or in turns, and is never half of it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.model import Job, Node, Snapshot, State
from tests.exposition.expositions import (
    AS_TEXT,
    OWN,
    Clock,
    exposition_of,
    fleet,
    lines_of,
    page_of,
    store_of,
)
from tests.exposition.reference import expected_page
from tests.exposition.snapshot_strategies import snapshots
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(snapshots, st.booleans()), max_size=6))
def test_page_rendered_step_by_step_is_the_page_rendered_at_once(
    steps: list[tuple[Snapshot, bool]],
) -> None:
    store = Store()
    exposition = Exposition(store, OWN, clock=Clock())
    for each, removed in steps:
        store.put(each)
        exposition.refresh()
        if removed:
            store.remove(each.source)
            exposition.refresh()
    at_once = Exposition(store, OWN, clock=Clock())
    assert page_of(exposition) == page_of(at_once)


edits = st.lists(
    st.tuples(
        st.sampled_from(["change", "insert", "remove", "repeat", "move"]),
        st.integers(0, 119),
        st.sampled_from(
            [
                *({"parallelism": 0}, {"parallelism": 2}, {"duration_seconds": -0.0}),
                *({"duration_seconds": 0.0}, {"state": State.FAILED}, {"queue": 'a"\n\\'}),
                *({"job_name": "renamed"}, {"error_id": "E"}, {"tasks": (("running", 1),)}),
                *({"nodes": (Node(name="n"),)}, {"expected_running": True}, {"stale": False}),
                {"observed_timestamp": EPOCH + 1},
            ]
        ),
    ),
    min_size=1,
    max_size=8,
)


def _edited(held: tuple[Job, ...], kind: str, place: int, facts: dict[str, Any]) -> tuple[Job, ...]:
    """Return the jobs after one edit somewhere among them."""
    place %= len(held)
    changed = held[place]._replace(**facts)
    before, after = held[:place], held[place + 1 :]
    return {
        "change": (*before, changed, *after),
        "insert": (*before, changed._replace(job_id=f"new-{len(held)}"), *held[place:]),
        "remove": (*before, *after) or held,
        "repeat": (*held, changed),
        "move": (*after, held[place], *before),
    }[kind]


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 120), rounds=st.lists(edits, max_size=4))
def test_page_of_many_jobs_is_what_the_client_library_prints_after_every_edit(
    count: int, rounds: list[list[tuple[str, int, dict[str, Any]]]]
) -> None:
    held = fleet(count)
    store = store_of(held)
    exposition = Exposition(store, OWN, clock=Clock())
    for changes in rounds:
        for change in changes:
            held = replace(held, jobs=_edited(held.jobs, *change))
        store.put(held)
        exposition.refresh()
        assert page_of(exposition) == expected_page([held], AS_TEXT)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": (("team", "b"),)},
        {"all_states": False},
        {"platform": "huawei_dataarts"},
        {"jobs": (job("a", parallelism=9), job("b"))},
        {"jobs": (job("b"),)},
        {"jobs": (job("b"), job("a"))},
        {"absent": ("x",)},
        {"up": False},
    ],
)
def test_change_of_what_is_on_the_lines_is_on_the_next_page(change: dict[str, Any]) -> None:
    before = snapshot(job("a"), job("b"), labels=(("team", "a"),))
    after = replace(before, **change)
    store = store_of(before)
    exposition = Exposition(store, OWN, clock=Clock())
    store.put(after)
    exposition.refresh()
    assert page_of(exposition) == expected_page([after], AS_TEXT)
    assert page_of(exposition) != expected_page([before], AS_TEXT)


def test_removed_source_leaves_the_page() -> None:
    store = store_of(snapshot(job("a")), snapshot(job("b"), source="other"))
    exposition = Exposition(store, OWN, clock=Clock())
    store.remove("dli")
    exposition.refresh()
    assert b'source="dli"' not in page_of(exposition)
    assert b'source="other"' in page_of(exposition)


async def _watch(exposition: Exposition) -> set[bytes]:
    """Render in turns; return every page that was there meanwhile, of which one is the last."""
    rendering = asyncio.create_task(exposition.refresh_in_turns())
    pages = set()
    turns = 0
    while not rendering.done():
        pages.add(page_of(exposition))
        turns += 1
        await asyncio.sleep(0)
    await rendering
    assert turns > 20
    return pages | {page_of(exposition)}


def test_page_rendered_in_turns_is_the_old_one_until_it_is_the_new_one() -> None:
    before, after = fleet(3), fleet(500, parallelism=2)
    store = store_of(before)
    exposition = Exposition(store, OWN, clock=Clock())
    store.put(after)
    pages = asyncio.run(_watch(exposition))
    assert pages == {expected_page([before], AS_TEXT), expected_page([after], AS_TEXT)}
    assert page_of(exposition) == expected_page([after], AS_TEXT)


def test_page_rendered_in_turns_does_not_replace_a_newer_one() -> None:
    async def scenario() -> bytes:
        store = store_of(fleet(500))
        exposition = Exposition(store, OWN, clock=Clock())
        store.put(fleet(400, parallelism=1))
        rendering = asyncio.create_task(exposition.refresh_in_turns())
        await asyncio.sleep(0)
        store.put(newest)
        exposition.refresh()
        await rendering
        return page_of(exposition)

    newest = fleet(2, parallelism=7)
    assert asyncio.run(scenario()) == expected_page([newest], AS_TEXT)


def test_page_is_ready_from_the_start() -> None:
    assert lines_of(exposition_of(snapshot(job())), "streaming_source_up") == [
        'streaming_source_up{platform="huawei_dli",source="dli"} 1.0'
    ]


def test_page_without_sources_has_every_family_and_no_sample_of_them() -> None:
    page = page_of(exposition_of())
    assert page == expected_page([], AS_TEXT)
    assert b"streaming_job_state{" not in page
