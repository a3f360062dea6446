"""What is stale leaves the page by itself, also when its source cannot be rendered any more."""

import asyncio
import gzip
import re
from dataclasses import replace

import pytest

from exporter.collecting.store import Store
from exporter.exposition import Exposition
from exporter.exposition.deflated_text import DeflatedText, Deflater
from tests.exposition.expositions import OWN, Clock, fleet, lines_of, page_of, store_of
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH


def test_stale_jobs_leave_the_page_at_stale_after_without_a_new_publication() -> None:
    clock = Clock()
    held = snapshot(job("old"), job("new", observed_timestamp=EPOCH + 100), absent=("x",))
    exposition = Exposition(store_of(held), OWN, clock=clock)

    def shown() -> list[str]:
        lines = lines_of(exposition, "streaming_job_observed_timestamp_seconds")
        return re.findall(r'job_name="(\w+)"', "".join(lines))

    assert exposition.stale_at == pytest.approx(EPOCH + 300, abs=0.01)
    clock.now = EPOCH + 300
    assert shown() == ["old", "new"]
    assert len(lines_of(exposition, "streaming_job_absent")) == 1
    clock.now = EPOCH + 300.01
    assert shown() == ["new"]
    assert lines_of(exposition, "streaming_job_absent") == []
    assert [line for line in lines_of(exposition, "streaming_source_jobs") if line.endswith(" 1.0")]
    assert exposition.stale_at == pytest.approx(EPOCH + 400, abs=0.01)
    clock.now = EPOCH + 400.01
    assert shown() == []
    assert exposition.stale_at is None
    # What is known of the source itself stays.
    assert len(lines_of(exposition, "streaming_source_last_success_timestamp_seconds")) == 1


def test_stale_jobs_are_withdrawn_in_turns_once_however_many_wait_for_it() -> None:
    class Counting(Clock):
        """A clock that counts how often someone asks what is fresh."""

        asked = 0

        def __call__(self) -> float:
            self.asked += 1
            return self.now

    async def scenario() -> tuple[int, int]:
        await exposition.withdraw_stale()
        before = clock.asked
        clock.now = EPOCH + 1000
        await exposition.withdraw_stale()
        alone = clock.asked - before
        clock.now = EPOCH
        exposition.refresh()
        clock.now = EPOCH + 1000
        before = clock.asked
        await asyncio.gather(*(exposition.withdraw_stale() for _ in range(10)))
        # Each of the others looks twice at the page, and finds nothing left to do.
        return alone, clock.asked - before

    clock = Counting()
    exposition = Exposition(store_of(fleet(100)), OWN, clock=clock)
    alone, together = asyncio.run(scenario())
    assert together < alone + 2 * 10
    assert exposition.stale_at is None
    assert b"job_name=" not in page_of(exposition)


def test_stale_jobs_leave_the_compressed_page_as_well() -> None:
    clock = Clock()
    exposition = Exposition(store_of(snapshot(job("old"))), OWN, clock=clock)
    clock.now = EPOCH + 1000
    body, _ = exposition.scrape(accept_encoding="gzip")
    assert b'job_name="old"' not in gzip.decompress(body)


class Choking(Deflater):
    """Cannot compress what says so."""

    def piece(self, text: bytes) -> DeflatedText:
        if b"choke" in text:
            raise ZeroDivisionError("of a source")
        return super().piece(text)


def test_source_that_cannot_be_rendered_keeps_its_last_lines_until_they_are_stale() -> None:
    clock = Clock()
    store = Store()
    exposition = Exposition(store, OWN, clock=clock, deflater=Choking())
    good = snapshot(*fleet(60).jobs)
    store.put(good)
    store.put(replace(snapshot(job("other")), source="other"))
    exposition.refresh()
    assert exposition.unrendered == {}
    before = lines_of(exposition, "streaming_job_info")
    assert len(before) == 61

    bad = replace(good, jobs=(*good.jobs, job("choke")))
    store.put(bad)
    store.put(replace(snapshot(job("other"), job("another")), source="other"))
    for _ in range(2):
        exposition.refresh()
        assert [*exposition.unrendered] == [good.source]
        assert exposition.unrendered[good.source].startswith("ZeroDivisionError at ")
        now = lines_of(exposition, "streaming_job_info")
        assert {*before} < {*now}
        assert len(now) == 62

    clock.now += good.stale_after + 1
    assert lines_of(exposition, "streaming_job_info") == []
    clock.now -= good.stale_after + 1
    store.put(good)
    exposition.refresh()
    assert exposition.unrendered == {}
    assert len(lines_of(exposition, "streaming_job_info")) == 62
