"""The compressed page is the plain page in one gzip member, however large it is."""

import gzip
import zlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Counter

from exporter.exposition import Exposition
from exporter.model import Snapshot
from tests.exposition.expositions import (
    AS_OPENMETRICS,
    AS_TEXT,
    Accept,
    Clock,
    exposition_of,
    own_metrics,
    page_of,
    store_of,
)
from tests.exposition.reference import expected_page
from tests.exposition.snapshot_strategies import snapshots
from tests.jobs import job, snapshot


@pytest.mark.parametrize("accept", [AS_TEXT, AS_OPENMETRICS], ids=["text", "openmetrics"])
@settings(max_examples=20, deadline=None)
@given(given_snapshots=st.lists(snapshots, max_size=2))
def test_compressed_page_is_one_gzip_member_of_the_plain_page(
    accept: Accept, given_snapshots: list[Snapshot]
) -> None:
    exposition = exposition_of(*given_snapshots)
    plain = page_of(exposition, accept)
    body, headers = exposition.scrape(**accept, accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == plain
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert member.decompress(body) == plain
    assert (member.eof, member.unused_data) == (True, b"")


def test_compressed_page_of_many_jobs_is_small_and_whole() -> None:
    held = snapshot(*(job(f"job-{number}") for number in range(2000)))
    exposition = exposition_of(held)
    body, _ = exposition.scrape(accept_encoding="gzip")
    plain = page_of(exposition)
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 10


def test_page_of_which_parts_are_as_before_is_whole() -> None:
    """Of most families nothing is put together anew."""
    jobs = [job(f"job-{number:04}", restart_times=number) for number in range(3000)]
    store = store_of(snapshot(*jobs))
    exposition = Exposition(store, own_metrics(), clock=Clock())
    for number, name in ((7, "restarts"), (2999, "restarts"), (1500, "other")):
        jobs[number] = jobs[number]._replace(restart_times=10_000 + number, queue=name)
        store.put(snapshot(*jobs))
        exposition.refresh()
        body, _ = exposition.scrape(accept_encoding="gzip")
        plain = page_of(exposition)
        assert gzip.decompress(body) == plain
        assert f"{10_000 + number}.0".encode() in plain


def test_page_of_thousands_of_jobs_that_differ_in_everything_is_whole() -> None:
    random = Random(1)
    held = snapshot(
        *(
            job(
                random.randbytes(32).hex(),
                queue=random.randbytes(64).hex(),
                duration_seconds=random.random(),
                tasks=(("running", number),),
            )
            for number in range(4200)
        )
    )
    exposition = exposition_of(held)
    expected = expected_page([held], AS_TEXT)
    assert page_of(exposition) == expected
    body, headers = exposition.scrape(accept_encoding="gzip")
    assert gzip.decompress(body) == expected
    assert headers["content-length"] == str(len(body))


def test_compressed_page_follows_the_exporters_own_metrics() -> None:
    own = own_metrics()
    exposition = Exposition(store_of(snapshot(job())), own, clock=Clock())
    exposition.scrape(accept_encoding="gzip")
    Counter("later", "Made after the page.", registry=own).inc()
    body, _ = exposition.scrape(accept_encoding="gzip")
    assert b"later_total 1.0\n" in gzip.decompress(body)
