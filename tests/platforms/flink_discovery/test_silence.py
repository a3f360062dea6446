"""A cluster that does not answer hurts its own jobs only, and is asked less and less often."""

import asyncio
from itertools import pairwise

import httpx

from exporter.discovery.clusters import Cluster, Clusters
from exporter.errors import FetchError, Reason
from tests.platforms.flink_discovery.fleet import (
    FOR_EVER,
    FleetBench,
    JobManagers,
    Script,
    found,
    named,
    names,
)
from tests.virtual_time import run


def test_silent_cluster_keeps_its_jobs_until_they_are_stale_and_the_source_stays_up() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        bench = FleetBench(Script(found("a", "b")), managers)
        await bench.run_for(60)
        assert set(bench.jobs) == {"a", "b"}
        managers.slow["b"] = FOR_EVER
        await bench.run_for(100)
        assert set(bench.jobs) == {"a", "b"}
        assert bench.snapshot.up is True
        assert (bench.clusters.reached, bench.clusters.unreached) == (1, 1)
        condition, reason = named(bench.clusters)["b"]
        assert condition == "unreached"
        assert "timeout" in reason
        await bench.run_for(300)
        assert set(bench.jobs) == {"a"}
        assert bench.snapshot.up is True
        del managers.slow["b"]
        await bench.run_for(200)
        assert set(bench.jobs) == {"a", "b"}
        assert bench.clusters.unreached == 0
        await bench.stop()

    run(scenario())


def test_silent_cluster_is_asked_less_and_less_often() -> None:
    """At each of the first polls, then with pauses that double, up to half of stale_after."""

    async def scenario() -> None:
        managers = JobManagers()
        managers.answers["b", "*"] = httpx.ConnectError("")
        bench = FleetBench(Script(found("a", "b")), managers, stale_after=1800)
        await bench.run_for(6 * 3600)
        # A refused connection is tried again within seconds: those are one question.
        asked = [
            at for before, at in pairwise([-99.0, *managers.listings_of("b")]) if at - before > 20
        ]
        pauses = [round(after - before) for before, after in pairwise(asked)]
        assert pauses[:2] == [30, 30]
        assert pauses[2] > 30
        assert pauses[4] > pauses[2] + 60
        assert max(pauses) <= 930
        assert len(asked) < 40
        assert len(managers.listings_of("a")) > 700
        await bench.stop()

    run(scenario())


def test_cluster_that_answers_again_is_asked_at_every_poll_again() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        managers.answers["b", "*"] = 503
        bench = FleetBench(Script(found("a", "b")), managers)
        await bench.run_for(1000)
        managers.answers.clear()
        await bench.run_for(200)
        managers.asked.clear()
        await bench.run_for(300)
        assert len(managers.listings_of("b")) >= 9
        await bench.stop()

    run(scenario())


def test_jobs_of_a_silent_cluster_are_not_asked_about_and_stop_nobody_else() -> None:
    """A refused connection of one is no reason to ask no other."""

    async def scenario() -> None:
        managers = JobManagers()
        bench = FleetBench(Script(found(*names(6))), managers, detail_interval=30)
        await bench.run_for(40)
        managers.answers["c000", "*"] = httpx.ConnectError("")
        await bench.run_for(40)
        managers.asked.clear()
        await bench.run_for(60)
        asked = {host for _, host, path in managers.asked if path != "/jobs/overview"}
        assert asked == {"c001", "c002", "c003", "c004", "c005"}
        assert bench.value("streaming_source_detail_failures_total", reason="connection") > 0
        await bench.stop()

    run(scenario())


def _listing_seconds(silent: int, *, steady: bool, rate_limit: float = 50) -> float:
    """Return how long one listing of 300 clusters takes of which so many hang."""

    async def scenario() -> float:
        clusters = list(names(300))
        managers = JobManagers(seconds=0.05)
        # Spread over all: those asked first are not the only ones.
        managers.slow = dict.fromkeys(clusters[:: 300 // silent] if silent else (), FOR_EVER)
        bench = FleetBench(
            Script(found(*clusters)), managers, rate_limit=rate_limit, poll_interval=60
        )
        loop = asyncio.get_running_loop()
        took = 0.0
        for _ in range(6 if steady else 1):
            began = loop.time()
            inventory = await bench.source.fetch_inventory()
            took = loop.time() - began
            assert not inventory.incomplete
            await asyncio.sleep(60 - took)
        assert len(inventory.jobs) == 300 - silent
        assert inventory.clusters is not None
        assert inventory.clusters.reached == 300 - silent
        await bench.source.aclose()
        return took

    return run(scenario())


def test_thirty_silent_clusters_of_three_hundred_slow_nobody_down() -> None:
    """Neither at the rate that is usual nor where only the concurrency bounds the listing."""
    for rate_limit in (50, 10_000):
        alone = _listing_seconds(0, steady=True, rate_limit=rate_limit)
        assert _listing_seconds(30, steady=True, rate_limit=rate_limit) <= 1.1 * alone


def test_clusters_that_have_just_fallen_silent_slow_the_listing_down_a_little_only() -> None:
    alone = _listing_seconds(0, steady=False)
    assert _listing_seconds(30, steady=False) <= 1.1 * alone


def test_clusters_that_are_all_silent_bring_the_source_down() -> None:
    """Nothing was read at all: that is no success, and most likely the way there is cut."""

    async def scenario() -> None:
        managers = JobManagers()
        bench = FleetBench(Script(found("a", "b", "c")), managers)
        await bench.run_for(60)
        for host in "abc":
            managers.answers[host, "*"] = httpx.ConnectError("")
        await bench.run_for(600)
        assert bench.snapshot.up is False
        assert bench.clusters.unreached == 3
        managers.answers.clear()
        # All of them are asked as soon as one has answered, however long ago they were asked.
        began = asyncio.get_running_loop().time()
        while bench.clusters.unreached == 3:
            await bench.run_for(1)
        await bench.run_for(35)
        assert bench.clusters.reached == 3
        assert asyncio.get_running_loop().time() - began < 190
        assert set(bench.jobs) == {"a", "b", "c"}
        await bench.stop()

    run(scenario())


def test_cluster_without_an_address_yet_is_unreached_and_not_asked() -> None:
    async def scenario() -> None:
        clusters = Clusters(living=(Cluster(name="new"), *found("a").living))
        bench = FleetBench(Script(clusters), JobManagers())
        await bench.run_for(60)
        assert named(bench.clusters)["new"][1].endswith("it has no address yet")
        assert bench.snapshot.up is True
        await bench.stop()

    run(scenario())


def test_who_polls_once_waits_for_clusters_that_are_slow() -> None:
    async def scenario() -> tuple[int, int]:
        counts = []
        for patient in (False, True):
            managers = JobManagers()
            managers.slow["slow"] = 4.0
            bench = FleetBench(Script(found("a", "slow")), managers, patient=patient)
            counts.append(len((await bench.source.fetch_inventory()).jobs))
            await bench.source.aclose()
        return counts[0], counts[1]

    assert run(scenario()) == (1, 2)


def test_slow_cluster_is_told_of_one_poll_later() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        managers.slow["slow"] = 4.0
        bench = FleetBench(Script(found("a", "slow")), managers)
        await bench.run_for(65)
        assert set(bench.jobs) == {"a", "slow"}
        assert bench.clusters.reached == 2
        await bench.stop()

    run(scenario())


def test_pause_that_one_cluster_asks_for_holds_no_other_up() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        managers.answers["b", "*"] = 429
        bench = FleetBench(Script(found("a", "b")), managers)
        loop = asyncio.get_running_loop()
        for _ in range(2):
            began = loop.time()
            await bench.source.fetch_inventory()
            assert loop.time() - began < 1
        await bench.source.aclose()

    run(scenario())


def test_answer_that_nobody_can_read_hurts_its_own_cluster_only() -> None:
    async def scenario() -> None:
        managers = JobManagers()
        managers.answers["b", "/jobs/overview"] = {"jobs": "none"}
        bench = FleetBench(Script(found("a", "b")), managers)
        await bench.run_for(40)
        assert set(bench.jobs) == {"a"}
        assert bench.snapshot.up is True
        assert "invalid_response" in named(bench.clusters)["b"][1]
        await bench.stop()

    run(scenario())


def test_failure_of_a_discovery_is_told_with_its_reason() -> None:
    async def scenario() -> None:
        failure = FetchError(Reason.TLS, "discovery", detail="certificate not accepted")
        bench = FleetBench(Script(failure), JobManagers())
        await bench.run_for(40)
        assert bench.snapshot.up is False
        assert "certificate not accepted" in bench.snapshot.failure
        assert bench.snapshot.clusters is None
        assert not bench.snapshot.counts_jobs
        await bench.stop()

    run(scenario())
