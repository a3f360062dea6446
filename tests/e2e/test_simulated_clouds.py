"""The whole exporter over all simulated clouds: what is exported is what is so."""

import asyncio

import pytest

from exporter.simulator.clouds import ALIBABA_SECRET, HUAWEI_SECRET
from exporter.simulator.fleet.fleet import Phase
from tests.e2e.simulated_clouds import Sky, sky
from tests.virtual_time import EPOCH, run

SOURCES = {
    "dli-prod": "dli",
    "factory": "dataarts",
    "blink": "foas",
    "vvp": "ververica",
    "flink": "flink",
    "operator": "kubernetes",
    "connect": "connect",
    "msf": "kinesisanalytics",
    "oceanus": "oceanus",
}


def test_demo_shows_nine_platforms_forty_jobs_and_seven_states() -> None:
    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(15)
            states = [state for source in SOURCES for state in it.states(source).values()]
            assert it.up() == dict.fromkeys(SOURCES, 1.0)
            assert len(states) >= 40
            assert len(set(states)) >= 7

    run(scenario())


@pytest.mark.parametrize("source", SOURCES)
def test_source_that_stops_answering_keeps_its_values_until_stale_and_comes_back(
    source: str,
) -> None:
    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(20)
            before = it.states(source)
            assert before
            it.network.down.add(SOURCES[source])
            await asyncio.sleep(40)
            assert it.up() == {**dict.fromkeys(SOURCES, 1.0), source: 0.0}
            failures = it.samples("streaming_source_poll_failures_total", reason="connection")
            assert failures[source, "", ""] > 0
            assert it.states(source) == before
            others = {each: it.states(each) for each in SOURCES if each != source}
            assert all(others.values())
            await asyncio.sleep(30)
            assert it.states(source) == {}
            assert all(it.states(each) for each in others)
            it.network.down.clear()
            await asyncio.sleep(5.5)
            assert it.up() == dict.fromkeys(SOURCES, 1.0)
            assert it.states(source)

    run(scenario())


@pytest.mark.parametrize("source", SOURCES)
def test_failure_shows_within_one_poll(source: str) -> None:
    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(12)
            assert it.states(source)[_shown(source, "orders_enrichment")] == "running"
            _fleet(it, source).set_phase("orders_enrichment", Phase.FAILED, _now())
            await asyncio.sleep(6)
            assert it.states(source)[_shown(source, "orders_enrichment")] in FAILED[source]

    run(scenario())


FAILED = {
    "dli-prod": {"failed"},
    "factory": {"failed"},
    # A Blink stream job never ends by itself: it waits or keeps running with errors.
    "blink": {"failed", "starting"},
    "vvp": {"failed"},
    "flink": {"failed"},
    "operator": {"failed"},
    "connect": {"failed"},
    "msf": {"failed"},
    "oceanus": {"failed"},
}


def _shown(source: str, name: str) -> str:
    """Return how a source calls a job: Kubernetes knows no underscores."""
    return name.replace("_", "-") if source == "operator" else name


@pytest.mark.parametrize("source", SOURCES)
def test_deleted_job_leaves_within_two_polls(source: str) -> None:
    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(12)
            _fleet(it, source).remove("orders_enrichment", _now())
            await asyncio.sleep(11)
            assert _shown(source, "orders_enrichment") not in it.states(source)

    run(scenario())


@pytest.mark.parametrize("source", SOURCES)
def test_throttling_storm_neither_loses_a_job_nor_the_source_for_long(source: str) -> None:
    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(12)
            before = set(it.states(source))
            faults = getattr(it.clouds, SOURCES[source]).faults
            faults.throttling = True
            await asyncio.sleep(20)
            assert set(it.states(source)) >= before - {_shown(source, "experiment_joins")}
            assert sum(it.samples("streaming_exporter_api_throttled_total").values()) > 0
            faults.throttling = False
            await asyncio.sleep(16)
            assert it.up()[source] == 1.0

    run(scenario())


def test_reload_keeps_unchanged_sources_running_and_their_series_unbroken() -> None:
    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(12)
            polls = it.samples("streaming_source_polls_total")
            logins = it.clouds.iam.faults.count()
            it.text[0] = it.text[0].replace("labels: {team: payments}", "labels: {team: risk}")
            await it.app.reload()
            # The changed source has not been polled yet, and its jobs are there all the same.
            assert it.states("dli-prod")
            info = it.samples("streaming_job_info", source="dli-prod", team="risk")
            assert info
            await asyncio.sleep(6)
            after = it.samples("streaming_source_polls_total")
            assert all(after[key] > polls[key] for key in polls)
            assert it.clouds.iam.faults.count() == logins

    run(scenario())


def test_reload_of_a_bad_file_changes_nothing() -> None:
    from exporter.errors import ConfigError

    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(12)
            good, it.text[0] = (
                it.text[0],
                it.text[0].replace("platform: alibaba_flink", "platfrm: x"),
            )
            with pytest.raises(ConfigError, match="platform: required"):
                await it.app.reload()
            await asyncio.sleep(6)
            assert it.up() == dict.fromkeys(SOURCES, 1.0)
            name = "streaming_exporter_config_last_reload_successful"
            assert list(it.samples(name).values()) == [0.0]
            it.text[0] = good
            await it.app.reload()
            assert list(it.samples(name).values()) == [1.0]

    run(scenario())


def test_removed_source_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        async with sky() as it:
            await asyncio.sleep(12)
            it.text[0] = it.text[0][: it.text[0].index("  - {name: flink")]
            await it.app.reload()
            page = it.app.exposition.scrape()[0].decode()
            it.app.exposition.refresh()
            page = it.app.exposition.scrape()[0].decode()
            assert 'source="flink"' not in page
            assert 'source="vvp"' in page

    run(scenario())


@pytest.mark.parametrize(
    ("source", "secret", "hosts"),
    [("dli-prod", HUAWEI_SECRET, ("dli",)), ("blink", ALIBABA_SECRET, ("foas", "ververica"))],
)
def test_rejected_key_is_rested_after_three_requests_and_used_again_once_corrected(
    source: str, secret: str, hosts: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        async with sky(replace=(secret, "mistyped")) as it:
            # Two sources share the key of Alibaba, and so its three requests.
            clouds = [getattr(it.clouds, host) for host in hosts]
            await asyncio.sleep(300)
            assert it.up()[source] == 0.0
            assert sum(cloud.faults.count() for cloud in clouds) == 3
            failures = it.samples("streaming_source_poll_failures_total", reason="auth")
            assert failures[source, "", ""] > 10
            await asyncio.sleep(60)
            # After the pause one request finds out whether anything changed.
            assert sum(cloud.faults.count() for cloud in clouds) == 4
            it.text[0] = it.text[0].replace("mistyped", secret)
            await it.app.reload()
            await asyncio.sleep(6)
            assert it.up()[source] == 1.0
            assert it.up()["flink"] == 1.0

    run(scenario())


def _fleet(it: Sky, source: str):  # type: ignore[no-untyped-def]
    return getattr(it.clouds, SOURCES[source]).fleet


def _now() -> float:
    return EPOCH + asyncio.get_running_loop().time()
