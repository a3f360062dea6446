"""Of a source that was never read, or not for long, no number is told anywhere."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exporter.collecting.store import fresh
from exporter.errors import FetchError, Reason
from exporter.exposition import Exposition
from exporter.fields import Flaws
from exporter.model import Job, Snapshot, State
from exporter.pages.overview import overview
from exporter.pages.query import Query
from exporter.pages.reader import Reader
from exporter.source import Inventory
from tests.collecting.scripted_source import Bench, ScriptedSource
from tests.exposition.expositions import OWN, Clock, lines_of, store_of
from tests.jobs import job, judged, snapshot
from tests.serving.web_site import Site
from tests.virtual_time import EPOCH, run

ERROR = FetchError(Reason.CONNECTION, "ListJobs")
NEVER = snapshot(up=False, failure="connection", last_success_timestamp=None)
WAITING = snapshot(up=None, last_success_timestamp=None, source="later")
OUTDATED = snapshot(job("a"), up=False, failure="timeout")
IN_PART = replace(NEVER, jobs=(job("a"), job("b", State.FAILED)))
EMPTY = snapshot()


def _counts(held: Snapshot, now: float) -> list[str]:
    clock = Clock()
    clock.now = now
    lines = lines_of(Exposition(store_of(held), OWN, clock=clock), "streaming_source_jobs")
    return [line.rsplit(" ", 1)[1] for line in lines]


@pytest.mark.parametrize(
    ("held", "now", "samples", "told"),
    [
        (NEVER, EPOCH, 0, None),
        (WAITING, EPOCH, 0, None),
        (OUTDATED, EPOCH + 301, 0, None),
        (EMPTY, EPOCH + 301, 0, None),
        (OUTDATED, EPOCH + 299, 10, 1),
        (IN_PART, EPOCH, 10, 2),
        (EMPTY, EPOCH, 10, 0),
        # Details still confirm one job, while no listing has been whole for long.
        (snapshot(job("a", observed_timestamp=EPOCH + 400), up=False), EPOCH + 500, 10, 1),
    ],
)
def test_number_of_jobs_is_told_where_something_is_known(
    held: Snapshot, now: float, samples: int, told: int | None
) -> None:
    assert len(_counts(held, now)) == samples
    site = Site(held)
    site.now = now
    (source,) = site.json("/api/v1/sources")["sources"]
    assert source["jobs"] == told
    (row,) = overview([fresh(held, now)], Query(), Reader(now=now)).sources
    assert row.jobs == told


def test_zeros_leave_the_page_by_themselves_when_they_are_outdated() -> None:
    clock = Clock()
    exposition = Exposition(store_of(EMPTY), OWN, clock=clock)
    assert exposition.stale_at == pytest.approx(EPOCH + 300, abs=0.01)
    clock.now = EPOCH + 300.01
    assert lines_of(exposition, "streaming_source_jobs") == []
    # And then nothing more becomes stale: nobody renders the page for it again and again.
    assert exposition.stale_at is None


def test_nothing_is_rendered_again_and_again_while_a_part_is_read() -> None:
    clock = Clock()
    held = snapshot(job("a", observed_timestamp=EPOCH + 400), up=False)
    exposition = Exposition(store_of(held), OWN, clock=clock)
    clock.now = EPOCH + 500
    assert len(lines_of(exposition, "streaming_source_jobs")) == 10
    assert exposition.stale_at == pytest.approx(EPOCH + 700, abs=0.01)


@pytest.mark.parametrize(
    ("held", "headline", "announcement"),
    [
        ((NEVER,), "No jobs are known: 1 source is down", "No jobs are known. 1 source down."),
        ((WAITING,), "No jobs are known: 1 source has not been read yet", "No jobs are known."),
        (
            (NEVER, WAITING),
            "No jobs are known: 1 source is down, 1 source has not been read yet",
            "No jobs are known. 1 source down.",
        ),
        (
            (replace(EMPTY, source="x"), NEVER),
            "0 jobs in 2 sources: 1 source is down",
            "No job needs a look. 1 source down.",
        ),
        (
            (IN_PART,),
            "2 jobs in 1 source: 1 needs a look, 1 source is down",
            "Jobs: 1 failed. 1 source down.",
        ),
        ((EMPTY,), "0 jobs in 1 source: all is well", "No job needs a look."),
    ],
)
def test_headline_calls_nothing_well_that_was_not_looked_at(
    held: tuple[Snapshot, ...], headline: str, announcement: str
) -> None:
    page = overview([fresh(judged(each), EPOCH) for each in held], Query(), Reader(now=EPOCH))
    assert (page.headline, page.announcement) == (headline, announcement)
    assert (page.found == "") is headline.startswith("No jobs")


def test_page_shows_no_number_of_a_source_that_was_never_read() -> None:
    text = Site(NEVER).ask("/").text
    assert "0 job" not in text
    assert '<td role="cell" class="number" data-label="Jobs"></td>' in text


@pytest.mark.parametrize(
    ("listing", "seconds", "said"),
    [
        (lambda now: ERROR, 100, "poll failed, there are no good values to keep"),
        (
            lambda now: ERROR if now > 10 else [job("a")],
            100,
            "poll failed, keeping the last good values",
        ),
        (lambda now: ERROR if now > 10 else [], 100, "poll failed, keeping the last good values"),
    ],
)
def test_log_speaks_of_good_values_where_there_are_some(
    listing: Callable[[float], Any], seconds: float, said: str
) -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(listing))
        await bench.run_for(seconds)
        assert bench.log.said() == [said]

    run(scenario())


def test_log_does_not_speak_of_values_that_were_withdrawn() -> None:
    def listing(now: float) -> list[Job] | Exception:
        if now < 10:
            return [job("a")]
        return ERROR if now < 1000 else FetchError(Reason.AUTH, "ListJobs")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(listing), stale_after=300.0)
        await bench.run_for(1100)
        assert bench.log.said() == [
            "poll failed, keeping the last good values",
            "poll failed, there are no good values to keep",
        ]

    run(scenario())


def test_projects_that_were_read_are_values_to_keep() -> None:
    def listing(now: float) -> Inventory:
        rows = (job("a", project="one", observed_timestamp=EPOCH + now),)
        return Inventory(jobs=rows, incomplete=(("two", ERROR),), flaws=Flaws())

    async def scenario() -> None:
        bench = Bench(ScriptedSource(listing))
        task = asyncio.create_task(bench.collector.run())
        await asyncio.sleep(40)
        held = bench.store.snapshots["s"]
        assert (held.up, held.last_success_timestamp, held.counts_jobs) == (False, None, True)
        assert "poll failed, keeping the last good values" in bench.log.said()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario())
