"""What is foretold of calls, figures and dollars is what is counted; nothing is paid for twice."""

import asyncio

import pytest

from exporter.configuration.checking import plan
from exporter.configuration.config_warnings import config_warnings
from exporter.configuration.cost import forecast
from exporter.simulator.fleet.fleet import Phase
from tests.platforms.aws_flink.account import Account, Watch, watching
from tests.virtual_time import run

DAY = 86400.0


async def _spent(watch: Watch, seconds: float) -> tuple[float, float]:
    """Return the calls a minute and the figures a day of the time that follows."""
    account = watch.account
    calls = account.calls() + account.calls("cloudwatch")
    figures = account.meter.figures
    await asyncio.sleep(seconds)
    made = account.calls() + account.calls("cloudwatch") - calls
    return made * 60 / seconds, (account.meter.figures - figures) * DAY / seconds


def test_five_hundred_applications_cost_what_was_foretold() -> None:
    """Calls a minute, figures and dollars a day are within five per cent of it."""

    async def scenario() -> tuple[Watch, float, float]:
        async with watching(Account(jobs=500), rate_limit=100) as watch:
            # Until each was asked about once there is more to ask than later on.
            await asyncio.sleep(100)
            return watch, *await _spent(watch, 600)

    watch, calls, figures = run(scenario())
    (source,) = watch.config.sources
    told = forecast(source.settings, source.platform.cost(source.settings, 500), 500)
    assert told.charge is not None
    assert calls == pytest.approx(told.calls_per_minute, rel=0.05)
    assert figures == pytest.approx(told.charge.per_day, rel=0.05)
    assert figures * 1e-5 == pytest.approx(told.charge.dollars_per_day, rel=0.05)
    assert watch.counted("streaming_exporter_api_metrics_requested_total") == (
        watch.account.meter.figures
    )
    assert len(watch.states()) == 500
    # Described once, and never again.
    assert watch.account.calls("control", "DescribeApplication") == 500
    assert watch.account.calls("control", "ListApplicationOperations") == 500
    table = plan(watch.config, {"msf": 500})
    assert (
        "msf: 432000 metrics of CloudWatch a day, 4.32 USD a day and 129.60 USD a month "
        "by the list price" in table
    )


@pytest.mark.parametrize("jobs", [1, 7])
def test_few_applications_cost_what_was_foretold(jobs: int) -> None:
    async def scenario() -> tuple[Watch, float]:
        settings = {"poll_interval": "1m", "detail_interval": "10m"}
        async with watching(Account(jobs=jobs), **settings) as watch:
            await asyncio.sleep(1200)
            _, figures = await _spent(watch, 3000)
            return watch, figures

    watch, figures = run(scenario())
    (source,) = watch.config.sources
    told = forecast(source.settings, source.platform.cost(source.settings, jobs), jobs)
    assert told.charge is not None
    assert figures == pytest.approx(told.charge.per_day, rel=0.1)


def test_defaults_cost_less_than_a_dollar_a_day_for_a_hundred() -> None:
    async def scenario() -> Watch:
        async with watching(Account()) as watch:
            return watch

    watch = run(scenario())
    (source,) = watch.config.sources
    told = forecast(source.settings, source.platform.cost(source.settings, 100), 100)
    assert told.charge is not None
    assert 0 < told.charge.dollars_per_day < 1
    assert config_warnings(watch.config) == ()


def test_what_costs_more_than_a_dollar_a_day_for_a_hundred_is_said() -> None:
    async def scenario() -> Watch:
        async with watching(Account(), metrics="[restarts, input_delay, checkpoints]") as watch:
            return watch

    (warning,) = config_warnings(run(scenario()).config)
    assert str(warning) == (
        "sources[0]: metrics of CloudWatch cost 2.02 USD a day and 60.48 USD a month for 100 "
        "running jobs by the list price: ask for less, or less often"
    )


def test_only_what_runs_is_paid_for() -> None:
    async def scenario() -> Watch:
        account = Account(jobs=3)
        account.set_phase("job-0001", Phase.STOPPED)
        account.set_phase("job-0002", Phase.STARTING)
        async with watching(account) as watch:
            await asyncio.sleep(120)
            return watch

    watch = run(scenario())
    assert (watch.account.meter.calls, watch.account.meter.figures) == (1, 3)


def test_jobs_of_others_are_not_paid_for() -> None:
    """What is excluded is never asked about, so CloudWatch is not asked about it either."""

    async def scenario() -> Watch:
        account = Account(jobs=10)
        async with watching(account, jobs="{include: ['job-0004']}") as watch:
            await asyncio.sleep(120)
            return watch

    assert run(scenario()).account.meter.figures == 3


@pytest.mark.parametrize("settings", [{"metrics_interval": 0}, {"metrics": "[]"}])
def test_cloudwatch_is_not_asked_where_nobody_wants_it(settings: dict[str, object]) -> None:
    async def scenario() -> Watch:
        async with watching(Account(jobs=2), **settings) as watch:
            await asyncio.sleep(900)
            return watch

    watch = run(scenario())
    assert watch.account.calls("cloudwatch") == 0
    assert watch.states() == {"job-0000": "running", "job-0001": "running"}
    (source,) = watch.config.sources
    assert source.platform.cost(source.settings, 100).bill is None
    assert "USD" not in plan(watch.config, {"msf": 100})


def test_plan_of_two_shards_is_that_of_each() -> None:
    async def scenario() -> Watch:
        async with watching(Account()) as watch:
            return watch

    assert "msf: 216000 metrics of CloudWatch a day for each shard, 2.16 USD" in plan(
        run(scenario()).config, {"msf": 500}, 2
    )
