"""Details share the time with listings, and say when it is not enough."""

import asyncio
from typing import Any

import pytest

from exporter.collecting.store import Store
from exporter.errors import FetchError, Reason
from exporter.model import Job, Snapshot
from exporter.process.steps import Steps
from tests.collecting.scripted_source import Bench, ScriptedSource
from tests.jobs import job
from tests.virtual_time import run


def test_details_give_way_to_the_next_listing_and_go_on_after_it() -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(lambda now: [job(f"j{n:02}") for n in range(40)], latency=1.0),
            poll_interval=10.0,
            concurrency=1,
            detail_interval=1000.0,
        )
        await bench.run_for(100)
        gaps = [
            b - a for a, b in zip(bench.source.listed_at, bench.source.listed_at[1:], strict=False)
        ]
        assert max(gaps) <= 11
        assert {name for name, _ in bench.source.asked} == {f"j{n:02}" for n in range(40)}
        assert bench.value("streaming_source_poll_overruns_total")

    run(scenario())


def behind(jobs: int, **settings: Any) -> Bench:
    """Return a collector of jobs whose details take a second each, one at a time."""

    def listing(now: float) -> list[Job]:
        # From the thousandth second on there is time enough.
        return [job(f"j{n:02}") for n in range(jobs if now < 1000 else 5)]

    def details(row: Job, now: float) -> Job | FetchError:
        if any(row.job_name == each.job_name for each in listing(now)):
            return row
        return FetchError(Reason.NOT_FOUND, "Show", status=404, gone=True)

    return Bench(
        ScriptedSource(listing, details=details, latency=1.0),
        concurrency=1,
        stale_after=3600.0,
        **settings,
    )


def test_details_that_come_late_are_said_once_and_so_is_their_end() -> None:
    async def scenario() -> None:
        bench = behind(60, poll_interval=10.0, detail_interval=20.0)
        await bench.run_for(2000)
        late = (
            "details come less often than detail_interval: raise rate_limit, concurrency, "
            "poll_interval or detail_interval, or add shards"
        )
        assert bench.log.said() == [late, "details come within detail_interval again"]

    run(scenario())


def test_age_of_the_oldest_details_grows_evenly_when_there_is_no_time_for_all() -> None:
    async def scenario() -> None:
        bench = behind(60, poll_interval=10.0, detail_interval=20.0)
        task = asyncio.create_task(bench.collector.run())
        await asyncio.sleep(300)
        ages = []
        for _ in range(60):
            await asyncio.sleep(10)
            ages.append(bench.store.snapshots["s"].detail_age_seconds or 0.0)
        # Sixty questions of a second each, and a listing for every nine of them.
        assert 55 <= min(ages) <= max(ages) <= 90
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario())


def test_first_round_that_does_not_fit_is_not_called_late() -> None:
    async def scenario() -> None:
        bench = behind(60, poll_interval=10.0, detail_interval=900.0)
        await bench.run_for(700)
        assert bench.log.said() == []
        assert len({name for name, _ in bench.source.asked}) == 60

    run(scenario())


def test_details_have_their_turn_though_the_listing_takes_longer_than_the_interval() -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(lambda now: [job(f"j{n}") for n in range(4)], latency=60.0),
            poll_interval=20.0,
            detail_interval=30.0,
            stale_after=3600.0,
            concurrency=1,
        )
        await bench.run_for(3000)
        assert {name for name, _ in bench.source.asked} == {"j0", "j1", "j2", "j3"}
        assert len(bench.source.listed_at) >= 20

    run(scenario())


def test_long_round_of_details_is_published_once_for_all_who_ask() -> None:
    class Counting(Store):
        published = 0

        def publish(self, snapshot: Snapshot) -> Steps[None]:
            self.published += 1
            return super().publish(snapshot)

    async def scenario() -> None:
        store = Counting()
        source = ScriptedSource(lambda now: [job(f"j{n:03}") for n in range(400)], latency=1.0)
        bench = Bench(source, store=store, poll_interval=60.0, concurrency=8)
        await bench.collector.poll()
        # 50 s of questions: one publication in each five, one of the listing, one at the end.
        assert 10 <= store.published <= 12

    run(scenario())


def test_long_round_of_details_publishes_on_the_way() -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(
                lambda now: [job(f"j{n:02}") for n in range(20)],
                lambda row, now: job(row.job_name, queue="q"),
                latency=1.0,
            ),
            poll_interval=60.0,
            concurrency=1,
        )
        task = asyncio.create_task(bench.collector.poll())
        await asyncio.sleep(12)
        assert 3 <= sum(each.queue == "q" for each in bench.jobs) < 20
        await task

    run(scenario())
