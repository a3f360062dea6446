"""One source polled for ever, in virtual time: its rhythm, and polls that fail."""

import asyncio

import pytest

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import State
from exporter.source import Inventory
from tests.collecting.scripted_source import Bench, ScriptedSource
from tests.jobs import job
from tests.virtual_time import EPOCH, run


def test_first_poll_comes_soon_and_the_next_ones_at_the_interval() -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")]), poll_interval=30.0)
        await bench.run_for(100)
        first, *rest = bench.source.listed_at
        assert 0 <= first <= 3
        assert [round(at - first, 6) for at in rest] == [30, 60, 90]
        assert bench.value("streaming_source_polls_total") == 4

    run(scenario())


def test_source_is_not_up_nor_down_before_its_first_poll_has_ended() -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")], latency=5.0))
        await bench.run_for(4)
        assert bench.store.snapshots["s"].up is None

    run(scenario())


def test_states_are_published_before_details_arrive() -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(lambda now: [job("a")], lambda row, now: job("a", queue="q"), latency=4)
        )
        task = asyncio.create_task(bench.collector.poll())
        await asyncio.sleep(5)
        assert [(each.job_name, each.queue) for each in bench.jobs] == [("a", "")]
        await task
        assert [(each.job_name, each.queue) for each in bench.jobs] == [("a", "q")]

    run(scenario())


def test_failed_poll_keeps_every_value_and_counts_its_reason() -> None:
    error = FetchError(Reason.TIMEOUT, "ListJobs")

    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(lambda now: [job("a")] if now < 10 else error), poll_interval=30.0
        )
        await bench.run_for(45)
        snapshot = bench.store.snapshots["s"]
        assert snapshot.up is False
        assert snapshot.failure == "ListJobs failed: timeout"
        assert [each.state for each in snapshot.jobs] == [State.RUNNING]
        assert snapshot.jobs[0].observed_timestamp < EPOCH + 10
        assert bench.value("streaming_source_poll_failures_total", reason="timeout")
        assert bench.value("streaming_source_poll_failures_total", reason="auth") == 0

    run(scenario())


def test_failing_source_is_asked_more_often_than_usual_but_not_all_the_time() -> None:
    error = FetchError(Reason.CONNECTION, "ListJobs")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: error), poll_interval=40.0)
        await bench.run_for(4000)
        pauses = [
            b - a for a, b in zip(bench.source.listed_at, bench.source.listed_at[1:], strict=False)
        ]
        assert all(5 <= pause <= 40 for pause in pauses)
        assert len({round(pause, 3) for pause in pauses}) > 20

    run(scenario())


def test_platform_that_asks_for_patience_gets_it() -> None:
    error = FetchError(Reason.THROTTLED, "ListJobs", retry_after=500.0)

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: error), poll_interval=40.0)
        await bench.run_for(1400)
        first, second, third = bench.source.listed_at
        assert (second - first, third - second) == pytest.approx((500, 500))

    run(scenario())


def test_outage_is_logged_once_and_its_end_once() -> None:
    error = FetchError(Reason.CONNECTION, "ListJobs")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: error if 50 < now < 500 else [job("a")]))
        await bench.run_for(1000)
        assert bench.log.said() == [
            "poll failed, keeping the last good values",
            "poll succeeded again",
        ]

    run(scenario())


def test_fault_of_ours_fails_the_poll_and_not_the_task() -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: KeyError("hunter2") if now < 50 else [job("a")]))
        await bench.run_for(100)
        assert bench.value("streaming_source_poll_failures_total", reason="invalid_response")
        assert bench.store.snapshots["s"].up is True
        assert "hunter2" not in repr(bench.log.lines)
        assert "KeyError at scripted_source.py" in repr(bench.log.lines)

    run(scenario())


def test_poll_within_its_interval_is_no_overrun() -> None:
    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")]))
        await bench.run_for(300)
        assert bench.value("streaming_source_poll_overruns_total") == 0

    run(scenario())


def test_project_that_cannot_be_listed_makes_the_source_fail_but_not_its_other_projects() -> None:
    def listing(now: float) -> Inventory:
        return Inventory(
            jobs=(job("a").at(EPOCH + now),),
            incomplete=(("q", FetchError(Reason.AUTH, "ListJobs")),),
            flaws=Flaws(),
        )

    async def scenario() -> None:
        bench = Bench(ScriptedSource(listing))
        failure = await bench.collector.poll()
        assert failure is not None
        assert bench.store.snapshots["s"].up is False
        assert [each.job_name for each in bench.jobs] == ["a"]
        assert bench.value("streaming_source_poll_failures_total", reason="auth") == 1

    run(scenario())


def test_what_details_told_before_a_change_of_settings_stays_until_they_tell_more() -> None:
    error = FetchError(Reason.CONNECTION, "ShowJob")

    async def scenario() -> None:
        told = job("a", restart_times=7, input_delay_seconds=3.0)
        before = Bench(ScriptedSource(lambda now: [job("a")], lambda job, now: told))
        await before.collector.poll()
        source = ScriptedSource(lambda now: [job("a")], lambda job, now: error)
        after = Bench(source, poll_interval=20.0, stale_after=60.0, detail_interval=60.0)
        after.collector.adopt(before.collector.snapshot, before.collector.remembered)
        await after.run_for(30)
        # It is asked for at once, since other settings may bring other details.
        assert source.asked[0][1] < 5
        assert [(each.restart_times, each.input_delay_seconds) for each in after.jobs] == [(7, 3.0)]
        await after.run_for(120)
        assert [(each.restart_times, each.input_delay_seconds) for each in after.jobs] == [
            (7, None)
        ]

    run(scenario())


def test_jobs_known_before_a_change_of_settings_stay_through_a_failing_first_poll() -> None:
    error = FetchError(Reason.CONNECTION, "ListJobs")

    async def scenario() -> None:
        before = Bench(ScriptedSource(lambda now: [job("a")]))
        await before.collector.poll()
        after = Bench(ScriptedSource(lambda now: error), poll_interval=20.0)
        after.collector.adopt(before.collector.snapshot)
        await after.run_for(30)
        assert [each.job_name for each in after.jobs] == ["a"]
        assert after.store.snapshots["s"].last_success_timestamp == EPOCH

    run(scenario())
